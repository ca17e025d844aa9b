import { describe, expect, it } from 'vitest';
import { meanOpinionScore, ratingFactor } from './e-model.js';

describe('the E-model (ITU-T G.107)', () => {
  it('rates a connection of defaults 93.2, which is a mean opinion score of 4.41', () => {
    const rating = ratingFactor({ lossPercent: 0, delayMs: 0 });
    expect(rating).toBeCloseTo(93.2, 1);
    expect(meanOpinionScore(rating)).toBeCloseTo(4.41, 2);
  });

  it('turns ratings into the scores that G.107 (table B.1) gives for them', () => {
    const published: readonly (readonly [number, number])[] = [
      [90, 4.34],
      [80, 4.03],
      [70, 3.6],
      [60, 3.1],
      [50, 2.58],
    ];
    for (const [rating, score] of published)
      expect(Math.abs(meanOpinionScore(rating) - score), String(rating)).toBeLessThan(0.011);
    expect(meanOpinionScore(-10)).toBe(1);
    expect(meanOpinionScore(120)).toBe(4.5);
  });

  it('takes Ie,eff off for loss: 95 · Ppl / (Ppl + Bpl), with the Bpl of G.711 with concealment, 25.1', () => {
    const clean = ratingFactor({ lossPercent: 0, delayMs: 0 });
    for (const lossPercent of [1, 5, 20])
      expect(clean - ratingFactor({ lossPercent, delayMs: 0 })).toBeCloseTo(
        (95 * lossPercent) / (lossPercent + 25.1),
        6,
      );
  });

  it('never rates more loss or more delay better, and always gives a score between 1 and 4.5', () => {
    const delays = [0, 20, 50, 99, 100, 101, 150, 200, 400, 1000, 10_000];
    for (const lossPercent of [0, 0.1, 1, 3, 10, 50, 100]) {
      let before = Infinity;
      for (const delayMs of delays) {
        const rating = ratingFactor({ lossPercent, delayMs });
        expect(rating, `${String(lossPercent)} % ${String(delayMs)} ms`).toBeLessThanOrEqual(before);
        expect(meanOpinionScore(rating)).toBeGreaterThanOrEqual(1);
        expect(meanOpinionScore(rating)).toBeLessThanOrEqual(4.5);
        before = rating;
      }
    }
  });
});
