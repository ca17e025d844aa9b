import { describe, expect, it } from 'vitest';
import { ThinnedSequence } from './thinned-sequence.js';

/** `!n` is taken out, `n` handed on; the numbers that come out, less the first. */
function thin(...numbers: string[]): number[] {
  const sequence = new ThinnedSequence();
  const out: number[] = [];
  for (const text of numbers) {
    const packet = { ssrc: 7, sequenceNumber: (65_530 + Number(text.replace('!', ''))) & 0xffff };
    if (text.startsWith('!')) sequence.takeOut(packet);
    else out.push((sequence.numberOf(packet) - 65_530) & 0xffff);
  }
  return out;
}

describe('the sequence of a stream out of which packets are taken', () => {
  it.each<[string, string[], number[]]>([
    ['nothing taken out', ['0', '1', '2'], [0, 1, 2]],
    ['a key press', ['0', '1', '!2', '!3', '!4', '5', '6'], [0, 1, 2, 3]],
    ['two, over the wrap', ['0', '!1', '!2', '3', '4', '!5', '!6', '7', '8'], [0, 1, 2, 3, 4]],
    ['audio that is lost', ['0', '!1', '2', '4', '5'], [0, 1, 3, 4]],
    ['a key press repeated by the network', ['0', '!1', '!1', '2', '3'], [0, 1, 2]],
    ['audio overtaken by a key press', ['0', '!2', '1', '3'], [0, 1, 2]],
    ['a key press in another order', ['0', '!2', '!1', '3', '4'], [0, 1, 2]],
    ['a key press overtaken by audio, which has left a gap', ['0', '2', '!1', '3'], [0, 2, 3]],
    ['what comes first is taken out', ['!0', '!1', '2', '3'], [0, 1]],
  ])('has no gap where they were: %s', (_what, packets, expected) => {
    expect(thin(...packets)).toEqual(expected);
  });

  it('begins anew with another source, and where the source begins anew', () => {
    const sequence = new ThinnedSequence();
    sequence.numberOf({ ssrc: 7, sequenceNumber: 1 });
    sequence.takeOut({ ssrc: 7, sequenceNumber: 2 });
    expect(sequence.numberOf({ ssrc: 8, sequenceNumber: 40_000 })).toBe(40_000);
    sequence.takeOut({ ssrc: 8, sequenceNumber: 40_001 });
    expect(sequence.numberOf({ ssrc: 8, sequenceNumber: 10 })).toBe(10);
  });
});
