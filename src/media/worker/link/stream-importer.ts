/** Brings in the streams of other workers that somebody here receives. */
import type { StreamRegistry } from '../stream-registry.js';
import type { LinkCounters } from './exported-stream.js';
import { linkKey, type LinkAddress } from './link-address.js';
import { LinkClient } from './link-client.js';

/** Follows streams of other workers, over one link per worker that lives while anything comes by it. */
export class StreamImporter {
  readonly #clients = new Map<string, LinkClient>();
  readonly #sources = new Map<string, string>();

  constructor(
    private readonly options: {
      readonly secret: string;
      readonly registry: StreamRegistry;
      readonly counters: LinkCounters;
    },
  ) {}

  add(streamId: string, from: LinkAddress): void {
    const key = linkKey(from);
    if (this.#sources.get(streamId) === key) return;
    this.remove(streamId);
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = new LinkClient({ ...this.options, address: from });
      this.#clients.set(key, client);
    }
    this.#sources.set(streamId, key);
    client.add(streamId);
  }

  remove(streamId: string): void {
    const key = this.#sources.get(streamId);
    if (key === undefined) return;
    this.#sources.delete(streamId);
    const client = this.#clients.get(key);
    client?.remove(streamId);
    if (client?.size === 0) {
      client.close();
      this.#clients.delete(key);
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    this.#sources.clear();
  }
}
