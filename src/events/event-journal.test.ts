import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DomainEvent, EventAudience } from '../domain/facts/event.js';
import { EventRecorder } from '../domain/facts/event-recorder.js';
import { FactSequences } from '../domain/facts/fact-sequences.js';
import { silentLogger } from '../domain/logger.js';
import type { Webhook } from '../domain/facts/webhook.js';
import { openSqliteStores } from '../store/sqlite/sqlite-stores.js';
import type { Stores } from '../store/stores.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { EventJournal } from './event-journal.js';
import { receiverName, Receivers } from './receivers.js';

const webhook = (id: string, changes: Partial<Webhook> = {}): Webhook => ({
  id,
  accountId: 'acme',
  url: `https://${id}.example/`,
  fallbackUrl: null,
  events: null,
  secret: `secret of ${id}`,
  createdAt: 0,
  ...changes,
});

const quality = {
  legId: 'l1',
  legKind: 'phone',
  roundTripMs: 80,
  oneWay: 'not-heard',
  received: {
    ...{ lossPercent: 0, jitterMs: 1, mos: 4.4, packets: 500, packetsLost: 0, totalLossPercent: 0 },
    ...{ jitterP95Ms: 1, jitterMaxMs: 1, mosMean: 4.4, mosWorst: 4.4 },
  },
  sent: null,
} as const;

class Scene {
  readonly clock = new ManualClock();
  readonly published: DomainEvent[] = [];
  readonly receivers: Receivers;
  dropped = 0;
  /** The errors in the log. */
  readonly lines: string[] = [];
  journal!: EventJournal;
  events!: EventRecorder;

  constructor(
    readonly stores: Stores,
    webhooks: readonly Webhook[] = [],
  ) {
    this.receivers = new Receivers({
      webhooks,
      configured: { url: 'https://all.example/', events: ['session.deleted'] },
      callbackSecret: null,
    });
  }

  async open(): Promise<this> {
    const { stores, clock, receivers } = this;
    this.journal = new EventJournal({
      outbox: stores.outbox,
      receivers,
      onAppended: () => undefined,
      onDropped: (entries) => (this.dropped += entries),
      clock,
      logger: {
        ...silentLogger,
        error: (fields, message) => void this.lines.push(`${JSON.stringify(fields)} ${message}`),
      },
    });
    this.journal.follow({ factKept: (event) => void this.published.push(event) });
    this.events = new EventRecorder(this.journal, clock, new FactSequences(await stores.outbox.sequences()));
    return this;
  }

  session(sessionId: string, accountId = 'acme') {
    return { accountId, sessionId, participantId: null, tag: null };
  }

  async lanes(): Promise<string[]> {
    return (await this.stores.outbox.lanes()).map(({ receiver, lane }) => `${receiver} ${lane}`);
  }
}

