/** Sends keys to a far end that takes them by signalling only: one after the other, each when the one before was taken. */
import type { Clock, Timer } from '../clock.js';
import { keyTiming } from './key-timing.js';

/** `refused`: the far end refused a key or did not answer. `gone`: the leg has ended. `too-many`: too many requests wait. */
export type KeysOutcome = 'sent' | 'refused' | 'gone' | 'too-many';

interface Request {
  readonly keys: readonly string[];
  readonly durationMs: number;
  readonly resolve: (outcome: KeysOutcome) => void;
}

/** The most requests that may wait for their turn. */
const maxWaiting = 16;

export class SignalledKeys {
  readonly #press: (key: string, durationMs: number) => Promise<boolean>;
  readonly #clock: Clock;
  #requests: Request[] = [];
  #isRunning = false;
  #pause: { readonly timer: Timer; readonly resolve: () => void } | null = null;
  #closed = false;

  constructor(press: (key: string, durationMs: number) => Promise<boolean>, clock: Clock) {
    this.#press = press;
    this.#clock = clock;
  }

  /** Resolves when all keys were taken, or when one was not: then those that wait behind it are not sent either. */
  send(digits: string, durationMs: number): Promise<KeysOutcome> {
    return new Promise((resolve) => {
      if (this.#closed) return resolve('gone');
      if (this.#requests.length >= maxWaiting) return resolve('too-many');
      this.#requests.push({ keys: Array.from(digits), durationMs, resolve });
      if (!this.#isRunning) void this.#run();
    });
  }

  close(): void {
    this.#closed = true;
    this.#pause?.timer.cancel();
    this.#pause?.resolve();
    this.#settleAll('gone');
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (;;) {
      const [request] = this.#requests;
      if (request === undefined) break;
      const isTaken = await this.#sendAll(request);
      if (this.#closed) return;
      if (!isTaken) this.#settleAll('refused');
      else {
        this.#requests.shift();
        request.resolve('sent');
      }
    }
    this.#isRunning = false;
  }

  async #sendAll({ keys, durationMs }: Request): Promise<boolean> {
    for (const key of keys) {
      const isPause = key === ',';
      if (!isPause && !(await this.#press(key, durationMs))) return false;
      if (this.#closed) return false;
      // The far end may play each key for as long as it was pressed.
      await this.#wait(isPause ? keyTiming.pauseMs : durationMs + keyTiming.gapMs);
      if (this.#closed) return false;
    }
    return true;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#pause = { timer: this.#clock.after(delayMs, resolve), resolve };
    });
  }

  #settleAll(outcome: KeysOutcome): void {
    for (const { resolve } of this.#requests.splice(0)) resolve(outcome);
  }
}
