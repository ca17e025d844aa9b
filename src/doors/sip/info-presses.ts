/** Whole key presses out of INFO, where phones tell of one when it begins and again when it ends. */
import type { Clock, Timer } from '../../domain/clock.js';
import type { DtmfInfo } from './dtmf-info.js';

/** Who hears of keys. */
export interface InfoPressListener {
  /** A key is held, of which `onPress` tells later. */
  onBegin(): void;
  onPress(digit: string, durationMs: number): void;
}

/** A key that was pressed, and not let go as far as we know. */
interface OpenPress {
  readonly digit: string;
  readonly beganMs: number;
  lastMs: number;
  /** As the phone last said. */
  durationMs: number;
  isTold: boolean;
}

/** How long the end of a press is waited for from a phone of which it is not known whether it sends ends. */
const firstWaitMs = 2000;
/** The same from one that does: INFO is answered, and sent again until it is. */
const longestPressMs = 60_000;
/** What comes sooner after a word of the same key is of the same press: no finger is as quick (ITU-T Q.24: 40 ms each). */
const closestPressesMs = 60;
/** An end without a beginning, from a phone that sends those, is that of the last press, told again so soon. */
const repetitionMs = 1000;
/** Durations from here on may have lost their last digits, or be as long as 16 bits can say. */
const unsureMs = 4096;

/**
 * Calls `onPress` once for each press: at once where the phone tells of it as a whole, else at its end, with the time in
 * between where the phone does not say how long it was. A phone that turns out to tell of beginnings only is not waited for.
 */
export class InfoPresses {
  readonly #listener: InfoPressListener;
  readonly #clock: Clock;
  #open: OpenPress | null = null;
  /** The one before, where another began before its end. */
  #overtaken: OpenPress | null = null;
  /** The last press whose end came, and when. */
  #ended: { readonly digit: string; readonly atMs: number } | null = null;
  /** What the phone sends beside ends; null while that is not known. */
  #sendsEnds: boolean | null = null;
  #sendsBeginnings = false;
  #timer: Timer | null = null;

  constructor(listener: InfoPressListener, clock: Clock) {
    this.#listener = listener;
    this.#clock = clock;
  }

  take({ digit, durationMs, isEnd }: DtmfInfo): void {
    if (isEnd === undefined) {
      this.#tellOpen();
      this.#listener.onPress(digit, durationMs);
    } else if (isEnd) this.#end(digit, durationMs);
    else this.#begin(digit, durationMs);
  }

  close(): void {
    this.#timer?.cancel();
    this.#open = null;
    this.#overtaken = null;
  }

  #begin(digit: string, durationMs: number): void {
    this.#sendsBeginnings = true;
    const nowMs = this.#clock.now();
    const open = this.#open;
    if (open !== null && this.#isUpdate(open, digit, durationMs)) {
      open.durationMs = Math.max(open.durationMs, durationMs);
      open.lastMs = nowMs;
      return;
    }
    if (open !== null) this.#sendsEnds ??= false;
    this.#overtaken = open;
    this.#tellOpen();
    this.#open = { digit, durationMs, beganMs: nowMs, lastMs: nowMs, isTold: false };
    if (this.#sendsEnds === false) this.#tell(this.#open, durationMs);
    else {
      this.#timer = this.#clock.after(this.#sendsEnds === null ? firstWaitMs : longestPressMs, this.#expire);
      this.#listener.onBegin();
    }
  }

  /** The request tells again of a press that lasts. A phone that may send no ends tells so only of a press that lasts since its beginning. */
  #isUpdate(open: OpenPress, digit: string, durationMs: number): boolean {
    if (open.digit !== digit) return false;
    const nowMs = this.#clock.now();
    if (nowMs - open.lastMs < closestPressesMs) return true;
    const lasts = durationMs > nowMs - open.beganMs - closestPressesMs;
    return durationMs > open.durationMs && (lasts || this.#sendsEnds === true);
  }

  #end(digit: string, durationMs: number): void {
    const nowMs = this.#clock.now();
    const open = this.#open;
    if (open?.digit === digit && nowMs - open.beganMs < longestPressMs) {
      this.#sendsEnds = true;
      this.#open = null;
      const hasGrown = durationMs > open.durationMs && durationMs < unsureMs;
      this.#tell(open, hasGrown ? durationMs : Math.max(durationMs, nowMs - open.beganMs));
    } else if (this.#overtaken?.digit === digit) {
      this.#sendsEnds = true;
      this.#overtaken = null;
    } else if (!this.#isRepeated(digit, nowMs)) {
      this.#tellOpen();
      this.#listener.onPress(digit, durationMs);
    }
    this.#ended = { digit, atMs: nowMs };
  }

  #isRepeated(digit: string, nowMs: number): boolean {
    if (this.#ended?.digit !== digit) return false;
    return nowMs - this.#ended.atMs < (this.#sendsBeginnings ? repetitionMs : closestPressesMs);
  }

  readonly #expire = (): void => {
    this.#sendsEnds ??= false;
    const open = this.#open;
    if (open !== null) this.#tell(open, this.#lengthOf(open));
  };

  /** What has begun and not ended is over where something else comes. */
  #tellOpen(): void {
    const open = this.#open;
    this.#open = null;
    if (open !== null) this.#tell(open, this.#lengthOf(open));
  }

  /** How long a press was whose end did not come. */
  #lengthOf({ durationMs, beganMs, lastMs }: OpenPress): number {
    return durationMs === 0 ? this.#clock.now() - beganMs : Math.max(durationMs, lastMs - beganMs);
  }

  #tell(press: OpenPress, durationMs: number): void {
    this.#timer?.cancel();
    if (press.isTold) return;
    press.isTold = true;
    this.#listener.onPress(press.digit, durationMs);
  }
}
