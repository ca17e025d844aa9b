import { beforeEach, describe, expect, it } from 'vitest';
import { cutOut, keptBytes, littleBytes } from '../../test/support/heap.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { CallRecordChange } from '../domain/facts/call-record.js';
import type { RefusedCall, RefusedCallDetails } from '../domain/facts/refused-call.js';
import { silentLogger } from '../domain/logger.js';
import { RefusedCallRecorder, type RefusedCallRecorderOptions } from './refused-call-recorder.js';

type TurnedAway = Extract<CallRecordChange, { change: 'turned-away' }>;

let clock: ManualClock;
let changes: CallRecordChange[];
let described: number;
let recorder: RefusedCallRecorder;
const settle = () => new Promise((resolve) => setImmediate(resolve));

const newRecorder = (options: Partial<RefusedCallRecorderOptions> = {}) =>
  new RefusedCallRecorder({
    record: (change) => changes.push(change),
    ownerOf: ({ participantId, accountId }, dialled) => {
      const owner = accountId ?? (participantId === 'p1' || dialled === '+14155550100' ? 'acme' : null);
      const owned = owner === null ? null : { accountId: owner, sessionId: 's1', participantTag: 'tag' };
      return Promise.resolve(owned);
    },
    callerPrivacy: (accountId) => (accountId === 'acme' ? 'full' : 'masked'),
    ...{ clock, logger: silentLogger, limits: { perMinute: 2, maxSources: 3 } },
    ...options,
  });

const details: RefusedCallDetails = {
  ...{ callId: 'c1', voiceCallId: null, caller: { number: '+14155550199', name: 'Jenny' }, dialled: null },
  ...{ sipStatus: 403, detail: null },
};

const call = (changed: Partial<RefusedCall> = {}, shown: Partial<RefusedCallDetails> = {}): RefusedCall => ({
  ...{
    door: 'sip',
    code: 'token-missing',
    source: '192.0.2.1',
    participantId: null,
    accountId: null,
    legId: null,
  },
  details: () => {
    described += 1;
    return { ...details, ...shown };
  },
  ...changed,
});

const refuse = async (...calls: RefusedCall[]) => {
  for (const one of calls) recorder.refused(one);
  await settle();
};
const kept = () => changes as TurnedAway[];

beforeEach(() => {
  clock = new ManualClock();
  changes = [];
  described = 0;
  recorder = newRecorder();
});

describe('A refused call', () => {
  it('of a participant is recorded for its account, with as much of its caller as that shows', async () => {
    await refuse(call({ code: 'token-expired', participantId: 'p1' }, { detail: 'why', dialled: '+1' }));
    expect(changes).toEqual([
      {
        ...{ change: 'turned-away', legId: expect.any(String) as string, accountId: 'acme', sessionId: 's1' },
        ...{ participantId: 'p1', participantTag: 'tag', door: 'sip', callId: 'c1', voiceCallId: null },
        trunkId: null,
        caller: { number: '+14155550199', name: 'Jenny' },
        outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: 403 },
        refusal: { code: 'token-expired', detail: 'why', source: '192.0.2.1', dialled: '+1', calls: 1 },
        ...{ at: clock.now(), lastAt: clock.now() },
      },
    ]);
    await recorder.close();
  });

  it('that named nobody is nobody’s, and to a number of an account is that account’s', async () => {
    await refuse(call(), call({}, { dialled: '+14155550100' }));
    expect(kept().map(({ accountId, caller }) => [accountId, caller?.number])).toEqual([
      [null, '+********199'],
      ['acme', '+14155550199'],
    ]);
    await recorder.close();
  });

  it('is nobody’s where the store cannot say whose it is', async () => {
    recorder = newRecorder({ ownerOf: () => Promise.reject(new Error('no store')) });
    await refuse(call({ participantId: 'p1' }));
    expect(kept()).toMatchObject([{ accountId: null, participantId: 'p1' }]);
    await recorder.close();
  });

  it('that had a leg completes the record of it, however many there are', async () => {
    const bad = call({ code: 'bad-sdp', participantId: 'p1', legId: 'l1' }, { sipStatus: 400 });
    await refuse(bad, bad, bad);
    const refusal = { code: 'bad-sdp', detail: null, source: '192.0.2.1', dialled: null, calls: 1 };
    expect(changes).toEqual(Array(3).fill({ change: 'refused', legId: 'l1', sipStatus: 400, refusal }));
    expect(clock.pending).toBe(0);
  });

  it('that was given up before it was known whether it is let in was canceled by the far end', async () => {
    await refuse(call({ code: 'canceled' }, { sipStatus: 487, detail: 'session-full' }));
    expect(kept()).toMatchObject([
      { outcome: { endedBy: 'participant', reason: 'canceled' }, refusal: { detail: 'session-full' } },
    ]);
    await recorder.close();
  });

  it('may show a Call-ID of any length, of which a line’s worth is kept', async () => {
    await refuse(call({}, { callId: 'x'.repeat(60_000), detail: 'y'.repeat(60_000) }));
    expect([kept()[0]?.callId.length, kept()[0]?.refusal.detail?.length]).toEqual([1024, 200]);
    await recorder.close();
  });
});

