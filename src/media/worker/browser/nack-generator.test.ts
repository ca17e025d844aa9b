import { describe, expect, it } from 'vitest';
import { NackGenerator } from './nack-generator.js';

const options = { maxMissing: 10, maxRequests: 2, reorderingMs: 10, retryMs: 60 };

function fed(...sequenceNumbers: number[]): NackGenerator {
  const nack = new NackGenerator(options);
  for (const sequenceNumber of sequenceNumbers) nack.onPacket(sequenceNumber, 0);
  return nack;
}

describe('NackGenerator', () => {
  it('asks for a gap after the time in which reordered packets come, and again, and then gives up', () => {
    const nack = fed(65_534, 2);
    expect(nack.due(9)).toEqual([]);
    expect(nack.due(10)).toEqual([65_535, 0, 1]);
    expect(nack.due(60)).toEqual([]);
    expect(nack.due(70)).toEqual([65_535, 0, 1]);
    expect(nack.takeGaveUp()).toBe(false);
    expect(nack.due(130)).toEqual([]);
    expect([nack.takeGaveUp(), nack.takeGaveUp(), nack.missingCount]).toEqual([true, false, 0]);
  });

  it('does not ask for what came late, and tells late from duplicate', () => {
    const nack = fed(1, 4);
    expect(nack.onPacket(2, 5)).toBe('late');
    expect(nack.onPacket(2, 6)).toBe('duplicate');
    expect(nack.onPacket(4, 6)).toBe('duplicate');
    expect(nack.due(10)).toEqual([3]);
  });

  it('gives a gap that is too large up at once', () => {
    const nack = fed(1, 20);
    expect(nack.takeGaveUp()).toBe(true);
    expect(nack.due(100)).toEqual([]);
    expect(nack.onPacket(21, 0)).toBe('new');
  });

  it('begins anew where the numbers jump', () => {
    const nack = fed(20_000);
    expect(nack.onPacket(100, 0)).toBe('new');
    expect(nack.onPacket(101, 0)).toBe('new');
    expect(nack.missingCount).toBe(0);
  });
});
