/** Slows the guessing of join codes, PINs and passwords: after so many failures of a source, none are looked up until the minute is over. */
import type { Clock } from '../clock.js';
import { ownText } from '../own-text.js';

/**
 * Wrong guesses, counted by where they come from. A guess is counted before it is looked up, so that many at the same moment are
 * no more than the limit, and given back where it was right. May be asynchronous, so that several nodes can share one count.
 */
export interface Guesses {
  /**
   * Takes one of the source's guesses; every one that was granted is settled. Resolves with false where too many were wrong: not
   * even a right one is to be looked up now. Waits while it depends on others of the source that are being looked up.
   */
  take(source: string): boolean | Promise<boolean>;
  /** What became of a guess that was granted. */
  settle(source: string, wasRight: boolean): void | Promise<void>;
}

export interface GuessLimits {
  readonly maxFailuresPerMinute: number;
  /** Sources remembered at once; the oldest is forgotten first. */
  readonly maxSources: number;
}

const windowMs = 60_000;

interface SourceGuesses {
  since: number;
  failures: number;
  /** Being looked up. */
  open: number;
  readonly waiting: ((isGranted: boolean) => void)[];
}

/** Counts the guesses that reach this process. */
export class GuessLimiter implements Guesses {
  readonly #limits: GuessLimits;
  readonly #clock: Clock;
  readonly #sources = new Map<string, SourceGuesses>();

  constructor(limits: GuessLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Whether the source may not guess now. For guesses that are looked up at once and so need not be taken: see `failed`. */
  isBlocked(source: string): boolean {
    const guesses = this.#current(source);
    return guesses !== null && guesses.failures >= this.#limits.maxFailuresPerMinute;
  }

  /** Counts a wrong guess that was not taken but looked up at once. */
  failed(source: string): void {
    this.#count(this.#current(source) ?? this.#remember(source));
  }

  take(source: string): boolean | Promise<boolean> {
    const guesses = this.#current(source) ?? this.#remember(source);
    const { maxFailuresPerMinute } = this.#limits;
    if (guesses.failures >= maxFailuresPerMinute) return false;
    if (guesses.failures + guesses.open >= maxFailuresPerMinute)
      return new Promise((resolve) => guesses.waiting.push(resolve));
    guesses.open += 1;
    return true;
  }

  settle(source: string, wasRight: boolean): void {
    const guesses = this.#sources.get(source);
    // Forgotten meanwhile: then it has been counted long enough.
    if (guesses === undefined || guesses.open === 0) return;
    guesses.open -= 1;
    if (!wasRight) this.#count(guesses);
    const { maxFailuresPerMinute } = this.#limits;
    while (guesses.waiting.length > 0 && guesses.failures + guesses.open < maxFailuresPerMinute) {
      guesses.open += 1;
      guesses.waiting.shift()?.(true);
    }
    if (guesses.failures >= maxFailuresPerMinute)
      for (const refuse of guesses.waiting.splice(0)) refuse(false);
    if (guesses.failures === 0 && guesses.open === 0) this.#sources.delete(source);
  }

  #count(guesses: SourceGuesses): void {
    if (guesses.failures === 0) guesses.since = this.#clock.now();
    guesses.failures += 1;
  }

  /** Null where nothing is known of the source, or what was known is over. */
  #current(source: string): SourceGuesses | null {
    const guesses = this.#sources.get(source);
    if (guesses === undefined) return null;
    if (guesses.failures === 0 || this.#clock.now() - guesses.since < windowMs) return guesses;
    guesses.failures = 0;
    if (guesses.open > 0) return guesses;
    this.#sources.delete(source);
    return null;
  }

  #remember(source: string): SourceGuesses {
    const guesses: SourceGuesses = { since: this.#clock.now(), failures: 0, open: 0, waiting: [] };
    this.#sources.set(ownText(source), guesses);
    if (this.#sources.size > this.#limits.maxSources) {
      for (const [oldest, { open }] of this.#sources) {
        // Those that are being looked up are few, and others may wait for them.
        if (open > 0 || oldest === source) continue;
        this.#sources.delete(oldest);
        break;
      }
    }
    return guesses;
  }
}
