import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { newTrunk as trunk } from '../../../test/support/new-trunk.js';
import type { Credential } from '../participants/token.js';
import { Refusal } from '../refusal.js';
import { GuessLimiter } from '../legs/guess-limiter.js';
import { CallLimiter } from './call-limiter.js';
import { CodeGuesses } from './code-guesses.js';
import { TrunkCalls, type ArrivingCall } from './trunk-calls.js';
import { TrunkDirectory } from './trunk-directory.js';
import type { Trunk } from './trunk.js';

/** Numbers by their account; tokens are called by their account. */
function callsTo(
  trunks: readonly Trunk[],
  numbers: Record<string, string> = { '+15550001': 'acme', '+15550002': 'other' },
) {
  const clock = new ManualClock();
  const counts = new CallLimiter(clock);
  const guessers: string[] = [];
  const limiter = (maxFailuresPerMinute: number) =>
    new GuessLimiter({ maxFailuresPerMinute, maxSources: 100 }, clock);
  const calls = new TrunkCalls({
    directory: new TrunkDirectory(trunks),
    counts,
    guesses: new CodeGuesses({ perSource: limiter(3), perTrunk: limiter(5) }),
    accountOfCredential(credential, guesser) {
      guessers.push(guesser);
      if (credential.value === 'bad') return Promise.reject(new Refusal('token-invalid'));
      const [, expired] = /^expired of (.*)$/.exec(credential.value) ?? [];
      if (expired !== undefined)
        return Promise.reject(
          new Refusal('token-expired', null, { participantId: 'somebody', accountId: expired }),
        );
      return Promise.resolve(credential.value);
    },
    accountOfNumber: (dialled) => Promise.resolve(numbers[dialled] ?? null),
    normalize: (text) => text,
  });
  return { calls, counts, clock, guessers };
}

function call(changes: Partial<ArrivingCall> & { readonly to?: string | null } = {}): ArrivingCall {
  const { to = '+15550001', ...more } = changes;
  return {
    ...{
      source: '192.0.2.1',
      credentials: [],
      digest: null,
      guesser: (trunk) => (trunk === null ? 'stranger' : 'caller'),
    },
    ...{ dialled: () => to, callerNumber: () => '+4930123' },
    ...more,
  };
}

const token = (value: string): Credential => ({ kind: 'jwt', value });
const refused = (code: string, party: object) => expect.objectContaining({ code, party }) as unknown;

