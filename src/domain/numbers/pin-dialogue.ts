/**
 * Asks the caller of a plain SIP call for a PIN, and puts it into the PIN's session.
 *
 *   waiting ──established──► listening ──# or pause──► checking ──right──► over: in the session, and told so by two notes
 *                             ▲      │                  │    │
 *                             └──────┼──────wrong───────┘    │ wrong for the last time, or guessed too often,
 *                                    └──time is over──┐      │ or the session takes nobody
 *                                                     ▼      ▼
 *                                                     leaving ──said goodbye──► the call is ended: `pin-refused`
 *
 * From any state: over, where the leg has ended, or an application put it into a session.
 */
import type { Clock, Timer } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { AttendedLeg, LegAttendant } from '../legs/leg-attendant.js';
import { playTwoNotes } from '../legs/two-notes.js';
import type { Logger } from '../logger.js';
import type { PromptName } from '../media-plane.js';
import type { PinVerdict } from './pin-checker.js';

export interface PinDialogueLimits {
  /** Wrong PINs before the call is ended. */
  readonly maxTries: number;
  /** How long all tries together may take, from the answer. */
  readonly timeoutMs: number;
}

export interface PinDialogueOptions {
  readonly check: (digits: string) => Promise<PinVerdict>;
  /** Puts the caller into the session. Throws DomainError where it takes nobody. */
  readonly enter: (sessionId: string) => Promise<void>;
  /** Deletes the caller's participant: the caller is gone. */
  readonly remove: () => Promise<void>;
  /** How many digits a PIN has; null where they differ. */
  readonly pinLength: number | null;
  readonly clock: Clock;
  /** Is never given a digit. */
  readonly logger: Logger;
  readonly limits: PinDialogueLimits;
}

/** A pause of this length after a digit is as good as the pound key. */
const pauseMs = 5000;
/** The same where there are as many digits as a PIN has: long enough to take a pound key that is pressed out of habit. */
const pauseAtLengthMs = 1000;
/** How long the caller may be silent before the question is asked again. */
const repeatAfterMs = 4000;
/** As long as saying goodbye takes, and a moment more. */
const goodbyeMs = 1500;
/** Nothing is said sooner after the answer: carriers open the way to the caller only then, and cut off the first words. */
const leadInMs = 500;
/** One more than the longest PIN has: what is longer is wrong, and need not be kept. */
const maxDigits = 13;

export class PinDialogue implements LegAttendant {
  readonly #options: PinDialogueOptions;
  #state: 'waiting' | 'listening' | 'checking' | 'leaving' | 'over' = 'waiting';
  #leg: AttendedLeg | null = null;
  #digits = '';
  /** A key is told when it is let go: until then no pause runs. */
  #isKeyHeld = false;
  #wrong = 0;
  #deadline: Timer | null = null;
  #isLate = false;
  /** Runs while digits are keyed in, and while goodbye is said. */
  #timer: Timer | null = null;
  /** Runs until the first words may be said, or the second note that says that one is in. */
  #sound: Timer | null = null;

  constructor(options: PinDialogueOptions) {
    this.#options = options;
  }

  legEstablished(leg: AttendedLeg): void {
    if (this.#state !== 'waiting') return;
    const { clock, limits } = this.#options;
    this.#leg = leg;
    this.#deadline = clock.after(limits.timeoutMs, () => {
      this.#isLate = true;
      if (this.#state === 'listening') this.#leave('timeout');
    });
    this.#ask('pin');
  }

