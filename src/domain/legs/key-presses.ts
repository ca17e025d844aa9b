/** Presses of one leg: those that come twice, in its media and by its signalling, as phones set to "both" send them; and too many. */
import type { Clock } from '../clock.js';

/** `media`: told when the key was let go. `signalling`: when it was pressed or let go, and some time later where a request got lost. */
export type KeySource = 'media' | 'signalling';

interface Told {
  readonly source: KeySource;
  readonly digit: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

/** How far the two may be apart: a request that was lost twice (RFC 3261: sent again after 0.5 and 1.5 s) and what the ways differ by. */
const apartMs = 2000;
/** As long as a press may be for the other way's word to be known as its own. */
const longestPressMs = 60_000;
/** At most so many presses are remembered: within so short a time nobody presses more. */
const maxTold = 64;

/**
 * Says which presses are new. Each is matched with at most one of the other source, oldest first, so that two presses of one
 * key that come by both ways are two; those of one source are never matched with each other.
 */
export class KeyPresses {
  readonly #clock: Clock;
  readonly #maxPerSecond: number;
  #told: Told[] = [];
  /** Presses that may still come at once, at `atMs`. */
  #room: number;
  #atMs: number;

  /** `maxPerSecond`: more are no fingers', and each is a fact to be kept and told. Twice as many may come at once. */
  constructor(clock: Clock, maxPerSecond = 20) {
    this.#clock = clock;
    this.#maxPerSecond = maxPerSecond;
    this.#room = 2 * maxPerSecond;
    this.#atMs = clock.now();
  }

  /** False where the other source told of it already, and where there are too many. */
  isNew(source: KeySource, digit: string, durationMs: number): boolean {
    const endedMs = this.#clock.now();
    const earned = ((endedMs - this.#atMs) / 1000) * this.#maxPerSecond;
    this.#room = Math.min(2 * this.#maxPerSecond, this.#room + Math.max(0, earned));
    this.#atMs = endedMs;
    if (this.#room < 1) return false;
    // What stands before our media may pass a press on only when it is over, which takes its length once more.
    const lengths = source === 'media' ? 2 : 1;
    const press = { source, digit, beganMs: endedMs - lengths * durationMs, endedMs };
    const twin = this.#told.findIndex((told) => told.source !== source && isSame(told, press));
    if (twin !== -1) {
      this.#told.splice(twin, 1);
      return false;
    }
    this.#told = this.#told.filter((told) => endedMs - told.endedMs < longestPressMs).slice(1 - maxTold);
    this.#told.push(press);
    this.#room -= 1;
    return true;
  }
}

function isSame(told: Told, press: Told): boolean {
  if (told.digit !== press.digit) return false;
  return press.beganMs - told.endedMs < apartMs && told.beganMs - press.endedMs < apartMs;
}
