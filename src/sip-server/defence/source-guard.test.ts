import { beforeEach, describe, expect, it } from 'vitest';
import type { Flow, TransportProtocol } from '../transport/flow.js';
import { SourceGuard, type SourceBan, type SourceGuardOptions } from './source-guard.js';

let nowMs: number;
let banned: SourceBan[];
let standing: Set<string>;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  banned = [];
  standing = new Set();
});

function guardWith(options: Partial<SourceGuardOptions> = {}): SourceGuard {
  return new SourceGuard({
    clock: { nowMs: () => nowMs, setTimer: () => 0, clearTimer: () => undefined },
    sourceOf: (address) => address.replace(/:[^:]*$/, '::/64'),
    answersPerSecond: 10,
    banAfterRefusals: 5,
    banMs: 600_000,
    maxSources: 100,
    hasCalls: (source) => standing.has(source),
    isKnownPeer: (address) => address === '203.0.113.1',
    onBanned: (ban) => banned.push(ban),
    ...options,
  });
}

function over(protocol: TransportProtocol, remoteAddress: string): Flow {
  return {
    ...{ id: `${protocol} ${remoteAddress}`, protocol, reliable: protocol !== 'udp', isOpen: true },
    ...{ localAddress: '192.0.2.254', localPort: 5060, remoteAddress, remotePort: 5060 },
    send: () => Promise.resolve(),
    close: () => undefined,
  };
}

const answers = (
  guard: SourceGuard,
  address: string,
  times: number,
  protocol: TransportProtocol = 'udp',
): number =>
  Array.from({ length: times }, () => guard.mayAnswer(over(protocol, address))).filter(Boolean).length;

describe('answers to strangers', () => {
  it.each(['udp', 'tcp'] as const)('who register over %s take none from their other requests', (protocol) => {
    const guard = guardWith();
    const register = () => guard.mayAnswer(over(protocol, '192.0.2.1'), 'register');
    expect(Array.from({ length: 100 }, register).filter(Boolean)).toHaveLength(10);
    expect(answers(guard, '192.0.2.1', 100, protocol)).toBe(10);
  });

  it('are for strangers: who has a trunk or had a call is trusted', () => {
    const guard = guardWith();
    guard.isGood('192.0.2.1');
    expect(['203.0.113.1', '192.0.2.1', '198.51.100.1'].map((address) => guard.isTrusted(address))).toEqual([
      ...[true, true, false],
    ]);
    nowMs += 3_600_001;
    expect(guard.isTrusted('192.0.2.1')).toBe(false);
  });

  it.each(['udp', 'tcp'] as const)(
    'to what cannot be read over %s are a tenth of the others, and take none from these',
    (protocol) => {
      const guard = guardWith({ answersPerSecond: 50 });
      const unread = (address: string) => guard.mayAnswer(over(protocol, address), 'malformed');
      const count = (times: number, address = '192.0.2.1') =>
        Array.from({ length: times }, () => unread(address)).filter(Boolean).length;
      expect(count(100)).toBe(5);
      expect(answers(guard, '192.0.2.1', 100, protocol)).toBe(50);
      expect(count(1, '192.0.2.2')).toBe(1);
      expect(count(5, '2001:db8:0:1:a:b:c:1') + count(5, '2001:db8:0:1:a:b:c:2')).toBe(5);
      nowMs += 1000;
      expect(count(100)).toBe(5);
    },
  );

  it('to what cannot be read are one a second at least, and as many as they like for who has limits of its own', () => {
    const guard = guardWith({ answersPerSecond: 1 });
    const unread = (address: string) => guard.mayAnswer(over('udp', address), 'malformed');
    expect([unread('192.0.2.1'), unread('192.0.2.1')]).toEqual([true, false]);
    expect([unread('203.0.113.1'), unread('203.0.113.1')]).toEqual([true, true]);
  });

  it('are so many a second for each source, however often it asks', () => {
    const guard = guardWith();
    expect(answers(guard, '192.0.2.1', 100)).toBe(10);
    nowMs += 500;
    expect(answers(guard, '192.0.2.1', 100)).toBe(5);
    nowMs += 3_600_000;
    expect(answers(guard, '192.0.2.1', 100)).toBe(10);
  });

  it('of one source are not taken from another', () => {
    const guard = guardWith();
    answers(guard, '192.0.2.1', 100);
    expect(answers(guard, '192.0.2.2', 1)).toBe(1);
  });

  it('are counted for a network together, where one customer has many addresses', () => {
    const guard = guardWith();
    expect(answers(guard, '2001:db8:0:1:a:b:c:1', 10) + answers(guard, '2001:db8:0:1:a:b:c:2', 10)).toBe(10);
  });
});

