/** Opens what remembers facts and delivers them: outbox, webhooks, callbacks, call detail records. */
import type { EventSink } from '../domain/facts/event.js';
import { EventRecorder } from '../domain/facts/event-recorder.js';
import { FactSequences } from '../domain/facts/fact-sequences.js';
import type { FactFollower } from '../domain/facts/fact-follower.js';
import { WebhookService } from '../domain/facts/webhook.js';
import { AddressPolicy } from '../events/address-policy.js';
import { CallRecorder } from '../events/call-recorder.js';
import { EventJournal } from '../events/event-journal.js';
import { Receivers, webhookReceiver } from '../events/receivers.js';
import { WebhookDelivery } from '../events/webhook-delivery.js';
import { WebhookSender } from '../events/webhook-sender.js';
import type { Metrics } from '../observability/metrics.js';
import type { Stores } from '../store/stores.js';
import type { GatewayContext } from './context.js';

export interface JournalOptions extends GatewayContext {
  readonly stores: Stores;
  readonly metrics: Metrics;
}

export interface Journal {
  readonly events: EventRecorder;
  readonly records: CallRecorder;
  readonly webhooks: WebhookService;
  /** Tells the follower of every fact from now on, once it is kept. */
  follow(follower: FactFollower): void;
  /** Resolves when every fact so far will survive the process. */
  settled(): Promise<void>;
  /** Begins to deliver what an earlier life left undelivered, and to remove old records. */
  start(): Promise<void>;
}

const hourMs = 3_600_000;
/** Facts of so long share one commit where they are many. Receivers are told that much later, which nobody notices. */
const journalPauseMs = 50;
/** Changes of records that come without a fact (figures of media that has ended) wait this long for others. */
const recordsPauseMs = 500;

/** What is undelivered when it closes is left to the next life. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { config, stores, metrics, clock, closers, version } = options;
  const { outbox } = stores;
  const logger = options.logger.child({ layer: 'webhooks' });
  const { url, fallbackUrl, secret, events: types } = config.webhooks;
  const policy = new AddressPolicy(config.webhooks);
  const receivers = await Receivers.load(stores.webhooks, {
    configured: url === undefined ? null : { url, fallbackUrl, secret, events: types },
    callbackSecret: secret ?? null,
  });
  const results = { delivered: 0, failed: 0, expired: 0, orphaned: 0, dropped: 0 };
  const delivery = new WebhookDelivery({
    outbox,
    sender: new WebhookSender({
      policy,
      lookUps: options.lookUps,
      clock,
      timeoutMs: config.webhooks.timeoutSeconds * 1000,
      userAgent: `Landbridge/${version}`,
    }),
    target: (receiver) => receivers.target(receiver),
    clock,
    logger,
    onResult: (result) => (results[result] += 1),
    maxConcurrent: config.webhooks.maxConcurrent,
    maxPerReceiver: config.webhooks.maxPerReceiver,
    maxAgeMs: config.webhooks.keepHours * hourMs,
    firstRetryMs: config.webhooks.firstRetrySeconds * 1000,
    longestRetryMs: config.webhooks.longestRetrySeconds * 1000,
    failuresBeforeFallback: config.webhooks.failuresBeforeFallback,
  });
  closers.onClose('deliveries', () => delivery.close());
  const records = new CallRecorder({
    store: stores.records,
    clock,
    logger,
    keepMs: config.records.keepDays * 24 * hourMs,
    pauseMs: recordsPauseMs,
  });
  closers.onClose('call records', () => records.close());
  const journal = new EventJournal({
    outbox,
    receivers,
    onAppended: (entries) => delivery.wake(entries),
    onDropped: (entries) => (results.dropped += entries),
    clock,
    logger,
    pauseMs: journalPauseMs,
    // Whoever is told of a fact finds it in its record already, and both share a commit.
    onBegin: () => records.hurry(),
  });
  closers.onClose('journal', () => journal.close());
  const sink: EventSink = {
    publish(event, audience) {
      records.publish(event);
      journal.publish(event, audience);
    },
  };
  const webhooks = new WebhookService({
    store: stores.webhooks,
    audience: {
      webhookCreated: (webhook) => receivers.add(webhook),
      async webhookDeleted(webhook) {
        receivers.remove(webhook);
        await delivery.forget(webhookReceiver(webhook.id));
      },
    },
    clock,
    maxPerAccount: config.webhooks.maxPerAccount,
    objection: (address) => policy.objection(address),
  });
  metrics.observeDelivery(() => ({
    waiting: outbox.size,
    failingReceivers: delivery.failingReceivers,
    results,
  }));
  return {
    events: new EventRecorder(sink, clock, new FactSequences(await outbox.sequences())),
    records,
    webhooks,
    follow: (follower) => journal.follow(follower),
    settled: () => journal.settled(),
    async start() {
      records.start();
      await delivery.start();
    },
  };
}
