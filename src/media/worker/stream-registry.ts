/** Every stream that can be received in this worker, by id. Watching a stream that is not there yet is allowed. */
import type { SourceStream } from './source-track.js';

/** Who publishes: a leg of this worker, or a link that brings the streams of another worker. */
export interface StreamPublisher {
  readonly isLocal: boolean;
}

export interface StreamWatcher {
  /** A watched stream appeared, vanished, or has other tracks or another alias now. */
  onStreamsChanged(): void;
}

interface Entry {
  readonly publisher: StreamPublisher;
  readonly stream: SourceStream;
}

const sameStream = (a: SourceStream, b: SourceStream): boolean =>
  a === b || (a.alias === b.alias && a.audio === b.audio && a.video === b.video);

export class StreamRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #byPublisher = new Map<StreamPublisher, readonly string[]>();
  readonly #watchers = new Map<string, Set<StreamWatcher>>();

  get size(): number {
    return this.#entries.size;
  }

  get(streamId: string): SourceStream | null {
    return this.#entries.get(streamId)?.stream ?? null;
  }

  publisherOf(streamId: string): StreamPublisher | null {
    return this.#entries.get(streamId)?.publisher ?? null;
  }

  /**
   * Replaces what `publisher` publishes; an empty list forgets it. An id that another publisher has taken stays with
   * that publisher. Tells each affected watcher once, after everything has been replaced.
   */
  publish(publisher: StreamPublisher, streams: readonly SourceStream[]): void {
    const changed = new Set<string>();
    const ids: string[] = [];
    for (const stream of streams) {
      const known = this.#entries.get(stream.streamId);
      if (known !== undefined && known.publisher !== publisher) continue;
      ids.push(stream.streamId);
      if (known === undefined || !sameStream(known.stream, stream)) changed.add(stream.streamId);
      this.#entries.set(stream.streamId, { publisher, stream });
    }
    const kept = new Set(ids);
    for (const gone of this.#byPublisher.get(publisher) ?? []) {
      if (!kept.has(gone)) {
        this.#entries.delete(gone);
        changed.add(gone);
      }
    }
    if (ids.length > 0) this.#byPublisher.set(publisher, ids);
    else this.#byPublisher.delete(publisher);
    const affected = new Set<StreamWatcher>();
    for (const streamId of changed) {
      for (const watcher of this.#watchers.get(streamId) ?? []) affected.add(watcher);
    }
    for (const watcher of affected) watcher.onStreamsChanged();
  }

  watch(streamId: string, watcher: StreamWatcher): void {
    const watchers = this.#watchers.get(streamId);
    if (watchers === undefined) this.#watchers.set(streamId, new Set([watcher]));
    else watchers.add(watcher);
  }

  unwatch(streamId: string, watcher: StreamWatcher): void {
    const watchers = this.#watchers.get(streamId);
    if (watchers?.delete(watcher) === true && watchers.size === 0) this.#watchers.delete(streamId);
  }
}
