import { describe, expect, it } from 'vitest';
import { stateAfter, transferMoves, type TransferMove, type TransferState } from './transfer-state.js';

const moves: Readonly<Record<TransferMove, true>> = {
  'call-arrived': true,
  'call-answered': true,
  'caller-joined': true,
  'caller-left': true,
  'call-ended': true,
  'reported-over': true,
  cancel: true,
  'participant-deleted': true,
  'time-over': true,
};

/** Every edge of the figure; what is not here is no edge. */
const edges: readonly (readonly [TransferState, TransferMove, TransferState])[] = [
  ['requested', 'call-arrived', 'arrived'],
  ['requested', 'reported-over', 'completed'],
  ['requested', 'cancel', 'canceled'],
  ['requested', 'participant-deleted', 'canceled'],
  ['requested', 'time-over', 'expired'],
  ['arrived', 'call-answered', 'answered'],
  ['arrived', 'call-ended', 'completed'],
  ['arrived', 'cancel', 'canceled'],
  ['answered', 'caller-joined', 'joined'],
  ['answered', 'call-ended', 'completed'],
  ['answered', 'cancel', 'canceled'],
  ['joined', 'caller-left', 'answered'],
  ['joined', 'call-ended', 'completed'],
  ['joined', 'cancel', 'canceled'],
  ['completed', 'call-arrived', 'arrived'],
];

describe('the state of a transfer', () => {
  const states = Object.keys(transferMoves) as TransferState[];
  for (const state of states) {
    for (const move of Object.keys(moves) as TransferMove[]) {
      const to = edges.find(([from, by]) => from === state && by === move)?.[2] ?? null;
      it(`${state}: ${move} ${to === null ? 'changes nothing' : `makes it ${to}`}`, () => {
        expect(stateAfter(state, move)).toBe(to);
      });
    }
  }
});
