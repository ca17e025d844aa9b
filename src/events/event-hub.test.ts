import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../domain/facts/event.js';
import { EventHub } from './event-hub.js';

function event(changes: Partial<DomainEvent> = {}): DomainEvent {
  return {
    id: randomUUID(),
    type: 'participant.removed',
    accountId: 'acme',
    sessionId: 's1',
    participantId: null,
    tag: null,
    sequence: 1,
    time: 0,
    data: {},
    ...changes,
  } as DomainEvent;
}

function follow(hub: EventHub, request: Parameters<EventHub['subscribe']>[0]) {
  const seen: DomainEvent[] = [];
  const subscription = hub.subscribe(request, (each) => seen.push(each));
  if (subscription === null) throw new Error('too many readers');
  return { seen, ...subscription };
}

describe('The event hub', () => {
  it('hands each event to the followers of its account and session, in order, until they close', () => {
    const hub = new EventHub();
    const everything = follow(hub, { accountId: 'acme' });
    const session = follow(hub, { accountId: 'acme', sessionId: 's1' });
    const stranger = follow(hub, { accountId: 'other' });
    const [a, b, c] = [event(), event({ sessionId: 's2' }), event({ sessionId: null })];
    for (const each of [a, b, c]) hub.factKept(each);
    expect(everything.seen).toEqual([a, b, c]);
    expect(session.seen).toEqual([a]);
    expect(stranger.seen).toEqual([]);
    everything.close();
    everything.close();
    hub.factKept(event());
    expect(everything.seen).toHaveLength(3);
    expect(hub.readers).toBe(2);
    expect(hub.published).toBe(4);
  });

  it('starts with what comes next where the reader names no event', () => {
    const hub = new EventHub();
    hub.factKept(event());
    expect(follow(hub, { accountId: 'acme' })).toMatchObject({ missed: [], hasGap: false });
  });

  it('tells a reader that comes back what it missed, of its session alone, and nothing twice', () => {
    const hub = new EventHub();
    const [a, b, c, d] = [event(), event({ sessionId: 's2' }), event(), event({ accountId: 'other' })];
    for (const each of [a, b, c, d]) hub.factKept(each);
    const resumed = follow(hub, { accountId: 'acme', sessionId: 's1', after: a.id });
    expect(resumed).toMatchObject({ missed: [c], hasGap: false, seen: [] });
    expect(follow(hub, { accountId: 'acme', after: c.id })).toMatchObject({ missed: [], hasGap: false });
  });

  it('remembers so many events of an account, and says so where more was missed', () => {
    const hub = new EventHub({ historyPerAccount: 3 });
    const all = Array.from({ length: 7 }, () => event());
    for (const each of all) hub.factKept(each);
    expect(follow(hub, { accountId: 'acme', after: all[4]!.id })).toMatchObject({
      missed: all.slice(5),
      hasGap: false,
    });
    expect(follow(hub, { accountId: 'acme', after: all[3]!.id })).toMatchObject({
      missed: all.slice(4),
      hasGap: true,
    });
    expect(follow(hub, { accountId: 'silent', after: 'unknown' })).toMatchObject({
      missed: [],
      hasGap: true,
    });
  });

  it('hands on what passes, and remembers what lasts in its stead', () => {
    const hub = new EventHub({ historyPerAccount: 2 });
    const reader = follow(hub, { accountId: 'acme' });
    const [first, second] = [event(), event()];
    const passing = Array.from({ length: 5 }, () => event({ type: 'leg.quality' }));
    for (const each of [first, ...passing, second]) hub.factKept(each);
    expect(reader.seen).toHaveLength(7);
    expect(follow(hub, { accountId: 'acme', after: first.id })).toMatchObject({
      missed: [second],
      hasGap: false,
    });
  });

  it('does not tell one account’s events to another that guesses an id', () => {
    const hub = new EventHub();
    const [a, b] = [event(), event()];
    hub.factKept(a);
    hub.factKept(b);
    expect(follow(hub, { accountId: 'other', after: a.id }).missed).toEqual([]);
  });

  it('remembers so many accounts, forgetting the most silent one', () => {
    const hub = new EventHub({ maxAccounts: 2 });
    const first = event({ accountId: 'a' });
    hub.factKept(first);
    hub.factKept(event({ accountId: 'b' }));
    hub.factKept(event({ accountId: 'a' }));
    hub.factKept(event({ accountId: 'c' }));
    expect(follow(hub, { accountId: 'a', after: first.id }).hasGap).toBe(false);
    expect(follow(hub, { accountId: 'b', after: 'x' }).missed).toEqual([]);
  });

  it('takes so many readers', () => {
    const hub = new EventHub({ maxReaders: 1 });
    const only = follow(hub, { accountId: 'acme' });
    expect(hub.subscribe({ accountId: 'acme' }, () => undefined)).toBeNull();
    only.close();
    expect(hub.subscribe({ accountId: 'acme' }, () => undefined)).not.toBeNull();
  });

  it('takes so many readers of one account, and leaves room for others', () => {
    const hub = new EventHub({ maxReaders: 3, maxReadersPerAccount: 2 });
    const first = follow(hub, { accountId: 'acme' });
    follow(hub, { accountId: 'acme', sessionId: 's' });
    expect(hub.subscribe({ accountId: 'acme' }, () => undefined)).toBeNull();
    first.close();
    expect(hub.subscribe({ accountId: 'acme' }, () => undefined)).not.toBeNull();
    expect(hub.subscribe({ accountId: 'other' }, () => undefined)).not.toBeNull();
    expect(hub.subscribe({ accountId: 'third' }, () => undefined)).toBeNull();
  });

  it('outlives a follower that throws, and one that closes while it is told', () => {
    const hub = new EventHub();
    hub.subscribe({ accountId: 'acme' }, () => {
      throw new Error('a fault');
    });
    const leaving = hub.subscribe({ accountId: 'acme' }, () => leaving?.close());
    const steady = follow(hub, { accountId: 'acme' });
    hub.factKept(event());
    hub.factKept(event());
    expect(steady.seen).toHaveLength(2);
    expect(hub.readers).toBe(2);
  });
});
