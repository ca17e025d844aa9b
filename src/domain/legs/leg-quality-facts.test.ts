import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { DomainEvent } from '../facts/event.js';
import { EventRecorder } from '../facts/event-recorder.js';
import type { AudioQuality } from '../media-plane.js';
import { newParticipant } from '../participants/new-participant.js';
import { LegQualityFacts } from './leg-quality-facts.js';
import type { LiveLeg } from './live-leg.js';

const heard = {
  ...{ lossPercent: 0, jitterMs: 1, mos: 4.4, packets: 500, packetsLost: 0, totalLossPercent: 0 },
  ...{ jitterP95Ms: 1, jitterMaxMs: 1, mosMean: 4.4, mosWorst: 4.4 },
};
const good: AudioQuality = { received: heard, sent: null, roundTripMs: null, oneWay: null };

describe('The quality of legs', () => {
  let clock: ManualClock;
  let told: DomainEvent[];

  beforeEach(() => {
    clock = new ManualClock();
    told = [];
  });

  const leg = (legId: string, audio: AudioQuality | null, answeredAt: number | null = clock.now()) =>
    ({
      ...{ legId, kind: 'phone', state: answeredAt === null ? 'opened' : 'established', answeredAt },
      participant: newParticipant('acme', { publishPermissions: ['AUDIO'] }, 0),
      hasEnded: false,
      statistics: () => Promise.resolve(audio === null ? null : { audio }),
    }) as unknown as LiveLeg;

  const facts = (legs: readonly LiveLeg[], intervalMs = 10_000): LegQualityFacts => {
    const events = new EventRecorder({ publish: (event) => void told.push(event) }, clock);
    const quality = new LegQualityFacts({ legs: () => legs, events, clock, intervalMs });
    quality.start();
    return quality;
  };

  const pass = async (seconds: number): Promise<number> => {
    const before = told.length;
    for (let s = 0; s < seconds; s++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return told.length - before;
  };

  it('is told of each every ten seconds from its answer on, not of all at once', async () => {
    const legs = [leg('a', good), leg('b', good, clock.now() + 4000)];
    facts(legs);
    expect(await pass(9)).toBe(0);
    expect(await pass(1)).toBe(1);
    expect(await pass(3)).toBe(0);
    expect(await pass(1)).toBe(1);
    expect(await pass(20)).toBe(4);
    expect(told[0]).toMatchObject({ type: 'leg.quality', data: { legId: 'a', legKind: 'phone', ...good } });
  });

  it('is not told of a leg that is not up, that nothing is known of, or that ends meanwhile', async () => {
    const nothing = { ...good, received: null };
    const ending = { ...leg('ending', good), hasEnded: true } as LiveLeg;
    facts([leg('opened', good, null), leg('gone', null), leg('silent', nothing), ending]);
    expect(await pass(30)).toBe(0);
  });

  it('is never told with an interval of 0, nor after the end', async () => {
    facts([leg('a', good)], 0);
    expect(clock.pending).toBe(0);
    const quality = facts([leg('a', good)]);
    quality.close();
    quality.close();
    expect(await pass(30)).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
