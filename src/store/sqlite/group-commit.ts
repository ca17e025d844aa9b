/** Shares one commit among the writes of one turn of the event loop. */
import type Database from 'libsql';
import { immediately } from './transaction.js';

interface Write {
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes of one transaction at most, so that the event loop is not held up for long. */
const maxBatch = 256;

/**
 * Commits together what is written in one turn of the event loop: requests that come at the same time share one commit.
 * Each promise settles after the commit, in the order of the writes. A write is atomic and isolated as if it were alone.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  readonly #waiting: Write[] = [];
  readonly #onCommitted: () => void;
  #scheduled: NodeJS.Immediate | null = null;

  /** @param onCommitted Called after each commit, before its writes settle. */
  constructor(database: Database.Database, onCommitted: () => void = () => undefined) {
    this.#database = database;
    this.#onCommitted = onCommitted;
  }

  /** `work` may run twice, the first time rolled back: it must change nothing but the database. Rejects with what it throws. */
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
      let results: unknown[] | null = null;
      try {
        results = immediately(this.#database, () => writes.map(({ work }) => work()));
      } catch {
        // One of them failed, and all were rolled back: each is run alone, so that only that one fails.
      }
      if (results !== null) {
        this.#onCommitted();
        for (const [index, { resolve }] of writes.entries()) resolve(results[index]);
        return;
      }
    }
    for (const write of writes) this.#commitOne(write);
  }

  #commitOne({ work, resolve, reject }: Write): void {
    try {
      // libsql lets statements outlive their connection, so a closed store must refuse by itself.
      if (!this.#database.open) throw new Error('The store is closed.');
      const result = immediately(this.#database, work);
      this.#onCommitted();
      resolve(result);
    } catch (error) {
      reject(error);
    }
  }
}
