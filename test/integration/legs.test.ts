/** The rules of legs and sessions, over the real store, without media or signalling. */
import { createHmac, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal, type RefusalCode } from '../../src/domain/refusal.js';
import type { Credential } from '../../src/domain/token.js';
import { createSqliteStore } from '../../src/store/sqlite-store.js';
import { account, DomainFixture, tokenTtlSeconds } from '../support/domain-fixture.js';

let domain: DomainFixture;
beforeEach(() => {
  domain = new DomainFixture();
});

async function expectRefusal(code: RefusalCode, attempt: Promise<unknown>): Promise<void> {
  const refusal: unknown = await attempt.then(
    () => 'admitted',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ code });
}

const joinCode = (value: string): { credential: Credential } => ({
  credential: { kind: 'join-code', value },
});

describe('a call is refused', () => {
  it('as token-missing where it shows nothing', async () => {
    await expectRefusal('token-missing', domain.admit(null));
  });

  it('as token-invalid where the token is none, of another secret, altered or unsigned', async () => {
    const { token } = await domain.participant();
    const [header = '', payload = ''] = token.split('.');
    const otherSignature = createHmac('sha256', 'guess').update(`${header}.${payload}`).digest('base64url');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const forged of [
      'nonsense',
      'a.b.c',
      `${header}.${payload}.${otherSignature}`,
      `${header}.${payload}.`,
      `${none}.${payload}.`,
    ]) {
      await expectRefusal('token-invalid', domain.admit(forged));
    }
  });

  it('as token-expired when the token’s time is over, half a minute of skew allowed', async () => {
    const { token } = await domain.participant();
    domain.clock.advance((tokenTtlSeconds + 29) * 1000);
    const leg = await domain.admit(token);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    domain.clock.advance(31_000);
    await expectRefusal('token-expired', domain.admit(token));
  });

  it('as token-used where the token was for once', async () => {
    const created = await domain.participant(null, { tokenUse: 'once' });
    const leg = await domain.join(created);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    await expectRefusal('token-used', domain.admit(created.token));
    await expectRefusal('token-used', domain.admit(null, joinCode(created.joinCode)));
  });

  it('as participant-gone where the participant was deleted', async () => {
    const created = await domain.participant();
    await domain.sessions.deleteParticipant(account, created.participant.id);
    await expectRefusal('participant-gone', domain.admit(created.token));
  });

  it('as token-invalid where the join code’s participant was deleted', async () => {
    const created = await domain.participant();
    await domain.sessions.deleteParticipant(account, created.participant.id);
    await expectRefusal('token-invalid', domain.admit(null, joinCode(created.joinCode)));
  });

  it('as participant-occupied while the slot is taken, from the first moment on', async () => {
    const created = await domain.participant();
    const leg = await domain.admit(created.token);
    await expectRefusal('participant-occupied', domain.admit(created.token));
    await leg.open('offer');
    await expectRefusal('participant-occupied', domain.admit(null, joinCode(created.joinCode)));
    expect(leg.hasEnded).toBe(false);
  });

  it('once of two that come at the same moment', async () => {
    const created = await domain.participant();
    const attempts = await Promise.allSettled([domain.admit(created.token), domain.admit(created.token)]);
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(domain.legs.size).toBe(1);
  });

  it('as session-full where as many legs are in the session as may be, and the slot stays free', async () => {
    domain = new DomainFixture({ maxParticipantsPerSession: 2 });
    const sessionId = await domain.session();
    const first = await domain.join(await domain.participant(sessionId));
    await domain.admit((await domain.participant(sessionId)).token);
    const third = await domain.participant(sessionId);
    await expectRefusal('session-full', domain.admit(third.token));
    expect(await domain.isSlotFree(third)).toBe(true);
    await first.end({ endedBy: 'participant', reason: 'hangup' });
    await domain.admit(third.token);
  });

  it('as overloaded at the limit of legs, also where several come at the same moment', async () => {
    domain = new DomainFixture({ maxLegs: 2 });
    const created = await Promise.all([1, 2, 3, 4].map(() => domain.participant()));
    const attempts = await Promise.allSettled(created.map(({ token }) => domain.admit(token)));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(domain.legs.size).toBe(2);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'overloaded' });
    }
    const free = await Promise.all(created.map((participant) => domain.isSlotFree(participant)));
    expect(free.filter(Boolean)).toHaveLength(2);
  });

  it('as overloaded while no worker is ready', async () => {
    const { token } = await domain.participant();
    domain.media.isReady = false;
    await expectRefusal('overloaded', domain.admit(token));
    domain.media.isReady = true;
    await domain.admit(token);
  });

  it('as draining, whatever it shows, while calls in progress go on', async () => {
    const leg = await domain.join(await domain.participant(await domain.session()));
    const { token } = await domain.participant();
    domain.legs.drain();
    await expectRefusal('draining', domain.admit(token));
    await expectRefusal('draining', domain.admit(null));
    expect(leg.state).toBe('established');
  });

  it('before any media is made or any slot taken', async () => {
    const { token } = await domain.participant();
    await expectRefusal('token-missing', domain.admit(null));
    await expectRefusal('token-invalid', domain.admit(`${token}x`));
    expect(domain.media.legs).toHaveLength(0);
    expect(domain.legs.size).toBe(0);
    expect(domain.types()).toEqual(['participant.created']);
  });
});

