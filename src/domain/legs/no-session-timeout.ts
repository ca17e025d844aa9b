/** Ends phones that are in no session for too long. Browsers may stay, and so may a leg that an attendant looks after. */
import type { Clock, Timer } from '../clock.js';
import type { LiveLeg } from './live-leg.js';

export class NoSessionTimeout {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #timers = new Map<LiveLeg, Timer>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The leg is without a session from now on. */
  start(leg: LiveLeg): void {
    this.cancel(leg);
    if (leg.kind !== 'phone' || leg.isAttended) return;
    const timer = this.#clock.after(this.#timeoutMs, () => {
      void leg.terminate({ endedBy: 'gateway', reason: 'no-session' });
    });
    this.#timers.set(leg, timer);
  }

  /** The leg is in a session, or has ended. */
  cancel(leg: LiveLeg): void {
    this.#timers.get(leg)?.cancel();
    this.#timers.delete(leg);
  }
}
