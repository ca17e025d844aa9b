/**
 * The states of a registration with a carrier (RFC 3261 §10.2), as a table.
 *
 *     unregistered --due--> registering --granted--> registered --due--> refreshing
 *          ▲                 │   ▲  │                  │  ▲  └lost┐          │
 *          └─────────────────┼───┼──┼──────────────────┼──┼───────┘  granted ┘
 *                      failed│   │  │refused           │  └──────────────────┘
 *                            ▼   │due                  │
 *                         failed─┘  └─► refused        │      (refreshing fails as registering does)
 *
 *     any but these --end--> ending --done--> ended
 *
 * `failed` is tried again soon and later and later, `refused` much later. `lost`: the connection is gone that calls would come by.
 */
export type State =
  | 'unregistered'
  | 'registering'
  | 'registered'
  | 'refreshing'
  | 'failed'
  | 'refused'
  | 'ending'
  | 'ended';

export type Input = 'due' | 'granted' | 'failed' | 'refused' | 'lost' | 'end' | 'done';

export const states = [
  ...(['unregistered', 'registering', 'registered', 'refreshing'] as const),
  ...(['failed', 'refused', 'ending', 'ended'] as const),
] satisfies readonly State[];
export const inputs = [
  ...(['due', 'granted', 'failed', 'refused', 'lost', 'end', 'done'] as const),
] satisfies readonly Input[];

const asked = { granted: 'registered', failed: 'failed', refused: 'refused', end: 'ending' } as const;

export const transitions: Readonly<Record<State, Readonly<Partial<Record<Input, State>>>>> = {
  unregistered: { due: 'registering', end: 'ending' },
  registering: asked,
  registered: { due: 'refreshing', lost: 'unregistered', end: 'ending' },
  // A connection that is lost meanwhile fails the request that goes by it.
  refreshing: asked,
  failed: { due: 'registering', end: 'ending' },
  refused: { due: 'registering', end: 'ending' },
  ending: { done: 'ended' },
  ended: {},
};
