/** Keeps the session timer of a call behind a drachtio-server: refreshes the call in time, or finds that the phone does not. */
import type { Clock, Timer } from '../../domain/clock.js';
import { refreshAfterMs, type SessionTimer } from './session-timer.js';

export interface SessionKeeperOptions {
  readonly clock: Clock;
  /** The call is to be refreshed now; it goes on whatever becomes of that. */
  readonly onDue: () => void;
  /** The far end was to refresh it, and has not. */
  readonly onExpired: () => void;
}

/** We wait so much longer than the SIP server, which knows of the far end's refresh before we do. */
const spareSeconds = 5;

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  #current: SessionTimer | null = null;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  /** What runs; null where nothing does. */
  get current(): SessionTimer | null {
    return this.#current;
  }

  /** This runs from now on. */
  begin(timer: SessionTimer | null): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#current = timer;
    if (timer === null || this.#isClosed) return;
    const { clock, onDue, onExpired } = this.#options;
    this.#timer = timer.isOurs
      ? clock.after(refreshAfterMs(timer), () => {
          this.begin(timer);
          onDue();
        })
      : clock.after((timer.seconds + spareSeconds) * 1000, onExpired);
  }

  close(): void {
    this.#isClosed = true;
    this.begin(null);
  }
}