  keyPressed(digit: string): void {
    if (this.#state !== 'listening') return;
    if (/^\d$/.test(digit)) {
      if (this.#digits === '') this.#say('quiet', null);
      if (this.#digits.length < maxDigits) this.#digits += digit;
      this.#awaitKey();
    } else if (digit === '*') this.#ask('pin');
    // Alone it is no guess: it may be a late end of the digits before.
    else if (digit === '#' && this.#digits !== '') void this.#check();
  }

  keyDown(): void {
    this.#isKeyHeld = true;
    if (this.#state === 'listening') this.#timer?.cancel();
  }

  keyUp(): void {
    this.#isKeyHeld = false;
    if (this.#state === 'listening') this.#awaitKey();
  }

  legEntered(): void {
    const wasAsked = this.#state !== 'waiting';
    this.#end();
    if (wasAsked && this.#leg !== null)
      this.#sound = playTwoNotes([this.#leg], 'rising', this.#options.clock);
  }

  async legEnded(): Promise<void> {
    this.#end();
    try {
      await this.#options.remove();
    } catch (error) {
      // An application may have deleted it, which ended the call; what else remains is deleted as abandoned.
      if (error instanceof DomainError && error.code === 'participant-not-found') return;
      this.#options.logger.warn({ err: error }, 'the participant of an ended call could not be deleted');
    }
  }

  /** The pause after which the digits are a PIN begins, where there are any and no key is held. */
  #awaitKey(): void {
    if (this.#digits === '' || this.#isKeyHeld) return;
    const isWhole = this.#digits.length === this.#options.pinLength;
    this.#after(isWhole ? pauseAtLengthMs : pauseMs, () => void this.#check());
  }

  /** That the last one was wrong is said once: whoever says nothing then is asked as if for the first time. */
  #ask(sound: 'pin' | 'pin-wrong'): void {
    this.#state = 'listening';
    this.#digits = '';
    this.#timer?.cancel();
    this.#say(sound, repeatAfterMs);
  }

  /** Nothing else is heard from now on; words not before the lead-in is over. */
  #say(sound: PromptName, againAfterMs: number | null): void {
    const { clock } = this.#options;
    const leg = this.#leg;
    if (leg === null) return;
    this.#sound?.cancel();
    const say = () => leg.prompt(sound, againAfterMs, 'pin');
    const leftMs = Math.min(leadInMs, (leg.answeredAt ?? 0) + leadInMs - clock.now());
    if (leftMs <= 0 || sound === 'quiet') {
      say();
      return;
    }
    leg.prompt('quiet', null);
    this.#sound = clock.after(leftMs, say);
  }

  /** Never rejects. */
  async #check(): Promise<void> {
    const { check, enter, limits, logger } = this.#options;
    const digits = this.#digits;
    this.#digits = '';
    this.#timer?.cancel();
    this.#state = 'checking';
    try {
      const verdict = await check(digits);
      if (!this.#isChecking()) return;
      if (verdict.result === 'right') {
        await enter(verdict.sessionId);
        return;
      }
      if (verdict.result === 'too-many-guesses') {
        this.#leave(verdict.result);
        return;
      }
      this.#wrong += 1;
      if (this.#wrong >= limits.maxTries) this.#leave('wrong');
      else if (this.#isLate) this.#leave('timeout');
      else this.#ask('pin-wrong');
    } catch (error) {
      if (!this.#isChecking()) return;
      const isExpected = error instanceof DomainError && error.code !== 'store-unavailable';
      if (!isExpected) logger.warn({ err: error }, 'a PIN could not be checked');
      this.#leave(isExpected ? error.code : 'failed');
    }
  }

  /** A method, so that it is read anew after an await. */
  #isChecking(): boolean {
    return this.#state === 'checking';
  }

  #leave(why: string): void {
    this.#state = 'leaving';
    this.#deadline?.cancel();
    this.#options.logger.info({ why }, 'a caller was not let in');
    this.#say('goodbye', null);
    this.#after(goodbyeMs, () => void this.#leg?.terminate({ endedBy: 'gateway', reason: 'pin-refused' }));
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, callback);
  }

  #end(): void {
    this.#state = 'over';
    this.#digits = '';
    this.#deadline?.cancel();
    this.#timer?.cancel();
    this.#sound?.cancel();
  }
}
