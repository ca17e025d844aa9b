/** A short tone for the phones of a session when somebody joins it or leaves it, as conference callers know it. */
import type { Clock, Timer } from '../clock.js';
import type { LegObserver } from '../legs/live-leg.js';
import type { LegRegistry } from '../legs/leg-registry.js';
import type { LiveLeg } from '../legs/live-leg.js';
import type { ToneSound } from '../media-plane.js';
import type { Outcome } from '../outcome.js';

export interface JoinTonesOptions {
  readonly legs: Pick<LegRegistry, 'inSession'>;
  readonly clock: Clock;
  readonly onJoin: boolean;
  readonly onLeave: boolean;
}

const noteMs = 120;
/** After a tone the session hears no other for this long: many who come at once are one tone, and no tone waits for its turn. */
const pauseMs = 1000;
const lowHz = 440;
const highHz = 660;

export class JoinTones implements LegObserver {
  readonly #options: JoinTonesOptions;
  /** Run by session until its next tone may sound; the one of a session that is gone ends by itself. */
  readonly #pauses = new Map<string, Timer>();
  /** Run until the second note of a tone. */
  readonly #notes = new Set<Timer>();
  #isClosed = false;

  constructor(options: JoinTonesOptions) {
    this.#options = options;
  }

  legEntered(leg: LiveLeg): void {
    if (this.#options.onJoin) this.#sound(leg, [lowHz, highHz]);
  }

  legLeft(leg: LiveLeg, { reason }: Outcome): void {
    // Then everybody leaves, and there is nobody to tell.
    if (reason === 'session-deleted' || reason === 'gateway-stopping') return;
    if (this.#options.onLeave) this.#sound(leg, [highHz, lowHz]);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [...this.#pauses.values(), ...this.#notes]) timer.cancel();
    this.#pauses.clear();
    this.#notes.clear();
  }

  /** Only the others hear it: whoever joins hears their voices, and knows that it is in. */
  #sound(about: LiveLeg, [first, second]: readonly [number, number]): void {
    const { legs, clock } = this.#options;
    const { sessionId } = about.participant;
    if (this.#isClosed || sessionId === null || this.#pauses.has(sessionId)) return;
    const phones = legs.inSession(sessionId).filter((leg) => leg !== about && leg.kind === 'phone');
    if (phones.length === 0) return;
    this.#pauses.set(
      sessionId,
      clock.after(pauseMs, () => this.#pauses.delete(sessionId)),
    );
    for (const phone of phones) phone.tone(note(first));
    const timer = clock.after(noteMs, () => {
      this.#notes.delete(timer);
      for (const phone of phones) phone.tone(note(second));
    });
    this.#notes.add(timer);
  }
}

function note(frequencyHz: number): ToneSound {
  return { kind: 'tone', frequenciesHz: [frequencyHz], durationMs: noteMs, levelDb: -20 };
}
