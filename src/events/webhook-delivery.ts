/**
 * Empties the outbox: one message of a lane at a time, in order, until it is taken or too old. Lanes do not wait for one
 * another, and receivers that fail cannot take the places of those that work.
 *
 *   ready ──► sending ──► (more in the lane?) ──► ready
 *     ▲          │ failed                    └──► forgotten
 *     └─ waiting ◄
 */
import type { Clock, Timer } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { Outbox, OutboxLane, WaitingEntry } from '../domain/facts/outbox.js';
import { receiverName, type Target } from './receivers.js';
import { afterTry, chooseRoute, freshRoute, retryDelayMs, type RouteState } from './retry.js';
import { formatSignature } from './webhook-signature.js';
import type { MessageSender, SendResult } from './webhook-sender.js';

export type DeliveryResult = 'delivered' | 'failed' | 'expired' | 'orphaned';

export interface WebhookDeliveryOptions {
  readonly outbox: Outbox;
  readonly sender: MessageSender;
  /** Null where the receiver is gone. */
  readonly target: (receiver: string) => Target | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onResult?: (result: DeliveryResult, detail: string) => void;
  /** Messages on their way at once; all receivers that fail share half of these places. Default 200. */
  readonly maxConcurrent?: number;
  /** Messages on their way to one receiver at once; to one that fails it is 1. Default 20. */
  readonly maxPerReceiver?: number;
  /** A message is given up after this. Default 24 h. */
  readonly maxAgeMs?: number;
  /** The wait after a first failure; it doubles with each further one. Default 1 s. */
  readonly firstRetryMs?: number;
  /** The longest wait between two tries. Default 10 min. */
  readonly longestRetryMs?: number;
  /** Failures of a receiver's first URL before its fallback is used. Default 3. */
  readonly failuresBeforeFallback?: number;
  /** A number in [0, 1), to spread the tries. Default Math.random. */
  readonly random?: () => number;
}

interface Lane extends OutboxLane {
  readonly of: Receiver;
  state: 'ready' | 'sending' | 'waiting';
  timer: Timer | null;
  /** Something was appended while it was looked after. */
  hasMore: boolean;
}

interface Receiver {
  readonly name: string;
  readonly lanes: Map<string, Lane>;
  readonly ready: Lane[];
  sending: number;
  /** Tries since the last that worked. */
  failures: number;
  route: RouteState;
  /** While true the receiver is remembered although nothing waits for it: the next message need not try the first URL in vain. */
  usesFallback: boolean;
}

/** After this many failures in a row, over all lanes, the receiver is to blame and not one message. */
const failuresOfReceiver = 3;
/** How often the first URL is tried while the fallback is used. */
const probeMs = 60_000;
/** How long `close` waits for messages on their way. */
const closeGraceMs = 1000;
/** How long after a failure of the store the outbox is looked at again. */
const storeRetryMs = 1000;