describe('A call', () => {
  it('from no trunk’s network is a stranger’s', async () => {
    const { calls } = callsTo([trunk()]);
    expect(await calls.enter(call({ source: '198.51.100.1' }))).toBeNull();
    expect(await callsTo([trunk({ isEnabled: false })]).calls.enter(call())).toBeNull();
  });

  it('is of the trunk of the account whose number it calls, wherever others have the same network', async () => {
    const [ours, others] = [trunk(), trunk({ accountId: 'other' })];
    const { calls } = callsTo([ours, others]);
    expect(await calls.enter(call())).toMatchObject({ trunk: ours, dialled: '+15550001' });
    expect(await calls.enter(call({ to: '+15550002' }))).toMatchObject({ trunk: others });
  });

  it('over a connection with its trunk’s certificate comes from anywhere, and is proven', async () => {
    const ours = trunk({ inbound: { networks: [], certificateNames: ['sbc.example', 'sbc2.example'] } });
    const others = trunk({
      accountId: 'other',
      inbound: { networks: [], certificateNames: ['sbc.example'] },
    });
    const { calls } = callsTo([ours, others]);
    const from = { source: '198.51.100.1' };
    expect(await calls.enter(call(from))).toBeNull();
    expect(await calls.enter(call({ ...from, certificateNames: ['sbc3.example'] }))).toBeNull();
    const certificateNames = ['www.example', 'sbc.example'];
    expect(await calls.enter(call({ ...from, certificateNames }))).toMatchObject({
      trunk: ours,
      isProven: true,
    });
    expect(await calls.enter(call({ ...from, certificateNames, to: '+15550002' }))).toMatchObject({
      trunk: others,
    });
  });

  it('is of a trunk that wants both a network and a certificate with both alone', async () => {
    const ours = trunk({ inbound: { certificateNames: ['sbc.example'] } });
    const { calls } = callsTo([ours]);
    const certificateNames = ['sbc.example'];
    expect(await calls.enter(call())).toBeNull();
    expect(await calls.enter(call({ certificateNames, source: '198.51.100.1' }))).toBeNull();
    expect(await calls.enter(call({ certificateNames }))).toMatchObject({ trunk: ours, isProven: true });
  });

  it('shows its trunk’s password, too, where that wants a certificate and a password', async () => {
    const secrets = { MD5: 'secret' };
    const digest = { username: 'pbx', secrets };
    const ours = trunk({ inbound: { networks: [], certificateNames: ['sbc.example'], digest } });
    const { calls } = callsTo([ours]);
    const shown = { username: 'pbx', verify: () => 'right' as const };
    // The password alone makes it no call of the trunk.
    expect(await calls.enter(call({ digest: shown }))).toBeNull();
    const certificateNames = ['sbc.example'];
    await expect(calls.enter(call({ certificateNames }))).rejects.toEqual(
      refused('authentication-required', { trunkId: ours.id, accountId: 'acme' }),
    );
    expect(await calls.enter(call({ certificateNames, digest: shown }))).toMatchObject({ trunk: ours });
  });

  it('cannot be taken by a trunk with a narrower network of another account', async () => {
    const [ours, others] = [trunk(), trunk({ accountId: 'other', inbound: { networks: ['192.0.2.1'] } })];
    expect(await callsTo([ours, others]).calls.enter(call())).toMatchObject({ trunk: ours });
  });

  it('is of the trunk that serves its number, then of the narrowest network, then of the oldest', async () => {
    const oldest = trunk();
    const later = trunk();
    const narrow = trunk({ inbound: { networks: ['192.0.2.0/28'] } });
    const serving = trunk({ numbers: ['+15550001'] });
    const elsewhere = trunk({ numbers: ['+15550009'], inbound: { networks: ['192.0.2.1'] } });
    expect((await callsTo([oldest, later]).calls.enter(call()))?.trunk).toBe(oldest);
    expect((await callsTo([oldest, later, narrow, elsewhere]).calls.enter(call()))?.trunk).toBe(narrow);
    expect((await callsTo([oldest, narrow, serving]).calls.enter(call()))?.trunk).toBe(serving);
  });

  it('with a token is of a trunk of the token’s account, or of none', async () => {
    const [ours, others] = [trunk(), trunk({ accountId: 'other' })];
    const { calls } = callsTo([ours, others]);
    expect(await calls.enter(call({ credentials: [token('other')] }))).toMatchObject({
      trunk: others,
      dialled: null,
    });
    expect(await callsTo([ours]).calls.enter(call({ credentials: [token('other')] }))).toBeNull();
  });

  it('with a wrong token is refused, and is the account’s where network and number are of no other', async () => {
    const ours = trunk();
    const bad = call({ credentials: [token('bad')] });
    await expect(callsTo([ours]).calls.enter(bad)).rejects.toEqual(
      refused('token-invalid', { trunkId: ours.id, accountId: 'acme' }),
    );
    const nobodys = { ...bad, dialled: () => null };
    await expect(callsTo([ours, trunk({ accountId: 'other' })]).calls.enter(nobodys)).rejects.toEqual(
      refused('token-invalid', {}),
    );
  });

  it('to twelve digits, which may be a join code, is to the number where there is one', async () => {
    const digits: Credential = { kind: 'join-code', value: '493012345678' };
    const { calls } = callsTo([trunk()], { '493012345678': 'acme' });
    expect(await calls.enter(call({ credentials: [digits], to: '493012345678' }))).toMatchObject({
      dialled: '493012345678',
    });
  });

  it('to a number that nobody has is refused as such, without any as one that shows nothing', async () => {
    const ours = trunk();
    const { calls } = callsTo([ours]);
    await expect(calls.enter(call({ to: '+15559999' }))).rejects.toEqual(
      refused('unknown-number', { trunkId: ours.id, accountId: 'acme' }),
    );
    await expect(calls.enter(call({ to: null }))).rejects.toEqual(
      refused('token-missing', { trunkId: ours.id, accountId: 'acme' }),
    );
  });

  it('is held to the trunk’s lists of callers and called', async () => {
    const ours = trunk({ allowedCallers: ['+4930*'], allowedCalled: ['+1555*'] });
    const { calls } = callsTo([ours], { '+15550001': 'acme', '+1777': 'acme' });
    const party = { trunkId: ours.id, accountId: 'acme' };
    expect(await calls.enter(call({ callerNumber: () => '+49 (30) 1-2.3' }))).not.toBeNull();
    for (const number of ['+4989', null])
      await expect(calls.enter(call({ callerNumber: () => number }))).rejects.toEqual(
        refused('caller-not-allowed', party),
      );
    await expect(calls.enter(call({ to: '+1777' }))).rejects.toEqual(refused('called-not-allowed', party));
  });

  it('that is to take the place of one of the trunk is of it without a number, past its lists of called and its limit', async () => {
    const ours = trunk({ allowedCallers: ['+4930*'], allowedCalled: ['+1555*'], maxConcurrentCalls: 1 });
    const others = trunk({ accountId: 'other' });
    const { calls } = callsTo([others, ours]);
    await calls.enter(call());
    const replacing = { to: null, replacedTrunkId: ours.id };
    expect(await calls.enter(call(replacing))).toMatchObject({ trunk: ours, dialled: null, isProven: false });
    await expect(calls.enter(call({ ...replacing, callerNumber: () => '+4989' }))).rejects.toMatchObject({
      code: 'caller-not-allowed',
    });
    // It takes a place beyond the last, once.
    await expect(calls.enter(call(replacing))).rejects.toMatchObject({ code: 'trunk-limit' });
    await expect(calls.enter(call({ to: null }))).rejects.toMatchObject({ code: 'token-missing' });
    expect(await calls.enter(call({ ...replacing, source: '198.51.100.1' }))).toBeNull();
  });

  it('counts against the trunk’s limits until it is released, once', async () => {
    const ours = trunk({ maxConcurrentCalls: 1 });
    const { calls, counts } = callsTo([ours]);
    const pass = await calls.enter(call());
    await expect(calls.enter(call())).rejects.toMatchObject({ code: 'trunk-limit', detail: 'too-many' });
    pass?.release();
    await calls.enter(call());
    pass?.release();
    expect(counts.callsOf(ours.id)).toBe(1);
  });

  it('from anywhere is of the trunk whose password it shows, where that is known by it alone', async () => {
    const secrets = { 'SHA-256': 'right' };
    const ours = trunk({ inbound: { networks: [], digest: { username: 'pbx', secrets } } });
    const elsewhere = trunk({ inbound: { digest: { username: 'sbc', secrets } } });
    const { calls } = callsTo([ours, elsewhere]);
    const asked: unknown[] = [];
    const shows = (username: string, verdict: 'right' | 'wrong' | 'stale' | 'missing') =>
      call({
        source: '198.51.100.1',
        digest: { username, verify: (known) => (asked.push(known), known === null ? 'wrong' : verdict) },
      });
    expect(await calls.enter(shows('pbx', 'right'))).toMatchObject({ trunk: ours });
    await expect(calls.enter(shows('pbx', 'wrong'))).rejects.toEqual(
      refused('authentication-failed', { trunkId: ours.id, accountId: 'acme' }),
    );
    await expect(calls.enter(shows('pbx', 'stale'))).rejects.toMatchObject({
      ...{ code: 'authentication-required', detail: 'stale' },
    });
    expect(await calls.enter(shows('pbx', 'missing'))).toBeNull();
    expect(await calls.enter(call({ source: '198.51.100.1' }))).toBeNull();
    // Unknown names, and those that are good at their network alone, cost the same and are told the same.
    asked.length = 0;
    for (const name of ['nobody', 'sbc'])
      await expect(calls.enter(shows(name, 'right'))).rejects.toEqual(refused('authentication-failed', {}));
    expect(asked).toEqual([null, null]);
  });

  it('from a network whose trunk wants a password, too, must show that', async () => {
    const secrets = { MD5: 'right' };
    const ours = trunk({ maxConcurrentCalls: 1, inbound: { digest: { username: 'sbc', secrets } } });
    const { calls, counts } = callsTo([ours]);
    const party = { trunkId: ours.id, accountId: 'acme' };
    await expect(calls.enter(call())).rejects.toEqual(refused('authentication-required', party));
    const shows = (username: string) =>
      call({ digest: { username, verify: (known) => (known === secrets ? 'right' : 'wrong') } });
    await expect(calls.enter(shows('other'))).rejects.toEqual(refused('authentication-failed', party));
    expect(counts.callsOf(ours.id)).toBe(0);
    expect(await calls.enter(shows('sbc'))).toMatchObject({ trunk: ours });
  });
});

