/** Numbers and dates facts before they go to the sink: one sequence per session, or per account outside sessions. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { DomainEvent, EventData, EventSink, EventType } from './event.js';

export interface EventSubject {
  readonly accountId: string;
  readonly sessionId: string | null;
  readonly participantId: string | null;
  readonly tag: string | null;
  /** The participant's, where the fact may concern it. */
  readonly callbackUrl?: string | null;
}

export class EventRecorder {
  readonly #sink: EventSink;
  readonly #clock: Clock;
  /** Last number per session id; a session's entry goes with `session.deleted`. Accounts are few and stay. */
  readonly #sequences: Map<string, number>;

  /** `sequences`: the last number of each session and account, where an earlier life has recorded facts. */
  constructor(sink: EventSink, clock: Clock, sequences: ReadonlyMap<string, number> = new Map()) {
    this.#sink = sink;
    this.#clock = clock;
    this.#sequences = new Map(sequences);
  }

  record<T extends EventType>(type: T, subject: EventSubject, data: EventData[T]): void {
    const { callbackUrl = null, ...visible } = subject;
    const key = sequenceKey(subject);
    const sequence = (this.#sequences.get(key) ?? 0) + 1;
    if (type === 'session.deleted') this.#sequences.delete(key);
    else this.#sequences.set(key, sequence);
    // The union is over T; TypeScript cannot see that `type` and `data` vary together.
    const event = {
      id: randomUUID(),
      type,
      ...visible,
      sequence,
      time: this.#clock.now(),
      data,
    } as DomainEvent;
    this.#sink.publish(event, { callbackUrl });
  }
}

/** What numbers a fact: its session, or its account outside sessions. */
export function sequenceKey(fact: { readonly sessionId: string | null; readonly accountId: string }): string {
  return fact.sessionId ?? fact.accountId;
}
