/** Who is let in, and what applications may not do: over the real store, without media or signalling. */
import { createHmac, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { mainConnection, MediaRefusal } from '../media-plane.js';
import type { Credential } from '../participants/token.js';
import { account, DomainFixture, tokenTtlSeconds } from '../../../test/support/domain-fixture.js';
import { expectRefusal } from '../../../test/support/expect-refusal.js';

let domain: DomainFixture;
beforeEach(() => {
  domain = new DomainFixture();
});

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

  it('and keeps its once token, whatever the refusal, until a call with it is answered', async () => {
    domain = new DomainFixture({ maxLegs: 1 });
    const created = await domain.participant(null, { tokenUse: 'once' });
    const noCodec = await domain.admit(created.token);
    domain.media.refuseNext(new MediaRefusal('no-common-codec', 'only video'));
    await expectRefusal('no-common-codec', noCodec.open(mainConnection('phone', 'offer')));
    const canceled = await domain.admit(created.token);
    await canceled.end({ endedBy: 'participant', reason: 'canceled' });
    const other = await domain.join(await domain.participant());
    await expectRefusal('overloaded', domain.admit(created.token));
    await other.end({ endedBy: 'participant', reason: 'hangup' });
    const answered = await domain.join(created);
    await answered.end({ endedBy: 'participant', reason: 'hangup' });
    await expectRefusal('token-used', domain.admit(created.token));
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
    await leg.open(mainConnection('phone', 'offer'));
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
    await expectRefusal('too-many-guesses', domain.admit(null, joinCode(created.joinCode)));
    const elsewhere = await domain.admit(null, { ...joinCode(created.joinCode), source: '192.0.2.2' });
    await elsewhere.end({ endedBy: 'participant', reason: 'hangup' });
    await expectRefusal('too-many-guesses', domain.admit(null, joinCode(created.joinCode)));
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
