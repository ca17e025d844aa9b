/** A bounded queue in which whoever adds much waits behind its own: sources take turns. */
export interface FairQueueOptions {
  readonly maxItems: number;
  /** How many of them one source may have. */
  readonly maxItemsPerSource: number;
  /** Of all items together. */
  readonly maxBytes: number;
}

export class FairQueue<T extends { readonly bytes: { readonly length: number } }> {
  readonly #options: FairQueueOptions;
  /** By source, each with its items, the oldest first. The source whose turn comes next is the first. */
  readonly #bySource = new Map<string, T[]>();
  #size = 0;
  #bytes = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds at the end. Gives back how many older items had to go for it: the oldest of the same source where that has its share already,
   * else those whose turn it was.
   */
  add(source: string, item: T): number {
    const { maxItems, maxItemsPerSource, maxBytes } = this.#options;
    let dropped = 0;
    const own = this.#bySource.get(source);
    if (own !== undefined && own.length >= maxItemsPerSource) {
      this.#count(own.shift(), -1);
      dropped += 1;
    }
    while (this.#size > 0 && (this.#size >= maxItems || this.#bytes + item.bytes.length > maxBytes)) {
      this.take();
      dropped += 1;
    }
    const items = this.#bySource.get(source);
    if (items === undefined) this.#bySource.set(source, [item]);
    else items.push(item);
    this.#count(item, 1);
    return dropped;
  }

  /** Takes the oldest item of the source whose turn it is; undefined: there is none. */
  take(): T | undefined {
    for (const [source, items] of this.#bySource) {
      const item = items.shift();
      this.#count(item, -1);
      this.#bySource.delete(source);
      if (items.length > 0) this.#bySource.set(source, items);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  clear(): void {
    this.#bySource.clear();
    this.#size = 0;
    this.#bytes = 0;
  }

  #count(item: T | undefined, sign: 1 | -1): void {
    if (item === undefined) return;
    this.#size += sign;
    this.#bytes += sign * item.bytes.length;
  }
}
