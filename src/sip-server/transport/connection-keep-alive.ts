/** Keeps a connection that we opened alive, and finds out when it no longer is (RFC 5626 §4.4.1). */

export interface KeepAliveSettings {
  /** The longest time between pings; each comes after 80 to 100 % of it (RFC 5626 §4.4.1). */
  readonly everyMs: number;
  /** A peer that has answered pings before, and does not answer one for so long, is gone. */
  readonly pongMs: number;
}

/** A connection, as far as it matters here. */
export interface KeptConnection {
  /** A call or a registration goes over it. */
  readonly isUsed: boolean;
  ping(): void;
  /** Nobody is there any more. */
  broken(): void;
}

/** Owns the timers of one connection; `close` ends them. */
export class ConnectionKeepAlive {
  readonly #connection: KeptConnection;
  readonly #settings: KeepAliveSettings;
  #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;
  #isPinging = false;
  /** Not every peer knows of pings: only one that has answered some can fail to. */
  #answers = false;

  constructor(connection: KeptConnection, settings: KeepAliveSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#everyMs = settings.everyMs;
    this.#schedule();
  }

  /** Bytes came. `isBreaks`: between messages, and line breaks alone. True where they are the answer to a ping. */
  heard(isBreaks: boolean): boolean {
    const isPong = this.#isPinging && isBreaks;
    if (isPong) this.#answers = true;
    this.#isPinging = false;
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
    return isPong;
  }

  /** The peer wants to be pinged this often at least (RFC 5626 §4.4.1, `Flow-Timer`). What it said once holds. */
  within(ms: number): void {
    if (ms >= this.#everyMs || this.#timer === undefined) return;
    this.#everyMs = ms;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#pongTimer);
    this.#timer = this.#pongTimer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.#schedule();
        if (this.#connection.isUsed) this.#ping();
      },
      this.#everyMs * (0.8 + 0.2 * Math.random()),
    );
  }

  #ping(): void {
    this.#isPinging = true;
    this.#connection.ping();
    if (!this.#answers) return;
    this.#pongTimer ??= setTimeout(() => this.#connection.broken(), this.#settings.pongMs);
  }
}