describe('join codes', () => {
  it('open the participant’s leg until they expire', async () => {
    const created = await domain.participant();
    const leg = await domain.admit(null, joinCode(created.joinCode));
    expect(leg.participant.id).toBe(created.participant.id);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    domain.clock.advance(tokenTtlSeconds * 1000);
    await expectRefusal('token-expired', domain.admit(null, joinCode(created.joinCode)));
  });

  it('cannot be guessed: after some failures a source is told nothing, even with a right code', async () => {
    const created = await domain.participant();
    for (let guess = 0; guess < 5; guess += 1) {
      await expectRefusal('token-invalid', domain.admit(null, joinCode(`00000000000${guess}`)));
    }
    await expectRefusal('overloaded', domain.admit(null, joinCode(created.joinCode)));
    const elsewhere = await domain.admit(null, { ...joinCode(created.joinCode), source: '192.0.2.2' });
    await elsewhere.end({ endedBy: 'participant', reason: 'hangup' });
    await expectRefusal('overloaded', domain.admit(null, joinCode(created.joinCode)));
    domain.clock.advance(60_000);
    await domain.admit(null, joinCode(created.joinCode));
  });
});

describe('a slot', () => {
  it('is free again when the leg has ended, and the same token works again', async () => {
    const created = await domain.participant();
    for (let call = 0; call < 3; call += 1) {
      const leg = await domain.join(created);
      expect(await domain.isSlotFree(created)).toBe(false);
      await leg.end({ endedBy: 'participant', reason: 'hangup' });
      expect(await domain.isSlotFree(created)).toBe(true);
    }
    expect(domain.legs.size).toBe(0);
    expect(domain.media.openLegs).toHaveLength(0);
  });

  it('is freed by a call that was canceled before its media was there', async () => {
    const created = await domain.participant();
    const leg = await domain.admit(created.token);
    await leg.end({ endedBy: 'participant', reason: 'canceled' });
    expect(await domain.isSlotFree(created)).toBe(true);
    expect(domain.ofType('call.ended')).toMatchObject([{ data: { durationMs: 0 } }]);
    expect(domain.ofType('participant.left')).toHaveLength(0);
  });
});

