import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../domain/logger.js';
import type { OutboxEntry } from '../domain/facts/outbox.js';
import { openSqliteStores } from '../store/sqlite/sqlite-stores.js';
import type { Stores } from '../store/stores.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { WebhookDelivery, type DeliveryResult, type WebhookDeliveryOptions } from './webhook-delivery.js';
import type { OutgoingMessage, SendResult } from './webhook-sender.js';

const hourMs = 3_600_000;
const failed = { isDelivered: false, failure: 'status', status: 500 } as const;
const taken = { isDelivered: true, status: 200, answer: '' } as const;

interface Sent {
  readonly id: string;
  readonly attempt: number;
  readonly url: string;
  readonly at: number;
}

/** Everything that promises have in store for now. */
const calm = () => new Promise((resolve) => setImmediate(resolve));

class Scene {
  readonly clock = new ManualClock();
  readonly sent: Sent[] = [];
  readonly results: DeliveryResult[] = [];
  readonly targets = new Map<string, { url: string; fallbackUrl: string | null }>();
  /** What a message gets; a promise that never settles is a receiver that hangs. */
  answer: (message: OutgoingMessage, id: string) => SendResult | Promise<SendResult> = () => taken;
  inFlight = 0;
  mostInFlight = 0;
  isSenderClosed = false;
  delivery: WebhookDelivery;
  #ids = 0;

  constructor(
    readonly stores: Stores,
    readonly options: Partial<WebhookDeliveryOptions> = {},
  ) {
    this.delivery = this.#open();
  }

