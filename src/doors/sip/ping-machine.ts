/**
 * What is known of a trunk's server by its answers to OPTIONS (RFC 3261 §11), as a table.
 *
 *               ┌─────────┐
 *        ┌alive─│ unknown │─dead─┐
 *        ▼      └─────────┘      ▼
 *     ┌────┐ ──────dead──────► ┌──────┐
 *     │ up │                   │ down │
 *     └────┘ ◄─────alive────── └──────┘
 *
 * `alive`: so many answers in a row as the trunk wants; `dead`: so many pings in a row without one.
 */
import type { TargetStatus } from '../../domain/trunks/trunk-state.js';

export type PingInput = 'alive' | 'dead';

export const pingStates = ['unknown', 'up', 'down'] satisfies readonly TargetStatus[];
export const pingInputs = ['alive', 'dead'] satisfies readonly PingInput[];

export const pingTransitions: Readonly<
  Record<TargetStatus, Readonly<Partial<Record<PingInput, TargetStatus>>>>
> = {
  unknown: { alive: 'up', dead: 'down' },
  up: { dead: 'down' },
  down: { alive: 'up' },
};
