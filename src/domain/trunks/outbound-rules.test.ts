import { describe, expect, it } from 'vitest';
import type { TrunkOutbound } from './outbound.js';
import { checkedOutbound, type NewOutbound } from './outbound-rules.js';

const rules = { mayReach: () => true, hindrance: null, hasTls: false, shortestPingSeconds: 10 };
const target = {
  uri: null,
  host: 'sip.carrier.example',
  port: null,
  transport: null,
  priority: 1,
  weight: 1,
  tlsServerName: null,
};
const wanted = {
  targets: [target],
  digest: { username: '4711', password: 'a secret', realm: null },
  fromDomain: null,
  registration: { user: null, expiresSeconds: 600 },
} as const satisfies NewOutbound;

const before = checkedOutbound(wanted, null, rules);
const contactOf = ({ registration }: TrunkOutbound): string | undefined => registration?.contactUser;

function change(changes: Partial<NewOutbound>): TrunkOutbound {
  return checkedOutbound({ ...wanted, ...changes }, before, rules);
}

describe('the outbound side of a trunk that is replaced', () => {
  it('keeps the password, and the Contact that the carrier knows, where the carrier is the same', () => {
    const after = change({
      digest: { username: '4711', password: null, realm: null },
      registration: { user: null, expiresSeconds: 300 },
    });
    expect(after.digest?.password).toBe('a secret');
    expect(contactOf(after)).toBe(contactOf(before));
  });

  it.each<[string, Partial<NewOutbound>]>([
    ['target', { targets: [{ ...target, host: 'sip.other.example' }] }],
    ['domain', { fromDomain: 'other.example' }],
    ['user', { registration: { user: 'other', expiresSeconds: 600 } }],
  ])('tells another %s another Contact', (_, changes) => {
    expect(contactOf(change(changes))).toMatch(/^lb[0-9a-f]{32}$/);
    expect(contactOf(change(changes))).not.toBe(contactOf(before));
  });

  it('does not answer another server’s challenge with a password that was not given for it', () => {
    const targets = [{ ...target, host: 'collector.example' }];
    expect(() => change({ targets, digest: { username: '4711', password: null, realm: null } })).toThrow(
      'outbound.digest: give the password',
    );
    expect(
      change({ targets, digest: { username: '4711', password: 'new', realm: null } }).digest?.password,
    ).toBe('new');
  });

  it('keeps it for another server where the realm says whose it is', () => {
    const digest = { username: '4711', password: null, realm: 'carrier.example' };
    const told = checkedOutbound({ ...wanted, digest: { ...digest, password: 'a secret' } }, null, rules);
    const targets = [{ ...target, host: 'sip2.carrier.example' }];
    expect(checkedOutbound({ ...wanted, targets, digest }, told, rules).digest?.password).toBe('a secret');
  });
});

describe('the pings of a trunk', () => {
  const ping = { seconds: 10, failures: 2, successes: 1 };

  it('are kept, with a registration or without one', () => {
    expect(change({ ping }).ping).toEqual(ping);
    expect(change({ ping, registration: null })).toMatchObject({ ping, registration: null });
    expect(change({}).ping).toBeNull();
  });

  it('are refused where they are too often, as is a trunk that is to do nothing at all', () => {
    expect(() => change({ ping: { ...ping, seconds: 9 } })).toThrow(
      'outbound.ping: every 9 seconds is too often: give at least 10',
    );
    expect(() => change({ registration: null })).toThrow('give a registration or a ping');
  });
});
