import { afterEach, describe, expect, it } from 'vitest';
import { DomainFixture } from '../../../test/support/domain-fixture.js';
import { account } from '../../../test/support/domain-fixture.js';
import { JoinTones } from './join-tones.js';
import type { LegKind } from '../media-plane.js';

let tones: JoinTones | null = null;
afterEach(() => tones?.close());

function start({ onJoin = true, onLeave = true } = {}) {
  const fixture = new DomainFixture();
  tones = new JoinTones({ legs: fixture.legs, clock: fixture.clock, onJoin, onLeave });
  fixture.legs.observe(tones);
  const phone = async (sessionId: string, kind: LegKind = 'phone') => {
    const created = await fixture.participant(sessionId);
    const leg = await fixture.join(created, kind);
    const media = fixture.mediaOf(created);
    const heard = () => media.tones.map(({ frequenciesHz }) => frequenciesHz[0]);
    return { leg, heard };
  };
  return { fixture, phone };
}

describe('Join and leave tones', () => {
  it('rise and fall for the other phones of the session', async () => {
    const { fixture, phone } = start();
    const sessionId = await fixture.session();
    const elsewhere = await phone(await fixture.session());
    const first = await phone(sessionId);
    const second = await phone(sessionId);
    expect(first.heard()).toEqual([440]);
    fixture.clock.advance(120);
    expect(first.heard()).toEqual([440, 660]);
    fixture.clock.advance(1000);
    await second.leg.end({ endedBy: 'participant', reason: 'hangup' });
    fixture.clock.advance(120);
    expect(first.heard()).toEqual([440, 660, 660, 440]);
    expect(second.heard()).toEqual([]);
    expect(elsewhere.heard()).toEqual([]);
  });

  it('of many who come at once are one, and none waits for its turn', async () => {
    const { fixture, phone } = start();
    const sessionId = await fixture.session();
    const first = await phone(sessionId);
    for (let joined = 0; joined < 10; joined += 1) await phone(sessionId);
    fixture.clock.advance(10_000);
    expect(first.heard()).toEqual([440, 660]);
    await phone(sessionId);
    expect(first.heard()).toHaveLength(3);
  });

  it('sound for a browser that comes, and not where they are off', async () => {
    const { fixture, phone } = start({ onLeave: false });
    const sessionId = await fixture.session();
    const first = await phone(sessionId);
    const browser = await phone(sessionId, 'browser');
    fixture.clock.advance(5000);
    expect(first.heard()).toEqual([440, 660]);
    await browser.leg.end({ endedBy: 'participant', reason: 'hangup' });
    fixture.clock.advance(5000);
    expect(first.heard()).toEqual([440, 660]);
  });

  it('are not for the end of a session, nor for one who no longer is there at the second note', async () => {
    const { fixture, phone } = start();
    const sessionId = await fixture.session();
    const first = await phone(sessionId);
    const second = await phone(sessionId);
    await first.leg.end({ endedBy: 'participant', reason: 'hangup' });
    fixture.clock.advance(5000);
    expect(first.heard()).toEqual([440]);
    await fixture.sessions.deleteSession(account, sessionId);
    fixture.clock.advance(5000);
    expect(second.heard()).toEqual([]);
    expect(fixture.clock.pending).toBe(0);
  });
});
