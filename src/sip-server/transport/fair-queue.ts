/** A bounded queue in which whoever adds much waits behind its own: sources take turns, and who has most loses first. */
export interface FairQueueOptions {
  readonly maxItems: number;
  /** What all items have together. */
  readonly maxBytes: number;
  /** One source has no more than one part in so many, of either. */
  readonly minSources: number;
}

interface Waiting<T> {
  readonly items: T[];
  bytes: number;
}

export class FairQueue<T extends { readonly bytes: { readonly length: number } }> {
  readonly #options: FairQueueOptions;
  /** By source, each with its items, the oldest first. The source whose turn comes next is the first. */
  readonly #bySource = new Map<string, Waiting<T>>();
  /** The sources that have so many items, by that number. */
  readonly #byCount: Set<string>[] = [];
  #size = 0;
  #bytes = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds at the end. Gives back how many were dropped for it: the oldest of the same source where that has its share, else the oldest
   * of the source that has most; or itself, where it is longer than most and there is no room.
   */
  add(source: string, item: T): number {
    const { maxItems, maxBytes, minSources } = this.#options;
    const { length } = item.bytes;
    let dropped = 0;
    const mostItems = Math.max(1, Math.floor(maxItems / minSources));
    for (let own = this.#bySource.get(source); own !== undefined; own = this.#bySource.get(source)) {
      if (own.items.length < mostItems && own.bytes + length <= maxBytes / minSources) break;
      this.#takeFrom(source, own);
      dropped += 1;
    }
    while (this.#size >= maxItems || (this.#size > 0 && this.#bytes + length > maxBytes)) {
      dropped += 1;
      if (this.#size < maxItems && length > maxBytes / maxItems) return dropped;
      this.#dropOfLargest();
    }
    this.#put(source, item);
    return dropped;
  }

  /** Takes the oldest item of the source whose turn it is; undefined: there is none. */
  take(): T | undefined {
    for (const [source, waiting] of this.#bySource) {
      const item = this.#takeFrom(source, waiting);
      // Its next turn is behind the others'.
      if (this.#bySource.delete(source)) this.#bySource.set(source, waiting);
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.#bySource.clear();
    this.#byCount.length = 0;
    this.#size = 0;
    this.#bytes = 0;
  }

  #dropOfLargest(): void {
    for (const source of this.#byCount.at(-1) ?? []) {
      const waiting = this.#bySource.get(source);
      if (waiting !== undefined) this.#takeFrom(source, waiting);
      return;
    }
  }

  #put(source: string, item: T): void {
    const waiting = this.#bySource.get(source) ?? { items: [], bytes: 0 };
    if (waiting.items.length === 0) this.#bySource.set(source, waiting);
    waiting.items.push(item);
    this.#counted(source, waiting, item.bytes.length);
  }

  #takeFrom(source: string, waiting: Waiting<T>): T | undefined {
    const item = waiting.items.shift();
    if (item === undefined) return undefined;
    this.#counted(source, waiting, -item.bytes.length);
    if (waiting.items.length === 0) this.#bySource.delete(source);
    return item;
  }

  /** The source has one item more, or one less, of so many bytes. */
  #counted(source: string, waiting: Waiting<T>, bytes: number): void {
    const change = bytes < 0 ? -1 : 1;
    const count = waiting.items.length;
    this.#byCount[count - change]?.delete(source);
    if (count > 0) (this.#byCount[count] ??= new Set()).add(source);
    while (this.#byCount.length > 0 && (this.#byCount.at(-1)?.size ?? 0) === 0) this.#byCount.pop();
    waiting.bytes += bytes;
    this.#size += change;
    this.#bytes += bytes;
  }
}
