/**
 * The requests for keys to one leg by their idempotency keys: those that succeeded or are under way. They live where the leg
 * lives and end with it, so that a key is known once, whichever node was asked.
 */
export class KnownRequests<Wanted> {
  readonly #limit: number;
  readonly #known = new Map<string, { readonly wanted: Wanted; readonly done: Promise<void> }>();

  /** Above `limit` the oldest are forgotten. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): { readonly wanted: Wanted; readonly done: Promise<void> } | null {
    return this.#known.get(key) ?? null;
  }

  /** Remembers a request until it fails: what failed may be tried again. */
  remember(key: string, wanted: Wanted, done: Promise<void>): void {
    this.#known.set(key, { wanted, done });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#limit) break;
      this.#known.delete(oldest);
    }
    done.catch(() => {
      if (this.#known.get(key)?.done === done) this.#known.delete(key);
    });
  }
}
