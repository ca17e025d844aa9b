import { describe, expect, it } from 'vitest';
import { hearingInputs, hearings, nextHearing, type Hearing, type HearingInput } from './hearing.js';

const edges: readonly (readonly [from: Hearing, input: HearingInput, to: Hearing])[] = [
  ['unproven', 'heard', 'hears'],
  ['unproven', 'lost', 'unreachable'],
  ['unreachable', 'heard', 'hears'],
  ['unreachable', 'moved', 'unproven'],
  ['hears', 'lost', 'deaf'],
  ['hears', 'ignored', 'lossy'],
  ['hears', 'moved', 'unproven'],
  ['lossy', 'heard', 'hears'],
  ['lossy', 'lost', 'deaf'],
  ['lossy', 'moved', 'unproven'],
  ['deaf', 'heard', 'hears'],
  ['deaf', 'moved', 'unproven'],
];

describe('a server’s hearing', () => {
  it.each(edges)('in %s, %s leads to %s', (from, input, to) => {
    expect(nextHearing(from, input)).toBe(to);
  });

  const others = hearings.flatMap((hearing) =>
    hearingInputs
      .filter((input) => !edges.some(([from, known]) => from === hearing && known === input))
      .map((input) => [hearing, input] as const),
  );
  it.each(others)('stays in %s whatever %s', (hearing, input) => {
    expect(nextHearing(hearing, input)).toBe(hearing);
  });
});