describe('A trunk whose network others call from, too', () => {
  it('takes no call to the number of an account without a trunk there, and learns nothing of it', async () => {
    const { calls } = callsTo([trunk()]);
    expect(await calls.enter(call({ to: '+15550002' }))).toBeNull();
    // Twelve digits are a number where somebody has it.
    const digits: Credential = { kind: 'join-code', value: '493012345678' };
    const numbers = callsTo([trunk()], { '493012345678': 'other' });
    expect(await numbers.calls.enter(call({ credentials: [digits], to: digits.value }))).toBeNull();
    expect(numbers.guessers).toEqual([]);
  });

  it('takes none that names another’s number where the trunk itself does not look', async () => {
    const { calls } = callsTo([trunk({ inbound: { calledNumber: ['to'] } })]);
    const dialled: ArrivingCall['dialled'] = (places) => (places.includes('to') ? null : '+15550002');
    expect(await calls.enter(call({ dialled }))).toBeNull();
  });

  it('hides no trunk that is known by its password', async () => {
    const secrets = { MD5: 'right' };
    const theirs = trunk({
      ...{ accountId: 'other', inbound: { networks: [], digest: { username: 'pbx', secrets } } },
    });
    const { calls } = callsTo([trunk(), theirs]);
    let asked = 0;
    const digest = (known: unknown) => ({
      username: 'pbx',
      verify: (given: unknown) => ((asked += 1), given === known ? ('right' as const) : ('wrong' as const)),
    });
    const shows = (changes: Parameters<typeof call>[0]) => call({ digest: digest(secrets), ...changes });
    expect(await calls.enter(shows({ to: '+15550002' }))).toMatchObject({ trunk: theirs });
    expect(await calls.enter(shows({ credentials: [token('other')] }))).toMatchObject({ trunk: theirs });
    expect(asked).toBe(2);
    await expect(calls.enter(shows({ to: '+15550002', digest: digest('another') }))).rejects.toEqual(
      refused('authentication-failed', { trunkId: theirs.id, accountId: 'other' }),
    );
    await expect(calls.enter(shows({ to: '+15559999' }))).rejects.toEqual(
      refused('unknown-number', { trunkId: theirs.id, accountId: 'other' }),
    );
  });

  it('is told of wrong credentials where neither they nor the number are another’s', async () => {
    const ours = trunk();
    const { calls } = callsTo([ours]);
    const enter = (value: string, to: string | null = null) =>
      calls.enter(call({ credentials: [token(value)], to }));
    await expect(enter('bad', '+15550002')).rejects.toEqual(refused('token-invalid', {}));
    await expect(enter('expired of other')).rejects.toEqual(
      refused('token-expired', { participantId: 'somebody', accountId: 'other' }),
    );
    await expect(enter('expired of acme')).rejects.toEqual(
      refused('token-expired', { participantId: 'somebody', accountId: 'acme', trunkId: ours.id }),
    );
  });

  it('is told of a refusal of its own number alone, where several have the network', async () => {
    const ours = trunk({ numbers: ['+15550009'] });
    const { calls } = callsTo([ours, trunk({ accountId: 'other' })]);
    await expect(calls.enter(call())).rejects.toEqual(
      refused('unknown-number', { trunkId: ours.id, accountId: 'acme' }),
    );
  });
});