  #open(): WebhookDelivery {
    return new WebhookDelivery({
      outbox: this.stores.outbox,
      sender: {
        send: async (message) => {
          const id = message.headers['landbridge-event-id'] ?? '';
          const attempt = Number(message.headers['landbridge-delivery-attempt']);
          this.sent.push({ id, attempt, url: message.url, at: this.clock.now() });
          this.inFlight += 1;
          this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
          const result = await this.answer(message, id);
          this.inFlight -= 1;
          return result;
        },
        close: () => {
          this.isSenderClosed = true;
        },
      },
      target: (receiver) => {
        const target = this.targets.get(receiver) ?? { url: `https://${receiver}/`, fallbackUrl: null };
        return target.url === 'gone' ? null : { ...target, secret: null };
      },
      clock: this.clock,
      logger: silentLogger,
      onResult: (result) => void this.results.push(result),
      random: () => 0.5,
      ...this.options,
    });
  }

  /** Another life over the same outbox. */
  async restart(): Promise<void> {
    await this.delivery.close();
    this.delivery = this.#open();
    await this.delivery.start();
    await calm();
  }

  async append(receiver: string, lane: string, ...ids: string[]): Promise<void> {
    const entries: OutboxEntry[] = ids.map((eventId) => ({
      eventId,
      accountId: 'acme',
      receiver,
      lane,
      body: '{}',
      createdAt: this.clock.now(),
    }));
    this.#ids += ids.length;
    await this.stores.outbox.append(entries, []);
    this.delivery.wake(entries);
    await calm();
  }

  /** In small steps, so that what a timer begins is done before the next. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed));
      await calm();
    }
  }

  ids(): string[] {
    return this.sent.map(({ id }) => id);
  }
}

describe('The delivery', () => {
  let stores: Stores;
  beforeEach(() => {
    stores = openSqliteStores({ path: ':memory:' });
  });
  afterEach(() => stores.close());

  it('sends what is appended, in order, and forgets what was taken', async () => {
    const scene = new Scene(stores);
    await scene.append('a', 's1', '1', '2', '3');
    expect(scene.ids()).toEqual(['1', '2', '3']);
    expect(stores.outbox.size).toBe(0);
    expect(scene.clock.pending).toBe(0);
  });

  it('has one message of a lane on its way, and several lanes of a receiver', async () => {
    const scene = new Scene(stores);
    const answers: (() => void)[] = [];
    scene.answer = () => new Promise((resolve) => answers.push(() => resolve(taken)));
    await scene.append('a', 's1', '1', '2');
    await scene.append('a', 's2', '3');
    expect(scene.ids()).toEqual(['1', '3']);
    for (const answer of answers.splice(0)) answer();
    await calm();
    expect(scene.ids()).toEqual(['1', '3', '2']);
    for (const answer of answers.splice(0)) answer();
    await calm();
    expect(stores.outbox.size).toBe(0);
  });

  it('retries under the same id with the next number, later each time, while the lane waits', async () => {
    const scene = new Scene(stores);
    const start = scene.clock.now();
    scene.answer = () => failed;
    await scene.append('a', 's1', '1', '2');
    await scene.pass(16_000);
    expect(scene.sent.map(({ id, attempt, at }) => [id, attempt, at - start])).toEqual([
      ['1', 1, 0],
      ['1', 2, 1000],
      ['1', 3, 3000],
      ['1', 4, 7000],
      ['1', 5, 15_000],
    ]);
    scene.answer = () => taken;
    await scene.pass(16_000);
    expect(scene.ids().slice(5)).toEqual(['1', '2']);
    expect(stores.outbox.size).toBe(0);
  });

  it('loses and reorders nothing where a receiver answers 500 for an hour', async () => {
    const scene = new Scene(stores);
    const end = scene.clock.now() + hourMs;
    scene.answer = () => (scene.clock.now() < end ? failed : taken);
    const expected = new Map<string, string[]>();
    for (let minute = 0; minute < 60; minute += 1) {
      for (const lane of ['s1', 's2', 's3']) {
        const id = `${lane}-${minute}`;
        expected.set(lane, [...(expected.get(lane) ?? []), id]);
        await scene.append('a', lane, id);
      }
      await scene.pass(60_000, 10_000);
    }
    await scene.pass(700_000, 10_000);
    const delivered = scene.sent.filter(({ at }) => at >= end).map(({ id }) => id);
    expect(new Set(delivered).size).toBe(180);
    for (const [lane, ids] of expected) expect(delivered.filter((id) => id.startsWith(lane))).toEqual(ids);
    // About 13 tries of each lane's first message, and no others.
    expect(scene.sent.length - delivered.length).toBeLessThan(60);
    expect(scene.results.filter((result) => result === 'delivered')).toHaveLength(180);
    expect(stores.outbox.size).toBe(0);
  });

  it('wakes every lane of a receiver that answers again', async () => {
    const scene = new Scene(stores);
    scene.answer = () => failed;
    for (let lane = 0; lane < 5; lane += 1) await scene.append('a', `s${lane}`, `${lane}`);
    await scene.pass(100_000);
    scene.answer = () => taken;
    await scene.append('a', 'new', 'new');
    expect(stores.outbox.size).toBe(0);
  });

  it('gives a message up after 24 hours, and goes on with the next', async () => {
    const scene = new Scene(stores);
    scene.answer = (_, id) => (id === '1' ? failed : taken);
    await scene.append('a', 's1', '1');
    await scene.pass(23 * hourMs, 60_000);
    await scene.append('a', 's1', '2');
    expect(scene.ids()).not.toContain('2');
    await scene.pass(hourMs, 60_000);
    expect(scene.ids().at(-1)).toBe('2');
    expect(scene.results.filter((result) => result === 'expired')).toHaveLength(1);
    expect(stores.outbox.size).toBe(0);
    expect(scene.clock.pending).toBe(0);
  });

  it('tries a message that is too old once: the gateway may have been off', async () => {
    const scene = new Scene(stores);
    await scene.delivery.close();
    await stores.outbox.append(
      [{ eventId: '1', accountId: 'a', receiver: 'r', lane: 's', body: '{}', createdAt: scene.clock.now() }],
      [],
    );
    scene.clock.advance(48 * hourMs);
    await scene.restart();
    expect(scene.ids()).toEqual(['1']);
  });

  it('keeps places free for those that work when many receivers hang', async () => {
    const scene = new Scene(stores, { maxConcurrent: 10, maxPerReceiver: 4 });
    const hanging: (() => void)[] = [];
    scene.answer = ({ url }) =>
      url.includes('bad') ? new Promise((resolve) => hanging.push(() => resolve(failed))) : taken;
    for (let i = 0; i < 8; i += 1) await scene.append(`bad${i}`, 's', `${i}-1`);
    for (const fail of hanging.splice(0)) fail();
    await calm();
    // Now all eight are known to fail: together they get half of the places.
    await scene.pass(2000);
    expect(scene.inFlight).toBe(5);
    for (let i = 0; i < 20; i += 1) await scene.append('good', `s${i}`, `good${i}`);
    expect(scene.ids().filter((id) => id.startsWith('good'))).toHaveLength(20);
  });

  it('never has more on its way than allowed, to all and to one', async () => {
    const scene = new Scene(stores, { maxConcurrent: 6, maxPerReceiver: 4 });
    const answers: (() => void)[] = [];
    scene.answer = () => new Promise((resolve) => answers.push(() => resolve(taken)));
    for (let i = 0; i < 9; i += 1) await scene.append('a', `s${i}`, `a${i}`);
    expect(scene.inFlight).toBe(4);
    for (let i = 0; i < 9; i += 1) await scene.append('b', `s${i}`, `b${i}`);
    expect(scene.inFlight).toBe(6);
    while (answers.length > 0) {
      answers.shift()?.();
      await calm();
    }
    expect(scene.mostInFlight).toBe(6);
    expect(new Set(scene.ids()).size).toBe(18);
  });

  it('uses the fallback while the first URL fails, in order', async () => {
    const scene = new Scene(stores);
    scene.targets.set('a', { url: 'https://first/', fallbackUrl: 'https://second/' });
    scene.answer = ({ url }) => (url.includes('first') ? failed : taken);
    await scene.append('a', 's1', '1', '2', '3');
    await scene.pass(8000);
    expect(scene.sent.map(({ id, url }) => `${id} ${new URL(url).host}`)).toEqual([
      '1 first',
      '1 first',
      '1 first',
      '1 second',
      '2 second',
      '3 second',
    ]);
    await scene.pass(60_000, 10_000);
    await scene.append('a', 's1', '4');
    await scene.pass(2000);
    expect(scene.sent.slice(6).map(({ id, url }) => `${id} ${new URL(url).host}`)).toEqual([
      '4 first',
      '4 second',
    ]);
  });

  it('counts what waits for a receiver that is gone, and sends it to nobody', async () => {
    const scene = new Scene(stores);
    scene.targets.set('a', { url: 'gone', fallbackUrl: null });
    await scene.append('a', 's1', '1', '2');
    expect(scene.sent).toEqual([]);
    expect(scene.results).toEqual(['orphaned', 'orphaned']);
    scene.answer = () => failed;
    await scene.append('b', 's1', '3', '4');
    await scene.delivery.forget('b');
    await scene.pass(2000);
    expect(scene.ids()).toEqual(['3']);
    expect(stores.outbox.size).toBe(0);
    expect(scene.clock.pending).toBe(0);
  });

  it('goes on where an earlier life stopped, with the number of the next try', async () => {
    const scene = new Scene(stores);
    scene.answer = () => failed;
    await scene.append('a', 's1', '1', '2');
    await scene.append('a', 's2', '3');
    scene.answer = () => taken;
    await scene.restart();
    expect(
      scene.sent
        .slice(-3)
        .map(({ id, attempt }) => `${id}#${attempt}`)
        .sort(),
    ).toEqual(['1#2', '2#1', '3#2']);
    expect(stores.outbox.size).toBe(0);
  });

  it('waits at its close for what is on its way, a moment only, and leaves no timer', async () => {
    const scene = new Scene(stores);
    let answer = (_: SendResult): void => undefined;
    scene.answer = () => new Promise((resolve) => (answer = resolve));
    await scene.append('a', 's1', '1', '2');
    const closed = scene.delivery.close();
    await calm();
    expect(scene.isSenderClosed).toBe(false);
    scene.clock.advance(1000);
    expect(scene.isSenderClosed).toBe(true);
    answer({ isDelivered: false, failure: 'connection' });
    await closed;
    await scene.delivery.close();
    expect(scene.ids()).toEqual(['1']);
    expect(stores.outbox.size).toBe(2);
    // It was not the receiver's fault.
    expect(await stores.outbox.next({ receiver: 'a', lane: 's1' })).toMatchObject({
      eventId: '1',
      attempts: 0,
    });
    expect(scene.clock.pending).toBe(0);
  });

  it('waits for a store that is away', async () => {
    const scene = new Scene(stores);
    const { outbox } = stores;
    let isAway = true;
    const away = new Proxy(outbox, {
      get: (target, name) => {
        if (name === 'next' && isAway) return () => Promise.reject(new Error('away'));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const other = new Scene({ ...stores, outbox: away });
    await other.append('a', 's1', '1');
    expect(other.sent).toEqual([]);
    isAway = false;
    await other.pass(1000);
    expect(other.ids()).toEqual(['1']);
    await scene.delivery.close();
  });
});
