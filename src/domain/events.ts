/** Numbers and dates facts before they go to the sink: one sequence per session, or per account outside sessions. */
import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.js';
import type { DomainEvent, EventData, EventSink, EventType } from './event.js';

export interface EventSubject {
  readonly accountId: string;
  readonly sessionId: string | null;
  readonly participantId: string | null;
  readonly tag: string | null;
}

export class EventRecorder {
  readonly #sink: EventSink;
  readonly #clock: Clock;
  /** Next number per session id; a session's entry goes with `session.deleted`. Accounts are few and stay. */
  readonly #sequences = new Map<string, number>();

  constructor(sink: EventSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  record<T extends EventType>(type: T, subject: EventSubject, data: EventData[T]): void {
    const key = subject.sessionId ?? subject.accountId;
    const sequence = (this.#sequences.get(key) ?? 0) + 1;
    if (type === 'session.deleted') this.#sequences.delete(key);
    else this.#sequences.set(key, sequence);
    // The union is over T; TypeScript cannot see that `type` and `data` vary together.
    this.#sink.publish({
      id: randomUUID(),
      type,
      ...subject,
      sequence,
      time: this.#clock.now(),
      data,
    } as DomainEvent);
  }
}
