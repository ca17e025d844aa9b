/** Who is told of which fact: the webhooks of its account, those of the configuration, and a participant's callback URL. */
import type { DomainEvent, EventAudience, EventType } from '../domain/facts/event.js';
import { isTransient } from '../domain/facts/transient-facts.js';
import type { Webhook, WebhookStore } from '../domain/facts/webhook.js';
import { formatEventBody } from './event-body.js';
import { participantCallback } from './participant-callback.js';

/** Where a receiver is reached. */
export interface Target {
  readonly url: string;
  readonly fallbackUrl: string | null;
  /** Null: not signed. */
  readonly secret: string | null;
}

export interface Message {
  readonly receiver: string;
  /** Messages of one lane come one after the other. */
  readonly lane: string;
  readonly body: string;
}

export interface ConfiguredWebhook {
  readonly url: string;
  readonly fallbackUrl?: string | undefined;
  readonly secret?: string | undefined;
  /** The types it is told of; empty: all. */
  readonly events: readonly EventType[];
}

export interface ReceiversOptions {
  readonly webhooks: readonly Webhook[];
  /** Told of every account's facts. */
  readonly configured: ConfiguredWebhook | null;
  /** Signs callbacks; null: they are not signed, as at Bandwidth. */
  readonly callbackSecret: string | null;
}

interface Follower {
  readonly receiver: string;
  readonly target: Target;
  /** The types it is told of; null: all that do not pass. */
  readonly events: ReadonlySet<EventType> | null;
}

const configuredReceiver = 'configured';
const callbackPrefix = 'callback ';

export class Receivers {
  readonly #byAccount = new Map<string, Map<string, Follower>>();
  readonly #targets = new Map<string, Target>();
  readonly #configured: Follower | null;
  readonly #callbackSecret: string | null;

  constructor(options: ReceiversOptions) {
    const { configured } = options;
    this.#callbackSecret = options.callbackSecret;
    this.#configured =
      configured === null
        ? null
        : {
            receiver: configuredReceiver,
            target: {
              url: configured.url,
              fallbackUrl: configured.fallbackUrl ?? null,
              secret: configured.secret ?? null,
            },
            events: configured.events.length === 0 ? null : new Set(configured.events),
          };
    if (this.#configured !== null) this.#targets.set(configuredReceiver, this.#configured.target);
    for (const webhook of options.webhooks) this.add(webhook);
  }

  static async load(store: WebhookStore, options: Omit<ReceiversOptions, 'webhooks'>): Promise<Receivers> {
    return new Receivers({ ...options, webhooks: await store.listWebhooks() });
  }

  /** The webhook is told of what happens from now on. */
  add({ id, accountId, url, fallbackUrl, secret, events }: Webhook): void {
    const followers = this.#byAccount.get(accountId) ?? new Map<string, Follower>();
    const target: Target = { url, fallbackUrl, secret };
    const receiver = webhookReceiver(id);
    followers.set(id, { receiver, target, events: events === null ? null : new Set(events) });
    this.#byAccount.set(accountId, followers);
    this.#targets.set(receiver, target);
  }

  remove({ id, accountId }: Webhook): void {
    const followers = this.#byAccount.get(accountId);
    followers?.delete(id);
    if (followers?.size === 0) this.#byAccount.delete(accountId);
    this.#targets.delete(webhookReceiver(id));
  }

  /** Null where the receiver is gone: what waits for it is for nobody. */
  target(receiver: string): Target | null {
    if (receiver.startsWith(callbackPrefix)) {
      const url = receiver.slice(callbackPrefix.length);
      return { url, fallbackUrl: null, secret: this.#callbackSecret };
    }
    return this.#targets.get(receiver) ?? null;
  }

  messages(event: DomainEvent, audience: EventAudience | undefined): Message[] {
    const messages: Message[] = [];
    const followers = [
      ...(this.#configured === null ? [] : [this.#configured]),
      ...(this.#byAccount.get(event.accountId)?.values() ?? []),
    ].filter(({ events }) => events?.has(event.type) ?? !isTransient(event.type));
    if (followers.length > 0) {
      const body = formatEventBody(event);
      // Without a session nothing binds the facts of different participants, and one must not wait for another.
      const lane = event.sessionId ?? event.participantId ?? event.accountId;
      for (const { receiver } of followers) messages.push({ receiver, lane, body });
    }
    const callbackUrl = audience?.callbackUrl ?? null;
    const callback = callbackUrl === null ? null : participantCallback(event);
    if (callbackUrl !== null && callback !== null) {
      messages.push({
        receiver: `${callbackPrefix}${callbackUrl}`,
        lane: callback.participantId,
        body: JSON.stringify(callback),
      });
    }
    return messages;
  }
}

export function webhookReceiver(webhookId: string): string {
  return `webhook ${webhookId}`;
}

/** What a log may say of a receiver: URLs can hold credentials. */
export function receiverName(receiver: string): string {
  if (!receiver.startsWith(callbackPrefix)) return receiver;
  const url = receiver.slice(callbackPrefix.length);
  return `${callbackPrefix}${URL.canParse(url) ? new URL(url).host : 'unreadable'}`;
}
