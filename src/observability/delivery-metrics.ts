/** What is told to webhooks and callback URLs, and what still waits. */
import type { Registry } from 'prom-client';
import { registerFigure } from './figures.js';

export interface DeliveryFigures {
  /** Messages in the outbox. */
  readonly waiting: number;
  /** Receivers whose last try failed. */
  readonly failingReceivers: number;
  /** Tries and messages by how they ended: `delivered`, `failed` (tried again), `expired`, `orphaned`, `dropped`. */
  readonly results: Readonly<Record<string, number>>;
}

export function exposeDelivery(registry: Registry, read: () => DeliveryFigures): void {
  registerFigure(registry, {
    type: 'gauge',
    name: 'outbox_messages',
    help: 'Messages for webhooks and callback URLs that wait.',
    read: () => [{ value: read().waiting }],
  });
  registerFigure(registry, {
    type: 'gauge',
    name: 'webhook_receivers_failing',
    help: 'Webhooks and callback URLs with waiting messages whose last try failed.',
    read: () => [{ value: read().failingReceivers }],
  });
  registerFigure(registry, {
    type: 'counter',
    name: 'webhook_messages_total',
    help: 'Messages for webhooks and callback URLs, by result: delivered, failed (it is tried again), expired, orphaned, dropped.',
    labels: ['result'],
    read: () => Object.entries(read().results).map(([result, value]) => ({ labels: { result }, value })),
  });
}
