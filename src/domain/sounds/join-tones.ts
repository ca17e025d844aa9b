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
/** Of who comes and goes sooner after another, nothing is heard: many who do are one tone, and none waits for its turn. */
const pauseMs = 1000;
const lowHz = 440;
const highHz = 660;

export class JoinTones implements LegObserver {
  readonly #options: JoinTonesOptions;
  /** Until the session's next tone may sound; the pause of a session that is no more ends by itself. */
  readonly #pauses = new Map<string, Timer>();
  /** Second notes to come. */
  readonly #notes = new Set<Timer>();
  #isClosed = false;

  constructor(options: JoinTonesOptions) {
    this.#options = options;
  }

  legEntered(leg: LiveLeg): void {
    if (this.#options.onJoin) this.#sound(leg, [lowHz, highHz]);
  }

  legLeft(leg: LiveLeg, { reason }: Outcome): void {
    // Everybody leaves then, and nobody is to hear of it.
    if (reason === 'session-deleted' || reason === 'gateway-stopping') return;
    if (this.#options.onLeave) this.#sound(leg, [highHz, lowHz]);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [...this.#pauses.values(), ...this.#notes]) timer.cancel();
    this.#pauses.clear();
    this.#notes.clear();
  }

  /** The others hear it: who joins hears that it is in by the others' voices. */
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
