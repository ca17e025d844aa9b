import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../../../test/support/expect-refusal.js';
import { DomainFixture } from '../../../test/support/domain-fixture.js';
import { mainConnection, MediaRefusal, type LegKind, type MediaLegStatistics } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { CreatedParticipant } from '../sessions/session-service.js';
import type { DoorLeg } from './door-leg.js';
import type { SuccessionRequest } from './leg-admission.js';
import type { LegNotice } from './leg-notice.js';
import type { LiveLeg } from './live-leg.js';

const hangup: Outcome = { endedBy: 'participant', reason: 'hangup' };

describe('a call that takes a leg over', () => {
  let domain: DomainFixture;
  let sessionId: string;
  let created: CreatedParticipant;
  let leg: LiveLeg;
  /** What the doors of the calls that take it over were told. */
  let log: string[];
  beforeEach(async () => {
    domain = new DomainFixture();
    sessionId = await domain.session();
    created = await domain.participant(sessionId);
    leg = await domain.join(created);
    log = [];
  });

  function succeed(changes: Partial<SuccessionRequest> = {}): Promise<DoorLeg> {
    return domain.legs.succeed(leg.legId, {
      ...{ callId: 'next', voiceCallId: null, trunkId: 'trunk', caller: null, stir: null, headers: null },
      signalling: {
        renegotiate: () => void log.push('renegotiate'),
        terminate: ({ reason }) => void log.push(`terminate ${reason}`),
        replaced: () => void log.push(`${changes.callId ?? 'next'} replaced`),
      },
      ...changes,
    });
  }

  async function answered(kind: LegKind = 'phone'): Promise<DoorLeg> {
    const next = await succeed();
    await next.open(mainConnection(kind, 'offer'));
    next.answered();
    return next;
  }

  const member = () =>
    domain.events.filter(({ type }) => type === 'participant.left' || type === 'participant.joined');

  it('has it with the ACK, and not before; nobody has joined or left, and the slot stays taken', async () => {
    const next = await answered();
    expect(domain.door(leg).replacements).toBe(0);
    expect(leg.callId).toBe('call-1');
    next.established();
    expect(log).toEqual([]);
    expect(domain.door(leg).replacements).toBe(1);
    expect(leg).toMatchObject({ callId: 'next', trunkId: 'trunk', state: 'established' });
    expect(next).toMatchObject({ legId: leg.legId, state: 'established', hasEnded: false });
    expect(member().map(({ type }) => type)).toEqual(['participant.joined']);
    expect(domain.ofType('call.replaced').map(({ data }) => data)).toMatchObject([
      { legId: leg.legId, callId: 'next', replacedCallId: 'call-1', legKind: 'phone', trunkId: 'trunk' },
    ]);
    expect(await domain.isSlotFree(created)).toBe(false);
    expect(domain.door(leg).terminations).toEqual([]);
    const [former, own] = domain.media.legs;
    expect([former?.isClosed, own?.isClosed]).toEqual([true, false]);
  });

  it('is heard in the place of the one before, and hears what that heard', async () => {
    const other = await domain.participant(sessionId);
    await domain.join(other);
    const [former] = domain.media.legs;
    const next = await answered();
    const own = domain.media.legs.at(-1);
    if (own === undefined || former === undefined) throw new Error('there is no media');
    expect(own.received).toEqual([]);
    own.listener.onStreams([
      { streamId: `${created.participant.id}.next`, alias: 'microphone', mediaTypes: ['AUDIO'] },
    ]);
    next.established();
    expect(own.received).toEqual([`${other.participant.id}.microphone`]);
    expect(domain.mediaOf({ participant: other.participant }).received).toEqual([
      `${created.participant.id}.next`,
    ]);
    expect(domain.ofType('stream.unpublished').map(({ data }) => data.streamId)).toEqual([
      `${created.participant.id}.microphone`,
    ]);
    // What the media before still says is nobody's.
    former.listener.onStreams([]);
    former.listener.onDtmf('5', 100);
    former.listener.onEnded('media-timeout');
    own.listener.onDtmf('6', 100);
    expect(domain.ofType('dtmf.received').map(({ data }) => data.digit)).toEqual(['6']);
    expect(leg.state).toBe('established');
  });

  it('holds where its far end does, and is told of what the application changed meanwhile', async () => {
    const next = await answered();
    const own = domain.media.legs.at(-1);
    own?.listener.onHeld(true);
    await domain.sessions.updateParticipant('acme', created.participant.id, { publishPermissions: [] });
    expect(domain.ofType('call.held')).toHaveLength(0);
    next.established();
    expect(domain.ofType('call.held')).toHaveLength(1);
    expect(leg.isHeld).toBe(true);
    expect(own?.log).toContain('may publish ');
  });

  it('may be a browser where a phone was', async () => {
    const next = await answered('browser');
    next.established();
    expect(leg.kind).toBe('browser');
    await leg.end(hangup);
    expect(domain.ofType('participant.left').map(({ data }) => data.legKind)).toEqual(['browser']);
  });

  it('that is given up leaves the leg as it was', async () => {
    for (const giveUp of ['end', 'terminate'] as const) {
      const next = await answered();
      await next[giveUp](hangup);
      expect(next.hasEnded).toBe(true);
      next.established();
    }
    expect(leg).toMatchObject({ callId: 'call-1', state: 'established' });
    expect(domain.media.openLegs).toHaveLength(1);
    expect(log).toEqual(['terminate hangup']);
    // And another may.
    (await answered()).established();
    expect(leg.callId).toBe('next');
  });

  it('whose media cannot be made leaves the leg as it was', async () => {
    const next = await succeed();
    domain.media.refuseNext(new MediaRefusal('no-common-codec', ''));
    await expectRefusal('no-common-codec', next.open(mainConnection('phone', 'offer')));
    expect(next.hasEnded).toBe(true);
    expect(leg.state).toBe('established');
    (await answered()).established();
  });

  it('whose media fails before its ACK ends, and the leg goes on', async () => {
    await answered();
    domain.media.legs.at(-1)?.listener.onEnded('media-lost');
    expect(log).toEqual(['terminate media-lost']);
    expect(leg.state).toBe('established');
  });

  it('has the leg at once where the call before hangs up between answer and ACK', async () => {
    const next = await answered();
    await leg.end(hangup);
    expect(log).toEqual([]);
    expect(leg).toMatchObject({ callId: 'next', state: 'established' });
    next.established();
    expect(member().map(({ type }) => type)).toEqual(['participant.joined']);
    await next.end(hangup);
    expect(member().map(({ type }) => type)).toEqual(['participant.joined', 'participant.left']);
    expect(await domain.isSlotFree(created)).toBe(true);
    expect(domain.media.openLegs).toHaveLength(0);
  });

  it('ends with the leg where that ends before the answer, or by an application', async () => {
    const early = await succeed();
    await leg.end(hangup);
    expect(log).toEqual(['terminate hangup']);
    await expectRefusal('participant-gone', early.open(mainConnection('phone', 'offer')));
    leg = await domain.join(created);
    const next = await answered();
    await leg.terminate({ endedBy: 'application', reason: 'participant-deleted' });
    expect(log).toEqual(['terminate hangup', 'terminate participant-deleted']);
    next.established();
    expect(domain.media.openLegs).toHaveLength(0);
    expect(await domain.isSlotFree(created)).toBe(true);
  });

  it('is told when the leg ends that it has', async () => {
    (await answered()).established();
    await leg.terminate({ endedBy: 'application', reason: 'participant-deleted' });
    expect(log).toEqual(['terminate participant-deleted']);
    expect(domain.door(leg).terminations).toEqual([]);
    expect(domain.ofType('call.ended').map(({ data }) => data.callId)).toEqual(['next']);
  });

  it('establishes the leg where the call before was answered and not acknowledged', async () => {
    leg = await domain.admit((await domain.participant(sessionId)).token);
    await leg.open(mainConnection('phone', 'offer'));
    leg.answered();
    const next = await answered();
    expect(leg.state).toBe('answered');
    next.established();
    expect(domain.door(leg).replacements).toBe(1);
    expect(leg).toMatchObject({ callId: 'next', state: 'established' });
    expect(member().map(({ type }) => type)).toEqual(['participant.joined', 'participant.joined']);
    await next.end(hangup);
    expect(domain.ofType('call.ended').map(({ data }) => data.wasEstablished)).toEqual([true]);
  });

  it('may be replaced itself, and is the one that is told to end', async () => {
    const second = await answered();
    second.established();
    const third = await succeed({ callId: 'third' });
    await third.open(mainConnection('phone', 'offer'));
    third.answered();
    third.established();
    expect(leg.callId).toBe('third');
    expect([log, domain.door(leg).replacements]).toEqual([['next replaced'], 1]);
    await second.end(hangup);
    expect(leg.state).toBe('established');
    await third.end(hangup);
    expect(leg.state).toBe('ended');
    expect(domain.media.openLegs).toHaveLength(0);
  });

  it('is refused where another is about to, where the leg is not answered yet, is looked after, or is gone', async () => {
    await answered();
    await expectRefusal('participant-occupied', succeed());
    const ringing = await domain.admit((await domain.participant(sessionId)).token);
    leg = ringing;
    await expectRefusal('participant-occupied', succeed());
    const attendant = {
      ...{ legEstablished: () => undefined, keyDown: () => undefined, keyPressed: () => undefined },
      ...{ keyUp: () => undefined, legEntered: () => undefined, legEnded: () => Promise.resolve() },
    };
    leg = await domain.admit((await domain.participant()).token, { attendant });
    await leg.open(mainConnection('phone', 'offer'));
    leg.answered();
    leg.established();
    await expectRefusal('participant-occupied', succeed());
    await leg.end(hangup);
    await expectRefusal('participant-gone', succeed());
  });

  it('sends nothing before its ACK where anybody may have written its address', async () => {
    const next = await succeed();
    await next.open({ ...mainConnection('phone', 'offer'), sendsOnceConfirmed: true });
    next.answered();
    const own = domain.media.legs.at(-1);
    await leg.end(hangup);
    expect(own?.log).not.toContain('confirm');
    next.established();
    expect(own?.log).toContain('confirm');
  });

  it('is told of everybody who is there: what the one before knew, its far end does not', async () => {
    const notices = (told: LegNotice[]) => ({
      ...{ renegotiate: () => undefined, terminate: () => undefined },
      notices: {
        takes: new Set(['participants', 'members'] as const),
        tell: (notice: LegNotice) => void told.push(notice),
      },
    });
    const before: LegNotice[] = [];
    const listener = await domain.participant(sessionId);
    leg = await domain.admit(listener.token, { signalling: notices(before) });
    await leg.open(mainConnection('phone', 'offer'));
    leg.answered();
    leg.established();
    // Whom the one before is no longer subscribed to is nobody to tell the next of.
    const gone = await domain.participant(sessionId, { displayName: 'Bob' });
    await domain.join(gone);
    const first = created.participant.id;
    await domain.sessions.setSubscriptions('acme', sessionId, listener.participant.id, {
      sessionId,
      participants: [{ participantId: first }],
    });
    const last = before.findLast(({ type }) => type === 'participants');
    expect(last).toMatchObject({
      participants: [{ participantId: first }],
      unsubscribed: [gone.participant.id],
    });

    const told: LegNotice[] = [];
    const next = await succeed({ signalling: notices(told) });
    await next.open(mainConnection('phone', 'offer'));
    next.answered();
    before.length = 0;
    expect(told).toEqual([]);
    next.established();
    expect(before).toEqual([]);
    expect(told).toMatchObject([
      { type: 'participants', sessionId, participants: [{ participantId: first }], unsubscribed: [] },
      { type: 'members', members: [{}, {}, {}] },
    ]);
  });

  it('leaves one count of the media: that of all its calls together, the jitter of the last', async () => {
    const counted: MediaLegStatistics = {
      ...{ packetsReceived: 500, packetsSent: 400, packetsLost: 3, packetsFromStrangers: 2, jitterMs: 9 },
    };
    const told: unknown[] = [];
    domain.legs.observe({ legMeasured: ({ legId }, statistics) => void told.push([legId, statistics]) });
    const measure = (counts: MediaLegStatistics | null) => {
      const media = domain.media.legs.at(-1);
      if (media !== undefined) media.counted = counts;
    };
    measure(counted);
    (await answered()).established();
    // Nothing is known of a media worker that is gone.
    measure(null);
    const third = await succeed({ callId: 'third' });
    await third.open(mainConnection('phone', 'offer'));
    third.answered();
    third.established();
    // What the fixture's media says while it is open: 3 received, 2 sent, 1 lost, 4 ms of jitter.
    expect(await leg.statistics()).toEqual({
      ...{ packetsReceived: 503, packetsSent: 402, packetsLost: 4, packetsFromStrangers: 2, jitterMs: 4 },
    });
    measure({ ...counted, packetsReceived: 20, jitterMs: 1 });
    expect(told).toEqual([]);
    await third.end(hangup);
    expect(told).toEqual([
      [
        leg.legId,
        { packetsReceived: 520, packetsSent: 800, packetsLost: 6, packetsFromStrangers: 4, jitterMs: 1 },
      ],
    ]);
  });

  it('counts where the media of the last call is lost with its worker', async () => {
    const told: unknown[] = [];
    domain.legs.observe({ legMeasured: (_, statistics) => void told.push(statistics) });
    const counted: MediaLegStatistics = {
      ...{ packetsReceived: 500, packetsSent: 400, packetsLost: 3, packetsFromStrangers: 2, jitterMs: 9 },
    };
    const [former] = domain.media.legs;
    if (former !== undefined) former.counted = counted;
    const next = await answered();
    next.established();
    await next.end(hangup);
    expect(told).toEqual([counted]);
  });

  it('is let in while the node drains: the call goes on', async () => {
    domain.legs.drain();
    (await answered()).established();
    expect(leg.callId).toBe('next');
  });
});
