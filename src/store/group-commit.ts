import type Database from 'libsql';

interface Write {
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes of one transaction at most, so that the event loop is not held up for long. */
const maxBatch = 256;

/**
 * Commits together what is written in one turn of the event loop: requests that come at the same time share one commit,
 * and one fsync. Each promise settles after the commit, in the order of the writes. A write is atomic and isolated as if it
 * were alone.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  readonly #waiting: Write[] = [];
  readonly #one: Database.Transaction<(work: () => unknown) => unknown>;
  readonly #many: Database.Transaction<(writes: readonly Write[]) => unknown[]>;
  #scheduled: NodeJS.Immediate | null = null;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#one = database.transaction((work: () => unknown) => work());
    this.#many = database.transaction((writes: readonly Write[]) => writes.map(({ work }) => work()));
  }

  /** The work reads and writes as it likes, and may be run twice: the first time for nothing. Rejects with what it throws. */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (result: unknown) => void, reject });
      this.#scheduled ??= setImmediate(() => this.flush());
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    while (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, maxBatch));
  }

  #commit(writes: readonly Write[]): void {
    if (writes.length > 1) {
      let results: unknown[];
      try {
        // `immediate`: a read that becomes a write could not be retried.
        results = this.#many.immediate(writes);
      } catch {
        // One of them failed, and all were rolled back: each for itself, so that only that one fails.
        for (const write of writes) this.#commitOne(write);
        return;
      }
      writes.forEach(({ resolve }, index) => resolve(results[index]));
      return;
    }
    for (const write of writes) this.#commitOne(write);
  }

  #commitOne({ work, resolve, reject }: Write): void {
    try {
      // libsql lets statements outlive their connection, so a closed store must refuse by itself.
      if (!this.#database.open) throw new Error('The store is closed.');
      resolve(this.#one.immediate(work));
    } catch (error) {
      reject(error);
    }
  }
}