describe('forged datagrams', () => {
  it('take nothing from what their address gets over connections', () => {
    const guard = guardWith();
    answers(guard, '192.0.2.1', 1000);
    expect(answers(guard, '192.0.2.1', 100, 'tcp')).toBe(10);
  });

  it('take little from a source that has calls', () => {
    const guard = guardWith();
    guard.isGood('192.0.2.1');
    answers(guard, '192.0.2.1', 10);
    nowMs += 1000;
    expect(answers(guard, '192.0.2.1', 1000)).toBe(100);
  });

  it('from everywhere make nobody forgotten who is proven, neither the good nor the bad', () => {
    const guard = guardWith();
    guard.isGood('192.0.2.1');
    for (let i = 0; i < 4; i += 1) guard.refused(over('tcp', '192.0.2.2'));
    for (let i = 0; i < 1000; i += 1) guard.mayAnswer(over('udp', `198.51.${i >> 8}.${i & 255}`));
    for (let i = 0; i < 10; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    guard.refused(over('tcp', '192.0.2.2'));
    expect(banned.map(({ source }) => source)).toEqual(['192.0.2.2']);
  });

  it.each(['udp', 'ws', 'wss'] as const)('and others over %s ban nobody', (protocol) => {
    const guard = guardWith();
    for (let i = 0; i < 1000; i += 1) guard.refused(over(protocol, '192.0.2.1'));
    expect(banned).toEqual([]);
  });
});

describe('a source that holds connections', () => {
  it('is heard on while a call stands with it, however old that is', () => {
    const guard = guardWith();
    standing.add('192.0.2.1');
    for (let i = 0; i < 100; i += 1) guard.refused(over('tls', '192.0.2.1'));
    expect(banned).toEqual([]);
    standing.clear();
    for (let i = 0; i < 5; i += 1) guard.refused(over('tls', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(true);
  });

  it('is not heard after too many refusals within a minute, and heard again later', () => {
    const guard = guardWith();
    for (let i = 0; i < 4; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(false);
    guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(true);
    expect(guard.isBanned('192.0.2.2')).toBe(false);
    expect(banned).toEqual([{ source: '192.0.2.1', untilMs: nowMs + 600_000 }]);
    expect(guard.bans()).toEqual(banned);
    nowMs += 600_000;
    expect(guard.isBanned('192.0.2.1')).toBe(false);
    expect(guard.bans()).toEqual([]);
  });

  it('is heard on where it is refused now and then', () => {
    const guard = guardWith();
    for (let i = 0; i < 50; i += 1) {
      guard.refused(over('tcp', '192.0.2.1'));
      nowMs += 20_000;
    }
    expect(banned).toEqual([]);
  });

  it('is heard on where a call of its own was answered lately, whatever else it sends', () => {
    const guard = guardWith();
    guard.isGood('192.0.2.1');
    for (let i = 0; i < 100; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(false);
    nowMs += 3_600_000;
    for (let i = 0; i < 5; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(true);
  });

  it('is never banned where that is switched off', () => {
    const guard = guardWith({ banAfterRefusals: 0 });
    for (let i = 0; i < 1000; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(false);
  });

  it('can be pardoned, alone or with all others, and begins anew', () => {
    const guard = guardWith();
    for (const address of ['192.0.2.1', '192.0.2.2'])
      for (let i = 0; i < 5; i += 1) guard.refused(over('tcp', address));
    expect(guard.lift('192.0.2.1')).toBe(true);
    expect(guard.lift('192.0.2.1')).toBe(false);
    expect([guard.isBanned('192.0.2.1'), guard.isBanned('192.0.2.2')]).toEqual([false, true]);
    for (let i = 0; i < 4; i += 1) guard.refused(over('tcp', '192.0.2.1'));
    expect(guard.isBanned('192.0.2.1')).toBe(false);
    expect(guard.lift(null)).toBe(true);
    expect(guard.bans()).toEqual([]);
  });
});

it('remembers no more sources than it may', () => {
  const guard = guardWith({ maxSources: 3, answersPerSecond: 1 });
  guard.mayAnswer(over('udp', '192.0.2.1'));
  for (const address of ['192.0.2.2', '192.0.2.3', '192.0.2.4']) guard.mayAnswer(over('udp', address));
  // Forgotten, and so a newcomer.
  expect(guard.mayAnswer(over('udp', '192.0.2.1'))).toBe(true);
  expect(guard.mayAnswer(over('udp', '192.0.2.4'))).toBe(false);
});

it('A peer with limits of its own is answered always, and never banned, also where its network is', () => {
  const guard = guardWith({ sourceOf: () => 'one network' });
  for (let i = 0; i < 100; i += 1) {
    expect(guard.mayAnswer(over('udp', '203.0.113.1'))).toBe(true);
    guard.refused(over('tcp', '203.0.113.1'));
  }
  expect(banned).toEqual([]);
  for (let i = 0; i < 5; i += 1) guard.refused(over('tcp', '203.0.113.2'));
  expect(banned).toHaveLength(1);
  expect(guard.isBanned('203.0.113.2')).toBe(true);
  expect(guard.isBanned('203.0.113.1')).toBe(false);
});