describe('Wrong join codes over a trunk', () => {
  const code = (value: string, changes: Parameters<typeof call>[0] = {}) =>
    call({ credentials: [{ kind: 'join-code', value }], to: null, ...changes });
  const from = (source: string) => ({ source, guesser: () => source });
  const outcome = (calls: TrunkCalls, one: ArrivingCall) =>
    calls.enter(one).then(
      () => 'let in',
      (error: Refusal) => error.code,
    );

  it('are counted for the address that they come from, whoever they say calls', async () => {
    const { calls, clock } = callsTo([trunk()]);
    for (let at = 0; at < 3; at += 1)
      expect(await outcome(calls, code('bad', from('192.0.2.1')))).toBe('token-invalid');
    expect(await outcome(calls, code('acme', from('192.0.2.1')))).toBe('too-many-guesses');
    expect(await outcome(calls, code('acme', from('192.0.2.2')))).toBe('let in');
    clock.advance(60_000);
    expect(await outcome(calls, code('acme', from('192.0.2.1')))).toBe('let in');
  });

  it('are counted for the trunk in all, and right ones are not', async () => {
    const ours = trunk({ inbound: { networks: ['192.0.2.0/24'] } });
    const { calls } = callsTo([ours, trunk({ inbound: { networks: ['198.51.100.1'] } })]);
    for (let at = 0; at < 9; at += 1)
      expect(await outcome(calls, code('acme', from('192.0.2.9')))).toBe('let in');
    for (let at = 0; at < 5; at += 1)
      expect(await outcome(calls, code('bad', from(`192.0.2.${String(at)}`)))).toBe('token-invalid');
    expect(await outcome(calls, code('acme', from('192.0.2.9')))).toBe('too-many-guesses');
    expect(await outcome(calls, code('acme', from('198.51.100.1')))).toBe('let in');
  });

  it('beside a good credential are looked up one by one, and hide neither it nor the number', async () => {
    const ours = trunk({ inbound: { networks: ['192.0.2.1'] } });
    const bad: Credential = { kind: 'join-code', value: 'bad' };
    const good: Credential = { kind: 'join-code', value: 'acme' };
    const { calls, guessers } = callsTo([ours]);
    const beside = (...others: Credential[]) => code('', { credentials: [bad, ...others] });
    expect(await calls.enter(beside(good))).toMatchObject({ credential: good, dialled: null });
    expect(await calls.enter(beside(token('acme')))).toMatchObject({ credential: token('acme') });
    expect(guessers).toHaveLength(3);
    const dialled = code('bad', { to: '+15550001' });
    expect(await calls.enter(dialled)).toMatchObject({
      credential: null,
      dialled: '+15550001',
      isProven: false,
    });
    // The third that is wrong is the last.
    expect(await outcome(calls, beside(good))).toBe('too-many-guesses');
    // Whoever writes such a value into every call goes on by the number, and nothing is looked up for it.
    expect(await outcome(calls, dialled)).toBe('let in');
    expect(await outcome(calls, beside(token('acme')))).toBe('let in');
  });

  it('beside a wrong token, or a token alone, do not go by the number', async () => {
    const { calls } = callsTo([trunk()]);
    const shows = (...credentials: Credential[]) => calls.enter(call({ credentials }));
    await expect(shows(token('bad'))).rejects.toMatchObject({ code: 'token-invalid' });
    await expect(shows(token('bad'), { kind: 'join-code', value: 'bad' })).rejects.toMatchObject({
      code: 'token-invalid',
    });
  });

  it('are a stranger’s while the trunk’s password is not shown', async () => {
    const secrets = { MD5: 'right' };
    const { calls, guessers } = callsTo([trunk({ inbound: { digest: { username: 'sbc', secrets } } })]);
    expect(await outcome(calls, code('bad'))).toBe('token-invalid');
    const digest = { username: 'sbc', verify: () => 'right' as const };
    expect(await outcome(calls, code('acme', { digest }))).toBe('let in');
    expect(guessers).toEqual(['stranger', 'caller']);
  });
});