describe('joining', () => {
  it('is told once, at the confirmation, and the streams are published then', async () => {
    const sessionId = await domain.session();
    const created = await domain.participant(sessionId, { tag: 'vip', displayName: 'Ann' });
    domain.events.length = 0;
    const leg = await domain.admit(created.token, { voiceCallId: 'v' });
    await leg.open('offer phone');
    leg.answered();
    expect(domain.types()).toEqual(['call.ringing', 'call.answered']);
    leg.established();
    leg.established();
    expect(domain.types()).toEqual([
      'call.ringing',
      'call.answered',
      'participant.joined',
      'stream.published',
    ]);
    expect(domain.ofType('participant.joined')[0]).toMatchObject({
      sessionId,
      participantId: created.participant.id,
      tag: 'vip',
      data: { legId: leg.legId, legKind: 'phone', displayName: 'Ann' },
    });
    expect(domain.ofType('call.ringing')[0]?.data).toMatchObject({ voiceCallId: 'v', door: 'sip' });
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
    await leg.open('offer phone');
    await domain.sessions.setSubscriptions(account, sessionId, a.participant.id, {});
    leg.answered();
    leg.established();
    expect(domain.mediaOf(a).received).toEqual([]);
  });

  it('follows streams that come and go', async () => {
    const sessionId = await domain.session();
    const [a, b] = [await domain.participant(sessionId), await domain.participant(sessionId)];
    await domain.join(a, 'offer browser');
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
    const opening = leg.open('offer phone');
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
    const browserLeg = await domain.join(browser, 'offer browser');
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
    await leg.open('offer phone');
    leg.answered();
    leg.established();
    expect(domain.clock.pending).toBe(0);
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('a browser waits as long as it likes', async () => {
    const created = await domain.participant();
    const leg = await domain.join(created, 'offer browser');
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
    leg.setHeld(true);
    leg.setHeld(true);
    leg.setHeld(false);
    expect(domain.ofType('dtmf.received')).toMatchObject([
      { sessionId, data: { legId: leg.legId, digit: '7', durationMs: 120 } },
    ]);
    expect(domain.ofType('call.held')).toHaveLength(1);
    expect(domain.ofType('call.resumed')).toHaveLength(1);
  });
});

describe('after a restart', () => {
  it('what an earlier life left open is closed as gateway-restarted, and old tokens work', async () => {
    const store = createSqliteStore({ path: ':memory:' });
    const before = new DomainFixture({}, store);
    const sessionId = await before.session();
    const inSession = await before.participant(sessionId, { tag: 'caller' });
    const alone = await before.participant();
    const leg = await before.join(inSession);
    await before.join(alone);

    domain = new DomainFixture({}, store);
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
    await domain.store.close();
    await expect(domain.admit(other.token)).rejects.toMatchObject({ code: 'store-unavailable' });
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(domain.legs.size).toBe(0);
    expect(domain.ofType('participant.left')).toHaveLength(1);
  });
});

describe('what applications may not do', () => {
  it('is told by a stable code and changes nothing', async () => {
    const { sessions } = domain;
    const [one, two] = [await domain.session(), await domain.session()];
    const created = await domain.participant(one);
    const { id } = created.participant;
    const nobody = randomUUID();
    const all = (sessionId: string) => ({ sessionId });
    domain.events.length = 0;
    const attempts: [string, () => Promise<unknown>][] = [
      ['session-not-found', () => sessions.getSession(account, nobody)],
      ['session-not-found', () => sessions.getSession('other', one)],
      ['session-not-found', () => sessions.deleteSession('other', one)],
      ['session-not-found', () => sessions.addParticipant(account, nobody, id, {})],
      ['participant-not-found', () => sessions.addParticipant(account, one, nobody, {})],
      ['participant-not-found', () => sessions.deleteParticipant('other', id)],
      ['participant-in-other-session', () => sessions.addParticipant(account, two, id, all(two))],
      ['participant-not-in-session', () => sessions.removeParticipant(account, two, id)],
      ['participant-not-in-session', () => sessions.setSubscriptions(account, two, id, {})],
      ['participant-not-in-session', () => sessions.getSubscriptions(account, two, id)],
      ['invalid-subscriptions', () => sessions.setSubscriptions(account, one, id, all(two))],
      ['invalid-subscriptions', () => sessions.setSubscriptions(account, one, id, all(nobody))],
    ];
    for (const [code, attempt] of attempts) await expect(attempt()).rejects.toMatchObject({ code });
    expect(domain.events).toEqual([]);
    expect((await sessions.getParticipant(account, id)).sessionId).toBe(one);
  });

  it('includes a twenty-first member', async () => {
    const sessionId = await domain.session();
    for (let member = 0; member < 20; member += 1) await domain.participant(sessionId);
    await expect(domain.participant(sessionId)).rejects.toMatchObject({ code: 'session-full' });
  });
});
