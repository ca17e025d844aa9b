/** A short tone for the phones of a session when somebody joins it or leaves it, as conference callers know it. */
import type { Clock, Timer } from '../clock.js';
import type { LegObserver } from '../legs/live-leg.js';
import type { LegRegistry } from '../legs/leg-registry.js';
import type { LiveLeg } from '../legs/live-leg.js';
import { playTwoNotes } from '../legs/two-notes.js';
import type { Outcome } from '../outcome.js';

export interface JoinTonesOptions {
  readonly legs: Pick<LegRegistry, 'inSession'>;
  readonly clock: Clock;
  readonly onJoin: boolean;
  readonly onLeave: boolean;
}

/** After a tone the session hears no other for this long: many who come at once are one tone, and no tone waits for its turn. */
const pauseMs = 1000;

export class JoinTones implements LegObserver {
  readonly #options: JoinTonesOptions;
  /** Run by session until its next tone may sound, and its second note; those of a session that is gone end by themselves. */
  readonly #pauses = new Map<string, readonly Timer[]>();
  #isClosed = false;

  constructor(options: JoinTonesOptions) {
    this.#options = options;
  }

  legEntered(leg: LiveLeg): void {
    if (this.#options.onJoin) this.#sound(leg, 'rising');
  }

  legLeft(leg: LiveLeg, { reason }: Outcome): void {
    // Then everybody leaves, and there is nobody to tell.
    if (reason === 'session-deleted' || reason === 'gateway-stopping') return;
    if (this.#options.onLeave) this.#sound(leg, 'falling');
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [...this.#pauses.values()].flat()) timer.cancel();
    this.#pauses.clear();
  }

  /** Only the others hear it: whoever joins hears their voices or the hold sound, and knows that it is in. */
  #sound(about: LiveLeg, direction: 'rising' | 'falling'): void {
    const { legs, clock } = this.#options;
    const { sessionId } = about.participant;
    if (this.#isClosed || sessionId === null || this.#pauses.has(sessionId)) return;
    const phones = legs.inSession(sessionId).filter((leg) => leg !== about && leg.kind === 'phone');
    if (phones.length === 0) return;
    this.#pauses.set(sessionId, [
      playTwoNotes(phones, direction, clock),
      clock.after(pauseMs, () => this.#pauses.delete(sessionId)),
    ]);
  }
}
