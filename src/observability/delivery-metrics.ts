/** What is told to webhooks and callback URLs, and what still waits. */
import type { Figures } from './figures.js';

export interface DeliveryFigures {
  /** Messages in the outbox. */
  readonly waiting: number;
  /** Receivers whose last try failed. */
  readonly failingReceivers: number;
  /** Tries and messages by how they ended: `delivered`, `failed` (tried again), `expired`, `orphaned`, `dropped`. */
  readonly results: Readonly<Record<string, number>>;
}

export function exposeDelivery(figures: Figures, read: () => DeliveryFigures): void {
  figures.gauge(
    'outbox_messages',
    'Messages for webhooks and callback URLs that wait.',
    () => read().waiting,
  );
  figures.gauge(
    'webhook_receivers_failing',
    'Webhooks and callback URLs with waiting messages whose last try failed.',
    () => read().failingReceivers,
  );
  figures.counterBy(
    'result',
    'webhook_messages_total',
    'Messages for webhooks and callback URLs, by result: delivered, failed (it is tried again), expired, orphaned, dropped.',
    () => read().results,
  );
}
