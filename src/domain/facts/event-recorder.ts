/** Numbers and dates facts before they go to the sink: one sequence per session, or per account outside sessions. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { FactSequences } from './fact-sequences.js';
import { isTransient } from './transient-facts.js';
import type { DomainEvent, EventData, EventSink, EventType } from './event.js';

export interface EventSubject {
  readonly accountId: string;
  readonly sessionId: string | null;
  readonly participantId: string | null;
  readonly tag: string | null;
  /** The participant's own callback, where the fact may concern it. */
  readonly callbackUrl?: string | null;
}

export class EventRecorder {
  readonly #sink: EventSink;
  readonly #clock: Clock;
  readonly #sequences: FactSequences;

  /** `sequences`: go on where an earlier life left off. */
  constructor(sink: EventSink, clock: Clock, sequences = new FactSequences()) {
    this.#sink = sink;
    this.#clock = clock;
    this.#sequences = sequences;
  }

  record<T extends EventType>(type: T, subject: EventSubject, data: EventData[T]): void {
    const { accountId, sessionId, participantId, tag, callbackUrl = null } = subject;
    const sequence = isTransient(type) ? this.#sequences.last(subject) : this.#sequences.next(subject);
    if (type === 'session.deleted' && sessionId !== null) this.#sequences.end(sessionId);
    // The union is over T; TypeScript cannot see that `type` and `data` vary together.
    const event = {
      id: randomUUID(),
      type,
      accountId,
      sessionId,
      participantId,
      tag,
      sequence,
      time: this.#clock.now(),
      data,
    } as DomainEvent;
    this.#sink.publish(event, { callbackUrl });
  }
}
