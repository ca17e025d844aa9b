import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Readiness } from './readiness.js';

describe('Readiness', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is given without checks and while every check passes', async () => {
    const readiness = new Readiness();
    expect(await readiness.reasons()).toEqual([]);
    readiness.add('store', () => null);
    readiness.add('media', () => Promise.resolve(null));
    expect(await readiness.reasons()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is withheld with every reason, also where a check fails or does not answer', async () => {
    const readiness = new Readiness({ timeoutMs: 100 });
    readiness.add('draining', () => 'draining');
    readiness.add('store', () => Promise.reject(new Error('a detail')));
    readiness.add('sip', () => {
      throw new Error('a detail');
    });
    readiness.add('media', () => new Promise(() => undefined));
    readiness.add('fine', () => null);
    const reasons = readiness.reasons();
    await vi.advanceTimersByTimeAsync(100);
    expect(await reasons).toEqual([
      { check: 'draining', reason: 'draining' },
      { check: 'store', reason: 'failed' },
      { check: 'sip', reason: 'failed' },
      { check: 'media', reason: 'no answer' },
    ]);
  });
});
