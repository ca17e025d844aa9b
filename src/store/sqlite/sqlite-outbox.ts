/** The outbox in SQLite. Only this process writes it (the data directory is locked), so its size is counted in memory. */
import type { Activity, Outbox, OutboxEntry, OutboxLane, WaitingEntry } from '../../domain/facts/outbox.js';
import { RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const entryRows = new RowMapping<WaitingEntry>('outbox', {
  position: 'position',
  eventId: 'event_id',
  accountId: 'account_id',
  receiver: 'receiver',
  lane: 'lane',
  body: 'body',
  createdAt: 'created_at',
  attempts: 'attempts',
});

/** Entries kept at most, unless told otherwise. */
const defaultMaxEntries = 100_000;

export class SqliteOutbox implements Outbox {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #maxEntries: number;
  #size: number;

  constructor(connection: SqliteConnection, maxEntries = defaultMaxEntries) {
    this.#connection = connection;
    this.#sql = prepare(connection);
    this.#maxEntries = maxEntries;
    this.#size = (this.#sql.count.get() as { entries: number }).entries;
  }

  get size(): number {
    return this.#size;
  }

  async append(entries: readonly OutboxEntry[], activity: readonly Activity[]): Promise<number> {
    const dropped = await this.#connection.writeDurably(() => {
      for (const { eventId, accountId, receiver, lane, body, createdAt } of entries) {
        this.#sql.insert.run(eventId, accountId, receiver, lane, body, createdAt);
      }
      for (const { id, of, sequence, changedAt, isGone } of activity) {
        if (isGone) this.#sql.forget.run(id);
        else this.#sql.note.run(id, of, sequence, changedAt);
      }
      return this.#makeRoom(this.#size + entries.length - this.#maxEntries);
    });
    // Only what was committed counts.
    this.#size += entries.length - dropped;
    return dropped;
  }

  lanes(): Promise<readonly OutboxLane[]> {
    return this.#connection.read(() => this.#sql.lanes.all() as OutboxLane[]);
  }

  next({ receiver, lane }: OutboxLane): Promise<WaitingEntry | null> {
    return this.#connection.read(() => entryRows.read(this.#sql.next.get(receiver, lane)));
  }

  async remove(position: number): Promise<void> {
    await this.#connection.run(() => this.#counted(this.#sql.remove.run(position).changes));
  }

  async failed(position: number): Promise<void> {
    await this.#connection.run(() => this.#sql.failed.run(position));
  }

  removeReceiver(receiver: string): Promise<number> {
    return this.#connection.run(() => this.#counted(this.#sql.removeReceiver.run(receiver).changes));
  }

  sequences(): Promise<ReadonlyMap<string, number>> {
    return this.#connection.read(() => {
      const rows = this.#sql.sequences.all() as { id: string; sequence: number }[];
      return new Map(rows.map(({ id, sequence }) => [id, sequence]));
    });
  }

  /** Counted at once, not when the disk has it: an append that follows must not find the outbox fuller than it is. */
  #counted(removed: number): number {
    this.#size -= removed;
    return removed;
  }

  /** Drops the oldest entries of one receiver after another, first of the one that has failed for longest. */
  #makeRoom(excess: number): number {
    let dropped = 0;
    while (dropped < excess) {
      const victim = (this.#sql.longestFailing.get() ?? this.#sql.oldest.get()) as
        | { receiver: string }
        | undefined;
      if (victim === undefined) break;
      dropped += this.#sql.removeOldest.run(victim.receiver, excess - dropped).changes;
    }
    return dropped;
  }
}

function prepare(connection: SqliteConnection) {
  return {
    count: connection.prepare('SELECT count(*) AS entries FROM outbox'),
    insert: connection.prepare(
      'INSERT INTO outbox (event_id, account_id, receiver, lane, body, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    lanes: connection.prepare(
      'SELECT receiver, lane FROM outbox GROUP BY receiver, lane ORDER BY min(position)',
    ),
    next: connection.prepare(
      'SELECT * FROM outbox WHERE receiver = ? AND lane = ? ORDER BY position LIMIT 1',
    ),
    remove: connection.prepare('DELETE FROM outbox WHERE position = ?'),
    failed: connection.prepare('UPDATE outbox SET attempts = attempts + 1 WHERE position = ?'),
    removeReceiver: connection.prepare('DELETE FROM outbox WHERE receiver = ?'),
    longestFailing: connection.prepare(
      'SELECT receiver FROM outbox WHERE attempts > 0 ORDER BY position LIMIT 1',
    ),
    oldest: connection.prepare('SELECT receiver FROM outbox ORDER BY position LIMIT 1'),
    removeOldest: connection.prepare(
      `DELETE FROM outbox WHERE position IN
         (SELECT position FROM outbox WHERE receiver = ? ORDER BY position LIMIT ?)`,
    ),
    note: connection.prepare(
      `INSERT INTO activity (id, of, sequence, changed_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET sequence = max(sequence, excluded.sequence),
         changed_at = max(changed_at, excluded.changed_at)`,
    ),
    forget: connection.prepare('DELETE FROM activity WHERE id = ?'),
    sequences: connection.prepare('SELECT id, sequence FROM activity WHERE sequence > 0'),
  };
}
