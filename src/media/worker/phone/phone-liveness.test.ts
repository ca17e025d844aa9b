import { beforeEach, describe, expect, it } from 'vitest';
import { PhoneLiveness } from './phone-liveness.js';

describe('whether a phone is still there', () => {
  let liveness: PhoneLiveness;

  beforeEach(() => {
    liveness = new PhoneLiveness({ beforeFirstMs: 30_000, silentMs: 15_000, holdMs: 7_200_000 });
  });

  it('gives a phone longer for its first packet than for each one after it', () => {
    liveness.onAgreement(true, 1000);
    expect(liveness.isGone(30_999)).toBe(false);
    expect(liveness.isGone(31_000)).toBe(true);
    liveness.onRtp(2000);
    expect(liveness.isGone(16_999)).toBe(false);
    expect(liveness.isGone(17_000)).toBe(true);
  });

  it('says which packet was the first', () => {
    liveness.onAgreement(true, 0);
    expect([liveness.onRtp(20), liveness.onRtp(40)]).toEqual([true, false]);
  });

  it('takes a report for a sign of life, but not for the first packet', () => {
    liveness.onAgreement(true, 0);
    liveness.onReport(20_000);
    expect(liveness.isGone(49_999)).toBe(false);
    expect(liveness.isGone(50_000)).toBe(true);
    expect(liveness.onRtp(50_000)).toBe(true);
  });

  it('lets a phone that holds be silent for hours, and begins anew when it resumes', () => {
    liveness.onAgreement(true, 0);
    liveness.onRtp(1000);
    liveness.onAgreement(false, 2000);
    expect(liveness.isGone(7_201_999)).toBe(false);
    expect(liveness.isGone(7_202_000)).toBe(true);
    liveness.onAgreement(true, 100_000);
    expect(liveness.isGone(114_999)).toBe(false);
    expect(liveness.isGone(115_000)).toBe(true);
  });

  it('does not take a description that changes nothing for a packet', () => {
    liveness.onAgreement(true, 0);
    liveness.onRtp(1000);
    liveness.onAgreement(true, 10_000);
    expect(liveness.isGone(16_000)).toBe(true);
  });

  it('takes every description of a phone that holds for a sign of life', () => {
    liveness.onAgreement(false, 0);
    liveness.onAgreement(false, 7_000_000);
    expect(liveness.isGone(14_199_999)).toBe(false);
  });
});
