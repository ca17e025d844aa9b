/** Stops reading from a peer that does not read what we send, and disconnects it after a while. */

/** A connection, as far as it matters here. */
export interface Outlet {
  /** Bytes that wait to be sent. */
  readonly waitingBytes: number;
  /** Reads no more, until `resume`. */
  pause(): void;
  resume(): void;
  /** Cuts the peer off. */
  drop(): void;
}

/** While more than this waits, nothing is read: whoever does not read our answers asks nothing more. */
const pauseAboveBytes = 65_536;

/** Owns a timer while something waits; `close` ends it. */
export class BackPressure {
  readonly #outlet: Outlet;
  readonly #stalledMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;

  /** `stalledMs`: a peer that takes nothing for so long is dropped. */
  constructor(outlet: Outlet, stalledMs: number) {
    this.#outlet = outlet;
    this.#stalledMs = stalledMs;
  }

  /** Something was handed to the connection. */
  written(): void {
    const { waitingBytes } = this.#outlet;
    if (waitingBytes === 0) return;
    this.#timer ??= setTimeout(() => this.#outlet.drop(), this.#stalledMs);
    if (this.#isPaused || waitingBytes <= pauseAboveBytes) return;
    this.#isPaused = true;
    this.#outlet.pause();
  }

  /** The peer, or its kernel, took something. */
  taken(): void {
    const { waitingBytes } = this.#outlet;
    if (waitingBytes === 0) this.close();
    else this.#timer?.refresh();
    if (!this.#isPaused || waitingBytes > pauseAboveBytes) return;
    this.#isPaused = false;
    this.#outlet.resume();
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