it('What is kept of refused calls does not keep the messages that they came in', async () => {
  recorder = newRecorder({ limits: { perMinute: 1, maxSources: 1000 } });
  const shown = (at: number): Partial<RefusedCallDetails> => ({
    ...{ callId: cutOut(`call ${at} at 192.0.2.1`), voiceCallId: cutOut(`${at} as the platform has it`) },
    ...{ dialled: cutOut(`+1415555${String(at)}00`), detail: cutOut(`${at} is why it was refused`) },
    caller: { number: cutOut(`+1415555${String(at)}99`), name: cutOut(`Jenny the ${at}th of all`) },
  });
  const bytes = await keptBytes(async () => {
    for (let at = 0; at < 500; at += 1) {
      const named = { accountId: 'acme', code: 'session-full' };
      const source = () => cutOut(`192.168.${100 + Math.trunc(at / 250)}.${100 + (at % 100)}`);
      recorder.refused(call({ source: source() }, shown(at)));
      recorder.refused(call({ ...named, source: source() }, shown(at)));
      await settle();
    }
  });
  expect(changes.length).toBeGreaterThan(400);
  expect(bytes).toBeLessThan(littleBytes);
  await recorder.close();
});

describe('Of a flood of refused calls', () => {
  it('the first of an address have a record each, and one more says how many there were besides', async () => {
    for (let i = 0; i < 10_000; i += 1) recorder.refused(call());
    await settle();
    clock.advance(59_999);
    await refuse(call());
    expect(kept().map(({ refusal }) => refusal.calls)).toEqual([1, 1, 1]);
    expect(new Set(kept().map(({ legId }) => legId)).size).toBe(3);
    // Nothing is read of those that are counted only.
    expect(described).toBe(3);
    clock.advance(1);
    expect(changes).toHaveLength(4);
    const [counted, ...before] = kept().toReversed();
    expect(counted).toMatchObject({
      at: clock.now() - 60_000,
      lastAt: clock.now() - 1,
      refusal: { calls: 9_999 },
    });
    expect(before.filter(({ legId }) => legId === counted?.legId)).toHaveLength(1);
    expect(clock.pending).toBe(0);
    await refuse(call());
    expect(kept()[4]?.refusal.calls).toBe(1);
    await recorder.close();
  });

  it('those for another reason, from another address or of another participant have records of their own', async () => {
    const expired = { code: 'token-expired', participantId: 'p1' };
    const others = [call({ code: 'overloaded' }), call({ source: '192.0.2.2' })];
    const named = [call(expired), call({ ...expired, participantId: 'p2' })];
    await refuse(call(), call(), call(), call(), ...others, ...named);
    expect(kept()).toHaveLength(7);
    await recorder.close();
  });

  it('an IPv6 network of 64 bits is one address', async () => {
    for (let i = 1; i <= 10; i += 1) recorder.refused(call({ source: `2001:db8::${i}` }));
    await settle();
    expect(kept()).toHaveLength(3);
    await recorder.close();
  });

  it('those of more addresses than are told apart share records that name no address and no account', async () => {
    const from = (host: number) => call({ source: `192.0.2.${host}` }, { dialled: '+14155550100' });
    await refuse(...Array.from({ length: 50 }, (_, host) => from(host)));
    expect(kept()).toHaveLength(3 + 2 + 1);
    const ofMany = kept().filter(({ refusal }) => refusal.source === null);
    expect(ofMany).toMatchObject([{ accountId: null, participantId: null, refusal: { calls: 1 } }]);
    clock.advance(60_000);
    expect(kept().at(-1)).toMatchObject({ accountId: null, refusal: { source: null, calls: 45 } });
    // However many strangers there are, a call that names a participant is told apart.
    await refuse(...Array.from({ length: 50 }, (_, host) => from(host)));
    await refuse(call({ code: 'token-expired', participantId: 'p1', source: '192.0.2.99' }));
    expect(kept().at(-1)).toMatchObject({ accountId: 'acme', refusal: { source: '192.0.2.99' } });
    await recorder.close();
  });

  it('one participant’s from many addresses leave others theirs, and share a record that names it and no address', async () => {
    recorder = newRecorder({ limits: { perMinute: 2, maxSources: 20 } });
    const expired = (host: number, participantId = 'p1') =>
      call({ code: 'token-expired', participantId, source: `192.0.2.${host}` });
    await refuse(...Array.from({ length: 50 }, (_, host) => expired(host)));
    expect(kept()).toHaveLength(2 + 2 + 1);
    expect(kept().filter(({ refusal }) => refusal.source === null)).toMatchObject([
      { accountId: 'acme', participantId: 'p1' },
    ]);
    await refuse(...Array.from({ length: 5 }, () => expired(7, 'p2')));
    expect(kept().slice(5)).toMatchObject(
      Array(3).fill({ participantId: 'p2', refusal: { source: '192.0.2.7' } }),
    );
    clock.advance(60_000);
    expect(kept().slice(8)).toMatchObject([
      { accountId: 'acme', participantId: 'p1', refusal: { source: null, calls: 46 } },
      { participantId: 'p2', refusal: { calls: 3 } },
    ]);
    await recorder.close();
  });

  it('one account’s from an IPv6 network of 64 bits are of one address', async () => {
    recorder = newRecorder({ limits: { perMinute: 2, maxSources: 1000 } });
    for (let i = 1; i <= 50; i += 1)
      recorder.refused(call({ code: 'session-full', accountId: 'acme', source: `2001:db8::${i}` }));
    await settle();
    expect(kept()).toHaveLength(3);
    await recorder.close();
  });

  it('all are counted, also where it is known only after the minute whose they are', async () => {
    let tell: () => void = () => undefined;
    const known = new Promise<void>((resolve) => (tell = resolve));
    const owner = { accountId: 'acme', sessionId: null, participantTag: null };
    recorder = newRecorder({ ownerOf: () => known.then(() => owner) });
    const expired = call({ code: 'token-expired', participantId: 'p1' });
    await refuse(...Array.from({ length: 9 }, () => expired));
    clock.advance(60_000);
    expect(changes).toEqual([]);
    tell();
    await settle();
    expect(kept().at(-1)).toMatchObject({ accountId: 'acme', refusal: { calls: 7 } });
    expect(kept().at(-1)?.legId).toBe(kept().at(-2)?.legId);
    expect(changes).toHaveLength(4);
    await recorder.close();
    expect(changes).toHaveLength(4);
  });

  it('what strangers’ calls share is nobody’s, even where the first of them went to an account’s number', async () => {
    const toOurs = call({}, { dialled: '+14155550100' });
    await refuse(toOurs, toOurs, toOurs);
    expect(
      kept()
        .map(({ accountId }) => accountId)
        .toSorted(),
    ).toEqual(['acme', 'acme', null]);
    await recorder.close();
  });

  it('what was counted is written for whoever reads, once', async () => {
    await refuse(...Array.from({ length: 5 }, () => call()));
    expect(kept()).toHaveLength(3);
    await recorder.settled();
    await recorder.settled();
    expect(kept()[3]).toMatchObject({ refusal: { calls: 3 } });
    await refuse(call());
    clock.advance(60_000);
    expect(kept().slice(4)).toMatchObject([{ legId: kept()[3]?.legId, refusal: { calls: 4 } }]);
    expect(clock.pending).toBe(0);
  });

  it('whoever reads waits until it is known whose a call was', async () => {
    let answer: (owner: null) => void = () => undefined;
    recorder = newRecorder({ ownerOf: () => new Promise((resolve) => (answer = resolve)) });
    await refuse(call());
    let isSettled = false;
    const settled = recorder.settled().then(() => (isSettled = true));
    await settle();
    expect([isSettled, kept().length]).toEqual([false, 0]);
    answer(null);
    await settled;
    expect(kept()).toHaveLength(1);
    await recorder.close();
  });

  it('what was counted is written at the end, and nothing after it', async () => {
    await refuse(...Array.from({ length: 9 }, () => call()));
    await recorder.close();
    await recorder.close();
    expect(kept().at(-1)?.refusal.calls).toBe(7);
    await refuse(call());
    expect([changes.length, clock.pending]).toEqual([4, 0]);
  });
});
