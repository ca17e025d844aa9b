import type Database from 'libsql';
import { immediately } from './transaction.js';

interface Write {
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes of one transaction at most, so that the event loop is not held up for long. */
const maxBatch = 256;

/** What became of one write of a commit. */
type Settle = () => void;

/**
 * Commits together what is written in one turn of the event loop: requests that come at the same time share one commit,
 * and one sync of the disk. Each promise settles after the commit, and after the sync where there is one, in the order of
 * the writes. A write is atomic and isolated as if it were alone.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  readonly #waiting: Write[] = [];
  readonly #sync: (() => Promise<void>) | null;
  #scheduled: NodeJS.Immediate | null = null;
  #syncing: Promise<void> = Promise.resolve();

  /** @param sync Makes what was committed last; without one a commit settles at once. */
  constructor(database: Database.Database, sync: (() => Promise<void>) | null = null) {
    this.#sync = sync;
    this.#database = database;
  }

  /** The work reads and writes as it likes, and may be run twice: the first time for nothing. Rejects with what it throws. */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (result: unknown) => void, reject });
      this.#scheduled ??= setImmediate(() => void this.flush());
    });
  }

  /** Commits what waits, now; resolves when all of it has settled. */
  flush(): Promise<void> {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    while (this.#waiting.length > 0) {
      const writes = this.#waiting.splice(0, maxBatch);
      this.#settle(writes, this.#commit(writes));
    }
    return this.#syncing;
  }

  #settle(writes: readonly Write[], settles: readonly Settle[]): void {
    if (this.#sync === null) {
      for (const settle of settles) settle();
      return;
    }
    this.#syncing = this.#sync().then(
      () => settles.forEach((settle) => settle()),
      (error: unknown) => writes.forEach(({ reject }) => reject(error)),
    );
  }

  #commit(writes: readonly Write[]): Settle[] {
    if (writes.length > 1) {
      try {
        const results = immediately(this.#database, () => writes.map(({ work }) => work()));
        return writes.map(
          ({ resolve }, index) =>
            () =>
              resolve(results[index]),
        );
      } catch {
        // One of them failed, and all were rolled back: each for itself, so that only that one fails.
      }
    }
    return writes.map((write) => this.#commitOne(write));
  }

  #commitOne({ work, resolve, reject }: Write): Settle {
    try {
      // libsql lets statements outlive their connection, so a closed store must refuse by itself.
      if (!this.#database.open) throw new Error('The store is closed.');
      const result = immediately(this.#database, work);
      return () => resolve(result);
    } catch (error) {
      return () => reject(error);
    }
  }
}
