import { describe, expect, it } from 'vitest';
import {
  dialogInputs,
  dialogStates,
  nextDialogState,
  type DialogInput,
  type DialogState,
} from './dialog-machine.js';

const edges: readonly (readonly [from: DialogState, input: DialogInput, to: DialogState])[] = [
  ['early', 'accepted', 'confirmed'],
  ['early', 'bye', 'ending'],
  ['early', 'over', 'terminated'],
  ['confirmed', 'bye', 'ending'],
  ['confirmed', 'over', 'terminated'],
  ['ending', 'over', 'terminated'],
];

describe('a dialog’s state', () => {
  it.each(edges)('%s, after %s, is %s', (from, input, to) => {
    expect(nextDialogState(from, input)).toBe(to);
  });

  const others = dialogStates.flatMap((state) =>
    dialogInputs
      .filter((input) => !edges.some(([from, known]) => from === state && known === input))
      .map((input) => [state, input] as const),
  );
  it.each(others)('%s stays what it is after %s', (state, input) => {
    expect(nextDialogState(state, input)).toBe(state);
  });
});
