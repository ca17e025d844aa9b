/** A bounded queue in which whoever adds much waits behind its own: sources take turns. */
export interface FairQueueOptions {
  readonly maxItems: number;
  /** How many of them one source may have. */
  readonly maxItemsPerSource: number;
}

export class FairQueue<T> {
  readonly #options: FairQueueOptions;
  /** By source, each with its items, the oldest first. The source whose turn comes next is the first. */
  readonly #bySource = new Map<string, T[]>();
  #size = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds at the end. False: an older item had to go for it, of the same source where that has its share already. */
  add(source: string, item: T): boolean {
    const { maxItems, maxItemsPerSource } = this.#options;
    const items = this.#bySource.get(source);
    if (items !== undefined && items.length >= maxItemsPerSource) {
      items.shift();
      items.push(item);
      return false;
    }
    const isFull = this.#size >= maxItems;
    if (isFull) this.take();
    const own = this.#bySource.get(source);
    if (own === undefined) this.#bySource.set(source, [item]);
    else own.push(item);
    this.#size += 1;
    return !isFull;
  }

  /** Takes the oldest item of the source whose turn it is; undefined: there is none. */
  take(): T | undefined {
    for (const [source, items] of this.#bySource) {
      const item = items.shift();
      this.#size -= 1;
      this.#bySource.delete(source);
      if (items.length > 0) this.#bySource.set(source, items);
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.#bySource.clear();
    this.#size = 0;
  }
}