describe('Facts', () => {
  let stores: Stores;
  beforeEach(() => {
    stores = openSqliteStores({ path: ':memory:' });
  });
  afterEach(() => stores.close());

  it('are published once they are kept, with everyone who is to be told', async () => {
    const picky = webhook('picky', { events: ['session.deleted'] });
    const scene = await new Scene(stores, [webhook('a'), picky, webhook('b', { accountId: 'other' })]).open();
    scene.events.record('session.created', scene.session('s1'), { tag: null });
    expect(scene.published).toEqual([]);
    await scene.journal.settled();
    expect(scene.published.map(({ type }) => type)).toEqual(['session.created']);
    expect(await scene.lanes()).toEqual(['webhook a s1']);
    scene.events.record('session.deleted', scene.session('s1'), {});
    await scene.journal.settled();
    expect(await scene.lanes()).toEqual(['webhook a s1', 'configured s1', 'webhook picky s1']);
    const entry = await stores.outbox.next({ receiver: 'webhook a', lane: 's1' });
    const [created] = scene.published;
    expect(entry).toMatchObject({ eventId: created?.id, createdAt: scene.clock.now() });
    expect(JSON.parse(entry?.body ?? '')).toEqual({ ...created, time: '2023-11-14T22:13:20.000Z' });
  });

  it('that pass are told to those who listen, kept for nobody but a webhook that names them, and take no number', async () => {
    const named = webhook('named', { events: ['leg.quality'] });
    const scene = await new Scene(stores, [webhook('all')]).open();
    scene.events.record('session.created', scene.session('s1'), { tag: null });
    scene.events.record('leg.quality', scene.session('s1'), quality);
    scene.events.record('leg.quality', scene.session('s2'), quality);
    await scene.journal.settled();
    expect(scene.published.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['session.created', 1],
      ['leg.quality', 1],
      ['leg.quality', 0],
    ]);
    expect(await scene.lanes()).toEqual(['webhook all s1']);
    expect(stores.outbox.size).toBe(1);
    expect([...(await stores.outbox.sequences())]).toEqual([['s1', 1]]);
    scene.receivers.add(named);
    scene.events.record('leg.quality', scene.session('s1'), quality);
    await scene.journal.settled();
    expect(await scene.lanes()).toEqual(['webhook all s1', 'webhook named s1']);
  });

  it('outside a session come in order per participant', async () => {
    const scene = await new Scene(stores, [webhook('a')]).open();
    const about = { accountId: 'acme', sessionId: null, participantId: 'p1', tag: null };
    scene.events.record('participant.deleted', about, {});
    await scene.journal.settled();
    expect(await scene.lanes()).toEqual(['webhook a p1']);
  });

  it('never carry the callback URL, which is told in Bandwidth’s words', async () => {
    const scene = await new Scene(stores).open();
    const audience: EventAudience = { callbackUrl: 'https://user:pass@app.example/cb?x=1' };
    const about = { accountId: 'acme', sessionId: 's1', participantId: 'p1', tag: 'mine', ...audience };
    scene.events.record('signalling.back', about, { legId: 'l1', clientId: 'd1' });
    await scene.journal.settled();
    expect(JSON.stringify(scene.published)).not.toContain('app.example');
    const receiver = `callback ${audience.callbackUrl ?? ''}`;
    const entry = await stores.outbox.next({ receiver, lane: 'p1' });
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({ event: 'onConnect', deviceId: 'd1', tag: 'mine' });
    expect(scene.receivers.target(receiver)).toMatchObject({ url: audience.callbackUrl, secret: null });
    expect(receiverName(receiver)).toBe('callback app.example');
  });

  it('are numbered on in another life, and anew where a session is made anew', async () => {
    const scene = await new Scene(stores).open();
    for (let i = 0; i < 3; i += 1) scene.events.record('session.created', scene.session('s1'), { tag: null });
    scene.events.record('session.created', scene.session('s2'), { tag: null });
    scene.events.record('session.deleted', scene.session('s2'), {});
    await scene.journal.settled();
    const next = await new Scene(stores).open();
    next.events.record('session.created', next.session('s1'), { tag: null });
    next.events.record('session.created', next.session('s2'), { tag: null });
    await next.journal.settled();
    expect(next.published.map(({ sequence }) => sequence)).toEqual([4, 1]);
  });

  it('go on to those who listen live while the store is away, and into the outbox when it is back', async () => {
    const scene = new Scene(stores, [webhook('a')]);
    let isAway = true;
    const { outbox } = stores;
    const append = outbox.append.bind(outbox);
    outbox.append = (...batch) => (isAway ? Promise.reject(new Error('away')) : append(...batch));
    await scene.open();
    scene.events.record('session.created', scene.session('s1'), { tag: null });
    await expect(scene.journal.settled()).rejects.toThrow('away');
    expect(scene.published).toHaveLength(1);
    expect(outbox.size).toBe(0);
    isAway = false;
    scene.clock.advance(1000);
    await scene.journal.settled();
    expect(outbox.size).toBe(1);
    expect(scene.published).toHaveLength(1);
    await scene.journal.close();
    expect(scene.clock.pending).toBe(0);
  });

  it('that are lost are told of once when it begins, and every ten seconds by their number', async () => {
    const scene = new Scene(stores, [webhook('a')]);
    stores.outbox.append = () => Promise.reject(new Error('away'));
    await scene.open();
    // One more waits while the first write is tried.
    for (let nth = 0; nth < 10_003; nth += 1)
      scene.events.record('session.created', scene.session(`s${nth}`), { tag: null });
    expect(scene.dropped).toBe(3);
    expect(scene.lines).toEqual(['{"events":1,"entries":1} facts were lost: too many wait to be written']);
    scene.clock.advance(10_000);
    expect(scene.lines.slice(1)).toEqual(['{"events":2,"entries":2} more facts were lost']);
    await scene.journal.close();
    expect(scene.lines.slice(2)).toEqual([
      '{"events":10000,"entries":10000} facts were lost: the store did not take them before the end',
    ]);
    expect(scene.clock.pending).toBe(0);
  });

  it('of a webhook that was removed are for nobody', async () => {
    const [a] = [webhook('a')];
    const scene = await new Scene(stores, [a]).open();
    scene.receivers.remove(a);
    scene.events.record('session.created', scene.session('s1'), { tag: null });
    await scene.journal.settled();
    expect(outboxSize(stores)).toBe(0);
    expect(scene.receivers.target('webhook a')).toBeNull();
    scene.receivers.add(webhook('c'));
    scene.events.record('session.created', scene.session('s1'), { tag: null });
    await scene.journal.settled();
    expect(await scene.lanes()).toEqual(['webhook c s1']);
  });
});

function outboxSize({ outbox }: Stores): number {
  return outbox.size;
}
