/**
 * Keeps room for newcomers while somebody holds connections that come to nothing. Where there are as many as there may be, of one
 * source or in all, one goes for each that comes:
 *
 *   1. one that has brought no SIP message, the oldest first;
 *   2. one that has brought messages of which none was accepted, the longest silent first;
 *   3. one over which a call or a registration went, and goes no longer, the longest silent first.
 *
 * Never one in use, and never one that we opened: where there is no other, the newcomer is turned away.
 */
import type { Standing } from './transport.js';

export interface RoomLimits {
  /** Open at once. */
  readonly maxConnections: number;
  /** Open at once of one source. */
  readonly maxConnectionsPerAddress: number;
  /** Whom an address counts as. Default: itself. */
  readonly sourceOf?: ((address: string) => string) | undefined;
}

export interface ConnectionRoomOptions<Connection> extends RoomLimits {
  readonly standingOf: (connection: Connection) => Standing;
  /** Cuts one off. It is no longer counted by then. */
  readonly evict: (connection: Connection) => void;
}

/** What a connection has shown so far. */
const silent = 0;
const stranger = 1;
const known = 2;
type Rank = typeof silent | typeof stranger | typeof known;

interface Entry {
  readonly source: string;
  /** Null where we opened the connection: it stands in no row, and never has to go. */
  rank: Rank | null;
}

/** Connections by rank; in each row the one that is to go first stands first. */
class Rows<Connection> {
  readonly all: readonly [Set<Connection>, Set<Connection>, Set<Connection>] = [
    new Set(),
    new Set(),
    new Set(),
  ];
  size = 0;
}

/**
 * How many connections are asked whether they are in use: a newcomer shall cost no search through thousands. Those asked come last
 * the next time.
 */
const maxLooks = 256;

export class ConnectionRoom<Connection> {
  readonly #options: ConnectionRoomOptions<Connection>;
  readonly #entries = new Map<Connection, Entry>();
  readonly #rows = new Rows<Connection>();
  readonly #bySource = new Map<string, Rows<Connection>>();

  constructor(options: ConnectionRoomOptions<Connection>) {
    this.#options = options;
  }

  /** Makes room for one more from this address. False where there is none to be had. */
  makeRoom(address: string): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#options;
    const ofSource = this.#bySource.get(this.#sourceOf(address));
    if (ofSource !== undefined && ofSource.size >= maxConnectionsPerAddress && !this.#evictOf(ofSource))
      return false;
    return this.#rows.size < maxConnections || this.#evictOf(this.#rows);
  }

  /** Counts it. `address`: the peer's. `isOurs`: we opened it. */
  add(connection: Connection, address: string, isOurs = false): void {
    const source = this.#sourceOf(address);
    const ofSource = this.#bySource.get(source) ?? new Rows();
    this.#bySource.set(source, ofSource);
    this.#entries.set(connection, { source, rank: isOurs ? null : silent });
    for (const rows of [this.#rows, ofSource]) {
      rows.size += 1;
      if (!isOurs) rows.all[silent].add(connection);
    }
  }

  /** It brought a SIP message: of its like it is the last to go. */
  heard(connection: Connection): void {
    const rank = this.#entries.get(connection)?.rank ?? null;
    if (rank !== null) this.#place(connection, rank === silent ? stranger : rank);
  }

  /** It is gone. Idempotent. */
  remove(connection: Connection): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    const ofSource = this.#bySource.get(entry.source);
    for (const rows of [this.#rows, ofSource]) {
      if (rows === undefined) continue;
      rows.size -= 1;
      if (entry.rank !== null) rows.all[entry.rank].delete(connection);
    }
    if (ofSource?.size === 0) this.#bySource.delete(entry.source);
  }

  #sourceOf(address: string): string {
    return this.#options.sourceOf?.(address) ?? address;
  }

  #evictOf(rows: Rows<Connection>): boolean {
    let looks = 0;
    for (const rank of [silent, stranger, known] as const) {
      // Whoever is put at the end of the row meanwhile has been looked at.
      let left = rows.all[rank].size;
      for (const connection of rows.all[rank]) {
        if (left === 0) break;
        left -= 1;
        looks += 1;
        if (looks > maxLooks) return false;
        const standing = this.#options.standingOf(connection);
        if (mayGo(standing, rank)) {
          this.remove(connection);
          this.#options.evict(connection);
          return true;
        }
        this.#place(connection, known);
      }
    }
    return false;
  }

  /** Puts it at the end of this row. */
  #place(connection: Connection, rank: Rank): void {
    const entry = this.#entries.get(connection);
    if (entry?.rank === undefined || entry.rank === null) return;
    for (const rows of [this.#rows, this.#bySource.get(entry.source)]) {
      rows?.all[entry.rank].delete(connection);
      rows?.all[rank].add(connection);
    }
    entry.rank = rank;
  }
}

/** What a connection has become is found out when it matters: it may stand in a row too low. */
function mayGo(standing: Standing, rank: Rank): boolean {
  return standing === 'stranger' || (standing === 'known' && rank === known);
}
