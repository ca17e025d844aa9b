/** Reads the facts of an account in the order they were told, and throws at the first that cannot follow those before it. */
import type { DomainEvent } from '../../src/domain/facts/event.js';

export class EventOrder {
  readonly #sequences = new Map<string, number>();
  /** Session of each leg that has joined and not left. */
  readonly joined = new Map<string, string | null>();
  /** Streams published and not unpublished, by participant. */
  readonly published = new Map<string, Set<string>>();
  readonly #ended = new Set<string>();

  take(event: DomainEvent): void {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${JSON.stringify(event)}`);
    };
    const key = event.sessionId ?? event.accountId;
    const before = this.#sequences.get(key);
    if (before !== undefined && event.sequence !== before + 1) fail(`follows ${before}`);
    this.#sequences.set(key, event.sequence);
    const streams = this.published.get(event.participantId ?? '') ?? new Set();
    if (event.participantId !== null) this.published.set(event.participantId, streams);
    switch (event.type) {
      case 'participant.joined':
        if (this.joined.has(event.data.legId) || this.#ended.has(event.data.legId)) fail('joined twice');
        if (event.sessionId === null) fail('joined no session');
        this.joined.set(event.data.legId, event.sessionId);
        return;
      case 'participant.left':
        if (this.joined.get(event.data.legId) !== event.sessionId) fail('left where it had not joined');
        if (streams.size > 0) fail('left with streams published');
        this.joined.delete(event.data.legId);
        return;
      case 'stream.published':
        if (![...this.joined.values()].includes(event.sessionId)) fail('published by nobody who joined');
        if (streams.has(event.data.streamId)) fail('published twice');
        streams.add(event.data.streamId);
        return;
      case 'stream.unpublished':
        if (!streams.delete(event.data.streamId)) fail('unpublished before it was published');
        return;
      case 'call.ended':
        if (this.joined.has(event.data.legId)) fail('ended before it left');
        this.#ended.add(event.data.legId);
        return;
      case 'session.deleted':
        if ([...this.joined.values()].includes(event.sessionId)) fail('deleted with somebody in it');
        return;
      default:
    }
  }
}
