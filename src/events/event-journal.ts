/**
 * Makes facts last before they count as published: each is written to the outbox with everyone who is to be told, and only
 * then handed on. Facts of one turn of the event loop share one transaction.
 */
import type { Clock } from '../domain/clock.js';
import type { DomainEvent, EventAudience, EventSink } from '../domain/facts/event.js';
import { sequenceKey } from '../domain/facts/fact-sequences.js';
import type { FactFollower } from '../domain/facts/fact-follower.js';
import { isTransient } from '../domain/facts/transient-facts.js';
import type { LimitedLines } from '../domain/limited-lines.js';
import type { Logger } from '../domain/logger.js';
import type { Activity, Outbox, OutboxEntry } from '../domain/facts/outbox.js';
import type { Receivers } from './receivers.js';
import { linesOfLosses, WriteBehind, type LossReason } from './write-behind.js';

export interface EventJournalOptions {
  readonly outbox: Outbox;
  readonly receivers: Receivers;
  /** Told of entries that are in the outbox now. */
  readonly onAppended: (entries: readonly OutboxEntry[]) => void;
  /** Told of entries that will never go out: dropped to make room, or never written. */
  readonly onDropped: (entries: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The pause between two writes, unless somebody waits for them: facts in plenty are told that much later. Default 0. */
  readonly pauseMs?: number;
  /** A write begins in this turn: what else is known of its facts may be written with them. */
  readonly onBegin?: () => void;
}

interface Item {
  readonly event: DomainEvent;
  readonly audience: EventAudience | undefined;
  readonly entries: readonly OutboxEntry[];
}

const lossMessages = {
  full: 'facts were lost: too many wait to be written',
  closed: 'facts were lost: the store did not take them before the end',
} as const;

export class EventJournal implements EventSink {
  readonly #options: EventJournalOptions;
  readonly #writes: WriteBehind<Item>;
  /** Tells of facts that were lost: there may be thousands a second. */
  readonly #lossLines: LimitedLines;
  readonly #followers: FactFollower[] = [];

  constructor(options: EventJournalOptions) {
    this.#options = options;
    this.#lossLines = linesOfLosses(options, 'more facts were lost');
    this.#writes = new WriteBehind<Item>({
      write: (items) => this.#write(items),
      onTried: (items) => {
        for (const { event } of items) {
          for (const follower of this.#followers) follower.factKept(event);
        }
      },
      onLost: (items, why) => this.#lost(items, why),
      ownerOf: ({ event }) => event.accountId,
      clock: options.clock,
      ...(options.pauseMs !== undefined && { pauseMs: options.pauseMs }),
      ...(options.onBegin !== undefined && { onBegin: options.onBegin }),
    });
  }

  /**
   * Tells the follower of every fact from now on, once it is kept; also where the store is away, so that those who listen
   * live go on.
   */
  follow(follower: FactFollower): void {
    this.#followers.push(follower);
  }

  publish(event: DomainEvent, audience?: EventAudience): void {
    const entries = this.#options.receivers.messages(event, audience).map((message) => ({
      ...message,
      eventId: event.id,
      accountId: event.accountId,
      createdAt: event.time,
    }));
    this.#writes.add({ event, audience, entries });
  }

  /** Resolves when all facts so far will survive the process; rejects where the store is away. */
  settled(): Promise<void> {
    return this.#writes.settled();
  }

  /** Writes what waits; idempotent. */
  async close(): Promise<void> {
    await this.#writes.close();
    this.#lossLines.close();
  }

  async #write(items: readonly Item[]): Promise<void> {
    const { outbox, onAppended, onDropped, logger } = this.#options;
    const entries = items.flatMap((item) => item.entries);
    const lasting = items.flatMap(({ event }) => (isTransient(event.type) ? [] : event));
    // What passes, and nobody asked to be sent, costs the store nothing.
    if (entries.length === 0 && lasting.length === 0) return;
    const dropped = await outbox.append(entries, summarize(lasting));
    if (dropped > 0) {
      onDropped(dropped);
      logger.warn({ dropped, size: outbox.size }, 'the outbox is full');
    }
    onAppended(entries);
  }

  #lost(items: readonly Item[], why: LossReason): void {
    const entries = items.reduce((sum, item) => sum + item.entries.length, 0);
    if (entries > 0) this.#options.onDropped(entries);
    const counts = { events: items.length, entries };
    const line = () => this.#options.logger.error(counts, lossMessages[why]);
    // The end comes once.
    if (why === 'closed') line();
    else this.#lossLines.write(line, counts);
  }
}

/** One line for each session, participant and account, however many facts there are. */
function summarize(events: readonly DomainEvent[]): Activity[] {
  const activity = new Map<string, Activity>();
  for (const event of events) {
    const { sessionId, participantId, accountId, sequence, time: changedAt } = event;
    const numbering = sequenceKey(event);
    const note = (id: string, of: Activity['of'], isGone: boolean) => {
      const before = activity.get(id);
      activity.set(id, {
        id,
        of,
        sequence: id === numbering ? sequence : (before?.sequence ?? 0),
        changedAt,
        isGone,
      });
    };
    if (sessionId !== null) note(sessionId, 'session', event.type === 'session.deleted');
    else note(accountId, 'account', false);
    if (participantId !== null) note(participantId, 'participant', event.type === 'participant.deleted');
  }
  return [...activity.values()];
}
