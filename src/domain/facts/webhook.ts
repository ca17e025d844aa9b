/** Where an account wants to be told of facts. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { EventType } from './event.js';

export interface Webhook {
  readonly id: string;
  readonly accountId: string;
  readonly url: string;
  /** Where messages go while `url` fails. */
  readonly fallbackUrl: string | null;
  /** The types it is told of; null: all. */
  readonly events: readonly EventType[] | null;
  /** Signs what is sent. */
  readonly secret: string;
  readonly createdAt: number;
}

/** Every method rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface WebhookStore {
  /** False where the account has `limit` of them. */
  createWebhook(webhook: Webhook, limit: number): Promise<boolean>;
  /** The webhooks of every account, oldest first. */
  listWebhooks(): Promise<readonly Webhook[]>;
  deleteWebhook(accountId: string, webhookId: string): Promise<boolean>;
}

export interface NewWebhook {
  readonly url: string;
  readonly fallbackUrl?: string | null;
  readonly events?: readonly EventType[] | null;
  readonly secret?: string | null;
}

/** Learns of webhooks that come and go. */
export interface WebhookAudience {
  webhookCreated(webhook: Webhook): void;
  webhookDeleted(webhook: Webhook): Promise<void>;
}

export interface WebhookServiceOptions {
  readonly store: WebhookStore;
  readonly audience: WebhookAudience;
  readonly clock: Clock;
  readonly maxPerAccount: number;
  /** Why nothing may be sent to this URL, or null. */
  readonly objection: (url: string) => string | null;
}

export class WebhookService {
  readonly #options: WebhookServiceOptions;

  constructor(options: WebhookServiceOptions) {
    this.#options = options;
  }

  async create(accountId: string, wanted: NewWebhook): Promise<Webhook> {
    const { store, audience, clock, maxPerAccount, objection } = this.#options;
    for (const url of [wanted.url, wanted.fallbackUrl ?? null]) {
      const problem = url === null ? null : objection(url);
      if (problem !== null) throw new DomainError('webhook-url-refused', problem);
    }
    const webhook: Webhook = {
      id: randomUUID(),
      accountId,
      url: wanted.url,
      fallbackUrl: wanted.fallbackUrl ?? null,
      events: wanted.events ?? null,
      secret: wanted.secret ?? randomBytes(32).toString('base64url'),
      createdAt: clock.now(),
    };
    if (!(await store.createWebhook(webhook, maxPerAccount))) {
      throw new DomainError('too-many-webhooks', `An account has at most ${maxPerAccount} webhooks`);
    }
    audience.webhookCreated(webhook);
    return webhook;
  }

  async list(accountId: string): Promise<readonly Webhook[]> {
    return (await this.#options.store.listWebhooks()).filter((webhook) => webhook.accountId === accountId);
  }

  /** Gives up what waits for it. Throws DomainError `webhook-not-found`. */
  async delete(accountId: string, webhookId: string): Promise<void> {
    const { store, audience } = this.#options;
    const webhook = (await this.list(accountId)).find(({ id }) => id === webhookId);
    if (webhook === undefined || !(await store.deleteWebhook(accountId, webhookId))) {
      throw new DomainError('webhook-not-found', 'Webhook not found');
    }
    await audience.webhookDeleted(webhook);
  }
}
