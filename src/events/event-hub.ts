/** Hands the facts to whoever reads along, and remembers the last ones of each account for those who come back. */
import type { DomainEvent } from '../domain/facts/event.js';
import type { EventFeed, EventFeedRequest, EventSubscription } from '../domain/facts/event-feed.js';
import type { FactFollower } from '../domain/facts/fact-follower.js';
import { isTransient } from '../domain/facts/transient-facts.js';
import { silentLogger, type Logger } from '../domain/logger.js';

export interface EventHubOptions {
  /** Facts remembered per account, for readers that come back. Default 1000. */
  readonly historyPerAccount?: number;
  /** Accounts remembered; the one that was silent longest is forgotten first. Default 10000. */
  readonly maxAccounts?: number;
  /** Readers at once, over all accounts. Default 200. */
  readonly maxReaders?: number;
  /** Readers at once of one account. Default 100. */
  readonly maxReadersPerAccount?: number;
  /** Learns of a reader that threw. */
  readonly logger?: Logger;
}

interface Reader {
  readonly request: EventFeedRequest;
  readonly listener: (event: DomainEvent) => void;
}

export class EventHub implements FactFollower, EventFeed {
  readonly #historyPerAccount: number;
  readonly #maxAccounts: number;
  readonly #maxReaders: number;
  readonly #maxReadersPerAccount: number;
  readonly #logger: Logger;
  /** In the order of their last event. */
  readonly #histories = new Map<string, EventHistory>();
  readonly #readers = new Set<Reader>();
  #published = 0;

  constructor(options: EventHubOptions = {}) {
    this.#historyPerAccount = options.historyPerAccount ?? 1000;
    this.#maxAccounts = options.maxAccounts ?? 10_000;
    this.#maxReaders = options.maxReaders ?? 200;
    this.#maxReadersPerAccount = options.maxReadersPerAccount ?? 100;
    this.#logger = options.logger ?? silentLogger;
  }

  get readers(): number {
    return this.#readers.size;
  }

  get published(): number {
    return this.#published;
  }

  factKept(event: DomainEvent): void {
    this.#published += 1;
    // Else these would drive out what readers that come back have missed.
    if (!isTransient(event.type)) this.#remember(event);
    for (const { request, listener } of this.#readers) {
      if (!matches(event, request)) continue;
      try {
        listener(event);
      } catch (error) {
        this.#logger.error({ err: error, eventId: event.id }, 'an event reader failed');
      }
    }
  }

  subscribe(request: EventFeedRequest, listener: (event: DomainEvent) => void): EventSubscription | null {
    if (this.#readers.size >= this.#maxReaders) return null;
    if (this.#readersOf(request.accountId) >= this.#maxReadersPerAccount) return null;
    const reader = { request, listener };
    this.#readers.add(reader);
    const close = () => void this.#readers.delete(reader);
    if (request.after === undefined) return { missed: [], hasGap: false, close };
    const { events, isComplete } = this.#histories.get(request.accountId)?.since(request.after) ?? {
      events: [],
      isComplete: false,
    };
    return { missed: events.filter((event) => matches(event, request)), hasGap: !isComplete, close };
  }

  #readersOf(accountId: string): number {
    let readers = 0;
    for (const { request } of this.#readers) if (request.accountId === accountId) readers += 1;
    return readers;
  }

  #remember(event: DomainEvent): void {
    const history = this.#histories.get(event.accountId) ?? new EventHistory(this.#historyPerAccount);
    this.#histories.delete(event.accountId);
    this.#histories.set(event.accountId, history);
    history.add(event);
    if (this.#histories.size <= this.#maxAccounts) return;
    const silent = this.#histories.keys().next();
    if (silent.done !== true) this.#histories.delete(silent.value);
  }
}

/** A ring: the newest event overwrites the oldest. */
class EventHistory {
  readonly #capacity: number;
  readonly #events: DomainEvent[] = [];
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(event: DomainEvent): void {
    if (this.#events.length < this.#capacity) {
      this.#events.push(event);
      return;
    }
    this.#events[this.#oldest] = event;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
  }

  /** What came after the event with that id; everything, incomplete, where it is not remembered. */
  since(id: string): { events: DomainEvent[]; isComplete: boolean } {
    const inOrder = [...this.#events.slice(this.#oldest), ...this.#events.slice(0, this.#oldest)];
    const index = inOrder.findIndex((event) => event.id === id);
    return { events: inOrder.slice(index + 1), isComplete: index >= 0 };
  }
}

function matches(event: DomainEvent, request: EventFeedRequest): boolean {
  return (
    event.accountId === request.accountId &&
    (request.sessionId === undefined || event.sessionId === request.sessionId)
  );
}
