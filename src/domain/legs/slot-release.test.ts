import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { DomainError } from '../domain-error.js';
import { silentLogger } from '../logger.js';
import { SlotRelease } from './slot-release.js';

function newRelease() {
  const clock = new ManualClock();
  const state = { isDown: false, attempts: 0, errors: 0 };
  const freed: string[] = [];
  const release = new SlotRelease({
    clock,
    logger: { ...silentLogger, error: () => void (state.errors += 1) },
    store: {
      releaseSlot: (participantId, legId, wasAnswered) => {
        state.attempts += 1;
        if (state.isDown) return Promise.reject(new DomainError('store-unavailable', 'no space left'));
        freed.push(`${participantId} ${legId} ${wasAnswered ? 'answered' : 'refused'}`);
        return Promise.resolve();
      },
    },
  });
  return { clock, state, freed, release };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('A slot', () => {
  it('is free when the leg has ended', async () => {
    const { clock, freed, release } = newRelease();
    await release.release('p1', 'l1', true);
    expect(freed).toEqual(['p1 l1 answered']);
    expect(clock.pending).toBe(0);
  });

  it('that the store could not free is freed as soon as it can, with one complaint however many there are', async () => {
    const { clock, state, freed, release } = newRelease();
    state.isDown = true;
    await release.release('p1', 'l1', true);
    await release.release('p2', 'l2', false);
    clock.advance(60_000);
    await settle();
    expect(freed).toEqual([]);
    expect(state.errors).toBe(1);
    state.isDown = false;
    clock.advance(5000);
    await settle();
    expect(freed).toEqual(['p1 l1 answered', 'p2 l2 refused']);
    expect(clock.pending).toBe(0);
  });

  it('is asked for once at a time, however many wait', async () => {
    const { clock, state, release } = newRelease();
    state.isDown = true;
    for (let i = 0; i < 50; i += 1) await release.release(`p${i}`, `l${i}`, true);
    const before = state.attempts;
    clock.advance(5000);
    await settle();
    expect(state.attempts - before).toBe(1);
    expect(clock.pending).toBe(1);
  });
});