describe('A call to the Contact that a registrar was given', () => {
  const contactUser = `lb${'1'.repeat(32)}`;
  const registered = (changes: Parameters<typeof trunk>[0] = {}) =>
    trunk({
      outbound: {
        ...{ targets: [], digest: null, fromDomain: null },
        registration: { user: 'us', expiresSeconds: 600, contactUser },
      },
      ...changes,
      inbound: { networks: [], ...changes.inbound },
    });
  const elsewhere = { source: '203.0.113.9', contactUser };

  it('is the trunk’s wherever it comes from, and proven to be', async () => {
    const mine = registered();
    const { calls } = callsTo([trunk({ accountId: 'other' }), mine]);
    for (const source of ['203.0.113.9', '192.0.2.1']) {
      const pass = await calls.enter(call({ ...elsewhere, source }));
      expect(pass).toMatchObject({ trunk: { id: mine.id }, dialled: '+15550001', isProven: true });
    }
  });

  it('opens no number that is another’s, and none where the trunk wants a password and none is shown', async () => {
    const mine = registered();
    const { calls } = callsTo([mine]);
    expect(await calls.enter(call({ ...elsewhere, to: '+15550002' }))).toBeNull();
    await expect(calls.enter(call({ ...elsewhere, to: '+19990000' }))).rejects.toEqual(
      refused('unknown-number', { trunkId: mine.id, accountId: 'acme' }),
    );
    const both = registered({ inbound: { digest: { username: 'pbx', secrets: { MD5: 'x' } } } });
    await expect(callsTo([both]).calls.enter(call(elsewhere))).rejects.toEqual(
      refused('authentication-required', { trunkId: both.id, accountId: 'acme' }),
    );
  });

  it('is nobody’s where the Contact is not exactly that, or the trunk is off', async () => {
    const { calls } = callsTo([registered()]);
    expect(await calls.enter(call({ ...elsewhere, contactUser: `lb${'1'.repeat(31)}2` }))).toBeNull();
    const off = callsTo([registered({ isEnabled: false })]);
    expect(await off.calls.enter(call(elsewhere))).toBeNull();
  });

  it('is the trunk’s, too, where it comes from the address that registered us, for as long as that holds', async () => {
    const mine = registered();
    const directory = new TrunkDirectory([mine]);
    directory.registrarIs(mine.id, '203.0.113.9');
    expect(directory.from('203.0.113.9')).toEqual([mine]);
    directory.registrarIs(mine.id, '203.0.113.10');
    expect(directory.isTrunkAddress('203.0.113.9')).toBe(false);
    directory.registrarIs(mine.id, null);
    expect(directory.isTrunkAddress('203.0.113.10')).toBe(false);
  });
});
