/** What was opened, and how each of it is closed: in reverse, all of it, whatever goes wrong on the way. */
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';

export interface ClosersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A step that takes so much longer than its own `graceMs` is left behind. Default 10000. */
  readonly stepLimitMs?: number;
}

interface Closer {
  readonly name: string;
  readonly close: () => unknown;
  readonly graceMs: number;
}

const defaultStepLimitMs = 10_000;

export class Closers {
  readonly #options: ClosersOptions;
  readonly #open: Closer[] = [];
  #closing: Promise<readonly string[]> | null = null;

  constructor(options: ClosersOptions) {
    this.#options = options;
  }

  /** `name` is what the log calls it; `graceMs` is how long it waits for others where it goes as it should. Default 0. */
  onClose(name: string, close: () => unknown, graceMs = 0): void {
    this.#open.push({ name, close, graceMs });
  }

  /**
   * Closes what was opened last first, one after another; each failure is logged once, and the next one is closed all the
   * same. Resolves with the names of those that failed; never rejects. Idempotent.
   */
  close(): Promise<readonly string[]> {
    return (this.#closing ??= this.#closeAll());
  }

  async #closeAll(): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let closer = this.#open.pop(); closer !== undefined; closer = this.#open.pop()) {
      const { name, close, graceMs } = closer;
      try {
        await this.#withinLimit(Promise.resolve().then(close), graceMs);
      } catch (error) {
        this.#options.logger.error({ step: name, err: error }, 'could not be closed in good order');
        failed.push(name);
      }
    }
    return failed;
  }

  #withinLimit(work: Promise<unknown>, graceMs: number): Promise<void> {
    const { clock, stepLimitMs = defaultStepLimitMs } = this.#options;
    const limitMs = graceMs + stepLimitMs;
    return new Promise((resolve, reject) => {
      const timer = clock.after(limitMs, () => reject(new Error(`not done after ${limitMs} ms`)));
      work.then(() => resolve(), reject).finally(() => timer.cancel());
    });
  }
}
