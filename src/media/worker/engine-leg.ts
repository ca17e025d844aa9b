/**
 * A leg among the streams of its worker: what it publishes goes into the registry, and what it wants is resolved again
 * whenever one of those streams appears, changes or vanishes.
 */
import type { Leg, LegStatistics } from './leg.js';
import type { SourceStream } from './source-track.js';
import type { StreamPublisher, StreamRegistry, StreamWatcher } from './stream-registry.js';

export class EngineLeg implements StreamPublisher, StreamWatcher {
  readonly isLocal = true;
  readonly #registry: StreamRegistry;
  readonly #onFault: (error: unknown) => void;
  #leg: Leg | null = null;
  #closed = false;
  /** Ids of streams, by the connection over which they are to go. */
  #wanted: ReadonlyMap<string, readonly string[]> = new Map();
  #watched: ReadonlySet<string> = new Set();
  #holdSound = false;

  constructor(registry: StreamRegistry, onFault: (error: unknown) => void) {
    this.#registry = registry;
    this.#onFault = onFault;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get leg(): Leg | null {
    return this.#leg;
  }

  /** Separate from the constructor because a leg may report streams while it is being made. */
  attach(leg: Leg): void {
    this.#leg = leg;
  }

  publish(streams: readonly SourceStream[]): void {
    if (!this.#closed) this.#registry.publish(this, streams);
  }

  /** `wanted`: ids of streams, by the connection over which they are to go. */
  receive(wanted: ReadonlyMap<string, readonly string[]>, holdSound: boolean): void {
    const watched = new Set([...wanted.values()].flat());
    for (const streamId of this.#watched) if (!watched.has(streamId)) this.#registry.unwatch(streamId, this);
    for (const streamId of watched) this.#registry.watch(streamId, this);
    this.#watched = watched;
    this.#wanted = wanted;
    this.#holdSound = holdSound;
    this.onStreamsChanged();
  }

  onStreamsChanged(): void {
    if (this.#closed || this.#leg === null) return;
    try {
      for (const [name, connection] of this.#leg.connections)
        connection.receive(this.#streams(this.#wanted.get(name) ?? []), this.#holdSound);
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** Those of the streams that are there. */
  #streams(streamIds: readonly string[]): SourceStream[] {
    const streams: SourceStream[] = [];
    for (const streamId of new Set(streamIds)) {
      const stream = this.#registry.get(streamId);
      // Nobody hears himself, whatever was asked.
      if (stream !== null && this.#registry.publisherOf(streamId) !== this) streams.push(stream);
    }
    return streams;
  }

  /** Idempotent. The last statistics, or null where the leg could not give them. */
  close(): LegStatistics | null {
    if (this.#closed) return null;
    this.#closed = true;
    for (const streamId of this.#watched) this.#registry.unwatch(streamId, this);
    this.#watched = new Set();
    this.#wanted = new Map();
    // Listeners drop their sinks before the leg stops: none of them sees a half-closed source.
    this.#registry.publish(this, []);
    try {
      const statistics = this.#leg?.statistics() ?? null;
      this.#leg?.close();
      return statistics;
    } catch (error) {
      this.#onFault(error);
      return null;
    }
  }
}
