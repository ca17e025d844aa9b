import { beforeEach, describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import type { AttendedLeg, LegAttendant } from './leg-attendant.js';
import type { LiveLeg } from './live-leg.js';
import type { CreatedParticipant } from '../sessions/session-service.js';
import { mainConnection } from '../media-plane.js';

class RecordingAttendant implements LegAttendant {
  readonly log: string[] = [];
  leg: AttendedLeg | null = null;

  legEstablished(leg: AttendedLeg): void {
    this.leg = leg;
    this.log.push('established');
  }

  keyDown(): void {
    this.log.push('down');
  }

  keyUp(): void {
    this.log.push('up');
  }

  keyPressed(digit: string): void {
    this.log.push(`key ${digit}`);
  }

  legEntered(): void {
    this.log.push('entered');
  }

  legEnded(): Promise<void> {
    this.log.push('ended');
    return Promise.resolve();
  }
}

describe('a leg that is looked after', () => {
  let domain: DomainFixture;
  let attendant: RecordingAttendant;
  let created: CreatedParticipant;

  beforeEach(async () => {
    domain = new DomainFixture();
    attendant = new RecordingAttendant();
    created = await domain.participant();
  });

  async function join(): Promise<LiveLeg> {
    const leg = await domain.admit(created.token, { attendant });
    await leg.open(mainConnection('phone', 'offer phone'));
    leg.answered();
    leg.dtmf('1', 100);
    leg.established();
    return leg;
  }

  it('tells its keys to nobody else until it is in a session, and to everybody then', async () => {
    const leg = await join();
    leg.dtmf('2', 100);
    domain.mediaOf(created).listener.onDtmf('3', 100);
    expect(domain.ofType('dtmf.received')).toEqual([]);
    const sessionId = await domain.session();
    await domain.sessions.addParticipant(account, sessionId, created.participant.id, { sessionId });
    leg.dtmf('4', 100);
    expect(domain.ofType('dtmf.received').map(({ data }) => data.digit)).toEqual(['4']);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(attendant.log).toEqual(['established', 'key 2', 'key 3', 'entered', 'ended']);
  });

  it('tells its attendant once of a key that comes as telephone event and as INFO', async () => {
    const leg = await join();
    for (const digit of '4711') {
      domain.mediaOf(created).listener.onDtmf(digit, 100);
      leg.dtmf(digit, 250);
    }
    expect(attendant.log).toEqual(['established', 'key 4', 'key 7', 'key 1', 'key 1']);
  });

  it('tells its attendant while a key is held, by whichever way it hears of it, once for both', async () => {
    const leg = await join();
    const { listener } = domain.mediaOf(created);
    listener.onKeyDown();
    listener.onDtmf('4', 6000);
    leg.keyDown();
    leg.dtmf('7', 6000);
    listener.onKeyDown();
    leg.dtmf('1', 250);
    listener.onDtmf('1', 6000);
    expect(attendant.log).toEqual([
      'established',
      ...['down', 'key 4', 'up'],
      ...['down', 'key 7', 'up'],
      ...['down', 'key 1', 'up'],
    ]);
  });

  it('may be without a session for as long as it is looked after, and not longer', async () => {
    const leg = await join();
    domain.clock.advance(120_000);
    expect(leg.state).toBe('established');
    const sessionId = await domain.session();
    const { id } = created.participant;
    await domain.sessions.addParticipant(account, sessionId, id, { sessionId });
    await domain.sessions.removeParticipant(account, sessionId, id);
    domain.clock.advance(30_000);
    expect(domain.door(leg).terminations).toEqual([{ endedBy: 'gateway', reason: 'no-session' }]);
  });

  it('is never asked anything where an application put it into a session first', async () => {
    const sessionId = await domain.session();
    await domain.sessions.addParticipant(account, sessionId, created.participant.id, { sessionId });
    const leg = await join();
    leg.dtmf('5', 100);
    expect(attendant.log).toEqual(['entered']);
    expect(domain.ofType('dtmf.received')).toHaveLength(1);
  });

  it('plays what it is told, until it has ended', async () => {
    const leg = await join();
    attendant.leg?.prompt('pin', 4000);
    attendant.leg?.prompt('quiet', null);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    attendant.leg?.prompt('goodbye', null);
    expect(domain.mediaOf(created).log).toEqual([
      'receive hold sound',
      'prompt pin again and again',
      'prompt quiet',
    ]);
  });

  it('is silenced once the leg is in a session: whoever is alone there hears the hold sound where that is set', async () => {
    domain = new DomainFixture({}, undefined, { holdSoundWhenAlone: true });
    created = await domain.participant();
    await join();
    attendant.leg?.prompt('quiet', null);
    const sessionId = await domain.session();
    await domain.sessions.addParticipant(account, sessionId, created.participant.id, { sessionId });
    expect(domain.mediaOf(created).log).toEqual(['receive hold sound', 'prompt quiet', 'prompt none']);
    expect(domain.mediaOf(created).hearsHoldSound).toBe(true);
  });

  it('is told to have ended where it is not admitted, and where its media does not open', async () => {
    domain.legs.drain();
    await expect(domain.admit(created.token, { attendant })).rejects.toMatchObject({ code: 'draining' });
    expect(attendant.log).toEqual(['ended']);
    const other = new DomainFixture();
    const leg = await other.admit((await other.participant()).token, { attendant });
    other.media.refuseNext(new Error('broken'));
    await expect(leg.open(mainConnection('phone', 'offer phone'))).rejects.toThrow('broken');
    expect(attendant.log).toEqual(['ended', 'ended']);
  });
});
