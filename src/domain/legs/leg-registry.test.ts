/** What legs and sessions do to one another, over the real store, without media or signalling. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStores } from '../../store/sqlite/sqlite-stores.js';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import { expectRefusal } from '../../../test/support/expect-refusal.js';
import { mainConnection } from '../media-plane.js';

let domain: DomainFixture;
beforeEach(() => {
  domain = new DomainFixture();
});

describe('joining', () => {
  it('is told once, at the confirmation, and the streams are published then', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant(sessionId, { tag: 'vip', displayName: 'Ann' });
    domain.events.length = 0;
    const leg = await domain.admit(created.token, { voiceCallId: 'v' });
    await leg.open(mainConnection('phone', 'offer phone'));
    leg.answered();
    expect(domain.types()).toEqual(['call.arrived', 'call.answered']);
    leg.established();
    leg.established();
    const ofSession = domain.types().filter((type) => !type.startsWith('call.'));
    expect(ofSession).toEqual(['participant.joined', 'stream.published']);
    expect(domain.ofType('participant.joined')[0]).toMatchObject({
      sessionId,
      participantId: created.participant.id,
      tag: 'vip',
      data: { legId: leg.legId, legKind: 'phone', displayName: 'Ann' },
    });
    expect(domain.ofType('call.arrived')[0]?.data).toMatchObject({ voiceCallId: 'v', door: 'sip' });
  });

  it('routes by subscription: each hears the others, nobody itself', async () => {
    const sessionId = await domain.session();
    const [a, b] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    const deaf = await domain.participant(sessionId, {}, {});
    for (const created of [a, b, deaf]) await domain.join(created);
    const microphone = (created: typeof a) => `${created.participant.id}.microphone`;
    expect(domain.mediaOf(a).received).toEqual([microphone(b), microphone(deaf)]);
    expect(domain.mediaOf(b).received).toEqual([microphone(a), microphone(deaf)]);
    expect(domain.mediaOf(deaf).received).toEqual([]);
    expect(domain.mediaOf(deaf).hearsHoldSound).toBe(false);
  });

  it('publishes nothing without the AUDIO permission', async () => {
    const sessionId = await domain.session();
    const speaker = await domain.participant(sessionId);
    const listener = await domain.participant(sessionId, { publishPermissions: [] });
    await domain.join(speaker);
    await domain.join(listener);
    expect(domain.mediaOf(listener).request.mayPublish).toEqual([]);
    expect(domain.mediaOf(speaker).received).toEqual([]);
    expect(domain.mediaOf(listener).received).toHaveLength(1);
  });
});

describe('a change of subscriptions', () => {
  it('reaches the one listener it is about and touches nobody else', async () => {
    const sessionId = await domain.session();
    const [a, b, c] = [
      await domain.participant(sessionId),
      await domain.participant(sessionId),
      await domain.participant(sessionId),
    ];
    for (const created of [a, b, c]) await domain.join(created);
    const before = [b, c].map((created) => domain.mediaOf(created).log.length);
    await domain.sessions.setSubscriptions(account, sessionId, a.participant.id, {
      participants: [{ participantId: b.participant.id }],
    });
    expect(domain.mediaOf(a).received).toEqual([`${b.participant.id}.microphone`]);
    await domain.sessions.setSubscriptions(account, sessionId, a.participant.id, {});
    expect(domain.mediaOf(a).received).toEqual([]);
    expect([b, c].map((created) => domain.mediaOf(created).log.length)).toEqual(before);
  });

  it('that changes nothing says nothing to the media', async () => {
    const sessionId = await domain.session();
    const a = await domain.participant(sessionId);
    await domain.join(a);
    const before = domain.mediaOf(a).log.length;
    await domain.sessions.setSubscriptions(account, sessionId, a.participant.id, { sessionId });
    await domain.sessions.addParticipant(account, sessionId, a.participant.id, { sessionId });
    expect(domain.mediaOf(a).log).toHaveLength(before);
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('made while the call is being answered counts when it is', async () => {
    const sessionId = await domain.session();
    const [a, b] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    await domain.join(b);
    const leg = await domain.admit(a.token);
    await leg.open(mainConnection('phone', 'offer phone'));
    await domain.sessions.setSubscriptions(account, sessionId, a.participant.id, {});
    leg.answered();
    leg.established();
    expect(domain.mediaOf(a).received).toEqual([]);
  });

  it('follows streams that come and go', async () => {
    const sessionId = await domain.session();
    const [a, b] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    await domain.join(a, 'browser');
    await domain.join(b);
    expect(domain.mediaOf(b).received).toEqual([]);
    domain.mediaOf(a).publish('microphone', 'screenShare');
    expect(domain.mediaOf(b).received).toHaveLength(2);
    domain.mediaOf(a).publish('screenShare');
    expect(domain.mediaOf(b).received).toEqual([`${a.participant.id}.screenShare`]);
    expect(domain.ofType('stream.unpublished')).toMatchObject([{ data: { alias: 'microphone' } }]);
  });
});

describe('leaving', () => {
  it('is told once with who and why, after its streams and before the call’s end', async () => {
    const sessionId = await domain.session();
    const [a, b] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    const leg = await domain.join(a);
    await domain.join(b);
    domain.events.length = 0;
    domain.clock.advance(1234);
    const outcome = { endedBy: 'participant', reason: 'hangup', q850Cause: 16, text: 'bye' } as const;
    await leg.end(outcome);
    expect(domain.types()).toEqual(['stream.unpublished', 'participant.left', 'call.ended']);
    expect(domain.ofType('participant.left')).toMatchObject([
      { sessionId, participantId: a.participant.id, data: { legKind: 'phone', outcome } },
    ]);
    expect(domain.ofType('call.ended')).toMatchObject([{ sessionId, data: { durationMs: 1234, outcome } }]);
    expect(domain.mediaOf(b).received).toEqual([]);
  });

  it('happens at once when the participant is deleted', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant(sessionId);
    const leg = await domain.join(created);
    await domain.sessions.deleteParticipant(account, created.participant.id);
    expect(leg.hasEnded).toBe(true);
    expect(domain.mediaOf(created).isClosed).toBe(true);
    const outcome = { endedBy: 'application', reason: 'participant-deleted' };
    expect(domain.door(leg).terminations).toEqual([outcome]);
    expect(domain.ofType('participant.left')).toMatchObject([{ data: { outcome } }]);
    expect(domain.types().slice(-2)).toEqual(['call.ended', 'participant.deleted']);
  });

  it('happens at once when the participant is deleted while its media is opened', async () => {
    const created = await domain.participant(await domain.session());
    const leg = await domain.admit(created.token);
    const release = domain.media.delayNext();
    const opening = leg.open(mainConnection('phone', 'offer phone'));
    await domain.sessions.deleteParticipant(account, created.participant.id);
    release();
    await expectRefusal('participant-gone', opening);
    expect(domain.media.openLegs).toHaveLength(0);
    expect(domain.legs.size).toBe(0);
    expect(domain.door(leg).terminations).toHaveLength(1);
    expect(domain.ofType('participant.joined')).toHaveLength(0);
    expect(domain.ofType('participant.left')).toHaveLength(0);
    expect(domain.ofType('call.ended')).toHaveLength(1);
  });

  it('happens to phones and not to browsers when the session is deleted', async () => {
    const sessionId = await domain.session();
    const [phone, browser] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    const phoneLeg = await domain.join(phone);
    const browserLeg = await domain.join(browser, 'browser');
    await domain.sessions.deleteSession(account, sessionId);
    const outcome = { endedBy: 'application', reason: 'session-deleted' };
    expect(phoneLeg.hasEnded).toBe(true);
    expect(domain.door(phoneLeg).terminations).toEqual([outcome]);
    expect(browserLeg.state).toBe('established');
    expect(domain.door(browserLeg).terminations).toEqual([]);
    expect(browserLeg.participant.sessionId).toBeNull();
    expect(domain.mediaOf(browser).received).toEqual([]);
    const left = domain.ofType('participant.left');
    expect(left.map((event) => [event.sessionId, event.participantId, event.data.outcome])).toEqual([
      [sessionId, phone.participant.id, outcome],
      [sessionId, browser.participant.id, outcome],
    ]);
    expect(domain.types().at(-1)).toBe('session.deleted');
    domain.clock.advance(3_600_000);
    expect(browserLeg.state).toBe('established');
  });

  it.each(['admitted', 'opening'])(
    'happens to nobody of whom it is not known yet whether it is a phone, when the session is deleted: %s',
    async (how) => {
      const sessionId = await domain.session();
      const [browser, phone] = [await domain.participant(sessionId), await domain.participant(sessionId)];
      const legs = [await domain.admit(browser.token), await domain.admit(phone.token)];
      const open = () =>
        Promise.all(
          legs.map((leg, index) => leg.open(mainConnection(index === 0 ? 'browser' : 'phone', ''))),
        );
      const release = how === 'opening' ? domain.media.delayNext() : () => undefined;
      const opening = how === 'opening' ? open() : null;
      await domain.sessions.deleteSession(account, sessionId);
      expect(legs.map(({ hasEnded }) => hasEnded)).toEqual([false, false]);
      release();
      await (opening ?? open());
      for (const leg of legs) {
        leg.answered();
        leg.established();
      }
      expect(legs.map(({ participant }) => participant.sessionId)).toEqual([null, null]);
      expect(domain.ofType('participant.joined')).toEqual([]);
      domain.clock.advance(30_000);
      expect(legs.map(({ state }) => state)).toEqual(['established', 'ended']);
      expect(domain.ofType('call.ended').map(({ data }) => data.outcome.reason)).toEqual(['no-session']);
    },
  );

  it('is told for every leg when the gateway stops, and every slot is free then', async () => {
    const sessionId = await domain.session();
    const created = [await domain.participant(sessionId), await domain.participant(sessionId)];
    for (const participant of created) await domain.join(participant);
    const ringing = await domain.participant(sessionId);
    await domain.admit(ringing.token);
    await domain.legs.endAll({ endedBy: 'gateway', reason: 'gateway-stopping' });
    expect(domain.legs.size).toBe(0);
    expect(domain.ofType('participant.left')).toHaveLength(2);
    for (const participant of [...created, ringing]) expect(await domain.isSlotFree(participant)).toBe(true);
    expect(domain.media.openLegs).toHaveLength(0);
    expect(domain.clock.pending).toBe(0);
  });

  it('of the last leg is told to whoever waits for it, and to nobody who has given up', async () => {
    const sessionId = await domain.session();
    const told: string[] = [];
    const wait = (name: string, signal: AbortSignal) =>
      domain.legs.idle(signal).then(() => void told.push(name));
    const impatient = new AbortController();
    const patient = new AbortController();
    await wait('nobody to wait for', patient.signal);
    const [first, second] = [
      await domain.join(await domain.participant(sessionId)),
      await domain.join(await domain.participant(sessionId)),
    ];
    const waiting = [wait('impatient', impatient.signal), wait('patient', patient.signal)];
    await first.end({ endedBy: 'participant', reason: 'hangup' });
    expect(told).toEqual(['nobody to wait for']);
    impatient.abort();
    await waiting[0];
    expect(told).toEqual(['nobody to wait for', 'impatient']);
    await second.end({ endedBy: 'participant', reason: 'hangup' });
    await waiting[1];
    expect(told).toEqual(['nobody to wait for', 'impatient', 'patient']);
  });

  it('is told when the worker that held the media died', async () => {
    const created = await domain.participant(await domain.session());
    const leg = await domain.join(created);
    domain.mediaOf(created).listener.onEnded('media-lost');
    expect(domain.ofType('participant.left')).toMatchObject([
      { data: { outcome: { endedBy: 'gateway', reason: 'media-lost' } } },
    ]);
    expect(domain.door(leg).terminations).toHaveLength(1);
  });

  it('is matched one to one with joining, whatever happens', async () => {
    const [one, two] = [await domain.session(), await domain.session()];
    const created = await domain.participant(one);
    const { id } = created.participant;
    const leg = await domain.join(created);
    await domain.sessions.removeParticipant(account, one, id);
    await domain.sessions.addParticipant(account, two, id, { sessionId: two });
    await domain.sessions.removeParticipant(account, two, id);
    await domain.sessions.addParticipant(account, one, id, { sessionId: one });
    await Promise.all([
      domain.sessions.deleteSession(account, one),
      leg.end({ endedBy: 'participant', reason: 'hangup' }),
      domain.sessions.deleteParticipant(account, id),
    ]);
    const trail = domain.events
      .filter(({ type }) => type === 'participant.joined' || type === 'participant.left')
      .map(({ type, sessionId }) => [type, sessionId]);
    expect(trail).toEqual([
      ['participant.joined', one],
      ['participant.left', one],
      ['participant.joined', two],
      ['participant.left', two],
      ['participant.joined', one],
      ['participant.left', one],
    ]);
    expect(domain.ofType('call.ended')).toHaveLength(1);
  });
});

describe('without a session', () => {
  it('a phone hears the hold sound and nobody, and is ended after its time', async () => {
    const created = await domain.participant();
    const leg = await domain.join(created);
    expect(domain.mediaOf(created)).toMatchObject({ received: [], hearsHoldSound: true });
    expect(domain.ofType('participant.joined')).toHaveLength(0);
    domain.clock.advance(29_999);
    expect(leg.state).toBe('established');
    domain.clock.advance(1);
    expect(leg.hasEnded).toBe(true);
    expect(domain.door(leg).terminations).toEqual([{ endedBy: 'gateway', reason: 'no-session' }]);
    expect(domain.ofType('participant.left')).toHaveLength(0);
    expect(domain.clock.pending).toBe(0);
  });

  it('a phone that is added in time joins and stays', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant();
    const leg = await domain.join(created);
    domain.clock.advance(29_999);
    await domain.sessions.addParticipant(account, sessionId, created.participant.id, { sessionId });
    domain.clock.advance(3_600_000);
    expect(leg.state).toBe('established');
    expect(domain.ofType('participant.joined')).toMatchObject([{ sessionId }]);
    expect(domain.mediaOf(created).hearsHoldSound).toBe(false);
  });

  it('a phone that is added before it is answered has no clock running', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant();
    const leg = await domain.admit(created.token);
    await domain.sessions.addParticipant(account, sessionId, created.participant.id, { sessionId });
    await leg.open(mainConnection('phone', 'offer phone'));
    leg.answered();
    leg.established();
    expect(domain.clock.pending).toBe(0);
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('a browser waits as long as it likes', async () => {
    const created = await domain.participant();
    const leg = await domain.join(created, 'browser');
    domain.clock.advance(3_600_000);
    expect(leg.state).toBe('established');
  });

  it('removal holds a live phone, nobody hears it, and adding it elsewhere lets it talk there', async () => {
    const [one, two] = [await domain.session(), await domain.session()];
    const [caller, first, second] = [
      await domain.participant(one),
      await domain.participant(one),
      await domain.participant(two),
    ];
    const leg = await domain.join(caller);
    await domain.join(first);
    await domain.join(second);
    const callerStream = `${caller.participant.id}.microphone`;

    await domain.sessions.removeParticipant(account, one, caller.participant.id);
    expect(domain.mediaOf(caller)).toMatchObject({ received: [], hearsHoldSound: true });
    expect(domain.mediaOf(first).received).toEqual([]);
    expect(leg.state).toBe('established');
    expect(domain.ofType('participant.left')).toMatchObject([
      { sessionId: one, data: { outcome: { endedBy: 'application', reason: 'removed-from-session' } } },
    ]);

    await domain.sessions.addParticipant(account, two, caller.participant.id, { sessionId: two });
    expect(domain.mediaOf(caller)).toMatchObject({
      received: [`${second.participant.id}.microphone`],
      hearsHoldSound: false,
    });
    expect(domain.mediaOf(second).received).toEqual([callerStream]);
    expect(domain.mediaOf(first).received).toEqual([]);
    domain.clock.advance(60_000);
    expect(leg.state).toBe('established');
    expect(domain.media.legs.filter(({ request }) => request.legId === leg.legId)).toHaveLength(1);
  });
});

describe('key presses and holds', () => {
  it('are facts of the session that the leg is in', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant(sessionId);
    const leg = await domain.join(created);
    domain.mediaOf(created).listener.onDtmf('7', 120);
    for (const held of [true, true, false]) domain.mediaOf(created).listener.onHeld(held);
    expect(domain.ofType('dtmf.received')).toMatchObject([
      { sessionId, data: { legId: leg.legId, digit: '7', durationMs: 120 } },
    ]);
    expect(domain.ofType('call.held')).toHaveLength(1);
    expect(domain.ofType('call.resumed')).toHaveLength(1);
  });
});

describe('after a restart', () => {
  it('what an earlier life left open is closed as gateway-restarted, and old tokens work', async () => {
    const stores = openSqliteStores({ path: ':memory:' });
    const before = new DomainFixture({}, stores);
    const sessionId = await before.session();
    const inSession = await before.participant(sessionId, { tag: 'caller' });
    const alone = await before.participant();
    const leg = await before.join(inSession);
    await before.join(alone);

    domain = new DomainFixture({}, stores);
    await expectRefusal('participant-occupied', domain.admit(inSession.token));
    await domain.legs.recover();
    expect(domain.types()).toEqual(['participant.left']);
    expect(domain.ofType('participant.left')[0]).toMatchObject({
      sessionId,
      participantId: inSession.participant.id,
      tag: 'caller',
      data: {
        legId: leg.legId,
        legKind: null,
        outcome: { endedBy: 'gateway', reason: 'gateway-restarted' },
      },
    });
    await domain.legs.recover();
    expect(domain.events).toHaveLength(1);
    await domain.join(inSession);
    await domain.join(alone);
    expect(domain.ofType('participant.joined')).toMatchObject([{ sessionId }]);
  });
});

describe('the store being gone', () => {
  it('refuses new calls with an error and lets calls in progress end in peace', async () => {
    const created = await domain.participant(await domain.session());
    const other = await domain.participant();
    const leg = await domain.join(created);
    await domain.stores.close();
    await expect(domain.admit(other.token)).rejects.toMatchObject({ code: 'store-unavailable' });
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(domain.legs.size).toBe(0);
    expect(domain.ofType('participant.left')).toHaveLength(1);
  });
});