export class WebhookDelivery {
  readonly #options: WebhookDeliveryOptions;
  readonly #maxConcurrent: number;
  readonly #maxPerReceiver: number;
  readonly #maxAgeMs: number;
  readonly #retry: { readonly firstMs: number; readonly longestMs: number };
  readonly #routes: { readonly failuresBeforeFallback: number; readonly probeMs: number };
  readonly #random: () => number;
  /** Receivers in the order in which they are served; each turn moves one to the end. */
  readonly #receivers = new Map<string, Receiver>();
  readonly #sending = new Set<Promise<void>>();
  /** How many of `sending` go to receivers that fail. */
  #sendingToFailing = 0;
  #isClosed = false;

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options;
    this.#maxConcurrent = options.maxConcurrent ?? 200;
    this.#maxPerReceiver = options.maxPerReceiver ?? 20;
    this.#maxAgeMs = options.maxAgeMs ?? 86_400_000;
    this.#retry = { firstMs: options.firstRetryMs ?? 1000, longestMs: options.longestRetryMs ?? 600_000 };
    this.#routes = {
      failuresBeforeFallback: options.failuresBeforeFallback ?? 3,
      probeMs,
    };
    this.#random = options.random ?? Math.random;
  }

  /** Receivers whose last try failed. */
  get failingReceivers(): number {
    let failing = 0;
    for (const { failures } of this.#receivers.values()) if (failures > 0) failing += 1;
    return failing;
  }

  /** Takes up what an earlier life left. Rejects where the store is away. */
  async start(): Promise<void> {
    this.wake(await this.#options.outbox.lanes());
  }

  /** Something was appended to these lanes. */
  wake(lanes: readonly OutboxLane[]): void {
    if (this.#isClosed) return;
    for (const { receiver: name, lane: laneName } of lanes) {
      const receiver = this.#receiver(name);
      const lane = receiver.lanes.get(laneName);
      if (lane !== undefined) {
        lane.hasMore = true;
        continue;
      }
      const added: Lane = {
        receiver: name,
        lane: laneName,
        of: receiver,
        state: 'ready',
        timer: null,
        hasMore: false,
      };
      receiver.lanes.set(laneName, added);
      receiver.ready.push(added);
    }
    this.#serve();
  }

  /** The receiver is gone: gives up what the outbox holds for it. */
  async forget(name: string): Promise<void> {
    const removed = await this.#options.outbox.removeReceiver(name);
    const receiver = this.#receivers.get(name);
    if (receiver !== undefined) receiver.usesFallback = false;
    if (receiver?.lanes.size === 0) this.#receivers.delete(name);
    for (let i = 0; i < removed; i += 1) this.#options.onResult?.('orphaned', 'receiver-gone');
  }

  /** Starts nothing more, waits a moment for what is on its way, and leaves the rest in the outbox. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { lanes } of this.#receivers.values()) for (const lane of lanes.values()) lane.timer?.cancel();
    const { clock, sender } = this.#options;
    if (this.#sending.size > 0) {
      const timer = clock.after(closeGraceMs, () => sender.close());
      await Promise.all(this.#sending);
      timer.cancel();
    }
    sender.close();
  }

  #receiver(name: string): Receiver {
    let receiver = this.#receivers.get(name);
    if (receiver === undefined) {
      receiver = {
        name,
        lanes: new Map(),
        ready: [],
        sending: 0,
        failures: 0,
        route: freshRoute,
        usesFallback: false,
      };
      this.#receivers.set(name, receiver);
    }
    return receiver;
  }

  /** Gives free places to ready lanes, one receiver after the other. */
  #serve(): void {
    let passed = 0;
    while (!this.#isClosed && this.#sending.size < this.#maxConcurrent && passed < this.#receivers.size) {
      const [receiver] = this.#receivers.values();
      if (receiver === undefined) return;
      this.#receivers.delete(receiver.name);
      this.#receivers.set(receiver.name, receiver);
      const lane = this.#mayBegin(receiver) ? receiver.ready.shift() : undefined;
      if (lane === undefined) {
        passed += 1;
      } else {
        passed = 0;
        this.#begin(lane);
      }
    }
  }

  #mayBegin(receiver: Receiver): boolean {
    if (receiver.ready.length === 0) return false;
    if (receiver.failures === 0) return receiver.sending < this.#maxPerReceiver;
    return receiver.sending === 0 && this.#sendingToFailing < Math.max(1, this.#maxConcurrent >> 1);
  }

  #begin(lane: Lane): void {
    const receiver = lane.of;
    const isFailing = receiver.failures > 0;
    lane.state = 'sending';
    receiver.sending += 1;
    if (isFailing) this.#sendingToFailing += 1;
    const work = this.#deliver(lane).then((delayMs) => {
      this.#sending.delete(work);
      receiver.sending -= 1;
      if (isFailing) this.#sendingToFailing -= 1;
      this.#put(lane, delayMs);
      this.#serve();
    });
    this.#sending.add(work);
  }

  /** Says where the lane goes after a try. `delayMs` null: it was empty; 0: it is ready for the next; else it waits that long. */
  #put(lane: Lane, delayMs: number | null): void {
    const receiver = lane.of;
    if (this.#isClosed) return;
    if (delayMs === null && !lane.hasMore) {
      receiver.lanes.delete(lane.lane);
      if (receiver.lanes.size === 0 && !receiver.usesFallback) this.#receivers.delete(receiver.name);
      return;
    }
    if (delayMs === null || delayMs === 0) {
      this.#ready(lane);
      return;
    }
    lane.state = 'waiting';
    lane.timer = this.#options.clock.after(delayMs, () => {
      this.#ready(lane);
      this.#serve();
    });
  }

  #ready(lane: Lane): void {
    lane.timer?.cancel();
    lane.timer = null;
    lane.state = 'ready';
    lane.of.ready.push(lane);
  }

  /** Tries the lane's oldest message once; resolves with the delay for `#put`. Never rejects. */
  async #deliver(lane: Lane): Promise<number | null> {
    const { outbox, clock, target: targetOf, logger, onResult } = this.#options;
    lane.hasMore = false;
    try {
      const entry = await outbox.next(lane);
      if (entry === null) return null;
      const target = targetOf(entry.receiver);
      if (target === null) {
        await outbox.remove(entry.position);
        onResult?.('orphaned', 'receiver-gone');
        return 0;
      }
      const deadline = entry.createdAt + this.#maxAgeMs;
      if (clock.now() >= deadline && entry.attempts > 0) {
        await outbox.remove(entry.position);
        onResult?.('expired', 'too-old');
        const { eventId, attempts, accountId } = entry;
        const receiver = receiverName(entry.receiver);
        logger.warn({ eventId, accountId, receiver, attempts }, 'gave up a webhook message');
        return 0;
      }
      const isDelivered = await this.#try(lane.of, entry, target);
      if (isDelivered === null) return storeRetryMs;
      if (isDelivered) {
        await outbox.remove(entry.position);
        return 0;
      }
      await outbox.failed(entry.position);
      const delayMs = retryDelayMs(entry.attempts + 1, this.#random(), this.#retry);
      return Math.max(1, Math.min(delayMs, deadline - clock.now()));
    } catch (error) {
      logger.warn(
        { err: error, receiver: receiverName(lane.receiver) },
        'the outbox cannot be read or written',
      );
      return storeRetryMs;
    }
  }

  /** Null where the gateway stopped before there was a result. */
  async #try(receiver: Receiver, entry: WaitingEntry, target: Target): Promise<boolean | null> {
    const { clock, sender } = this.#options;
    const startedAt = clock.now();
    const route = chooseRoute(receiver.route, target.fallbackUrl !== null, startedAt, this.#routes);
    const result = await sender.send({
      url: route === 'fallback' && target.fallbackUrl !== null ? target.fallbackUrl : target.url,
      headers: {
        'landbridge-event-id': entry.eventId,
        'landbridge-delivery-attempt': String(entry.attempts + 1),
        ...(target.secret === null
          ? {}
          : { 'landbridge-signature': formatSignature(target.secret, entry.body, startedAt) }),
      },
      body: entry.body,
    });
    if (this.#isClosed && !result.isDelivered) return null;
    receiver.usesFallback = route === 'fallback' || (receiver.usesFallback && !result.isDelivered);
    receiver.route = afterTry(receiver.route, route, result.isDelivered, startedAt);
    this.#note(receiver, result);
    return result.isDelivered;
  }

  #note(receiver: Receiver, result: SendResult): void {
    const { logger, onResult } = this.#options;
    const name = receiverName(receiver.name);
    if (result.isDelivered) {
      onResult?.('delivered', String(result.status));
      const { failures } = receiver;
      receiver.failures = 0;
      if (failures > 0) logger.info({ receiver: name, failures }, 'a webhook receiver answers again');
      if (failures >= failuresOfReceiver) this.#wakeWaiting(receiver);
      return;
    }
    receiver.failures += 1;
    const { failure, status } = result;
    onResult?.('failed', status === undefined ? failure : String(status));
    // One line when it begins; the counter tells the rest.
    if (receiver.failures === 1) logger.warn({ receiver: name, failure, status }, 'a webhook receiver fails');
  }

  /** The receiver works again: none of its lanes needs to wait any longer. */
  #wakeWaiting(receiver: Receiver): void {
    for (const lane of receiver.lanes.values()) if (lane.state === 'waiting') this.#ready(lane);
  }
}
