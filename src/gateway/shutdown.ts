/** The end of a gateway's life: no new calls, a wait for those in progress, then everything is closed. */
import type { Clock, Timer } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import type { Closers } from './closers.js';

export interface ShutdownOptions {
  readonly legs: Pick<LegRegistry, 'size' | 'idle'>;
  /** From now on doors refuse calls; may be called twice. */
  readonly refuseCalls: () => void;
  /** Ends the calls that are left and closes everything. */
  readonly closers: Pick<Closers, 'close'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const reportEveryMs = 5000;

export class Shutdown {
  readonly #options: ShutdownOptions;
  /** Aborted when nobody waits for calls in progress any more. */
  readonly #patience = new AbortController();
  readonly #timers: { deadline: Timer | null; report: Timer | null } = { deadline: null, report: null };
  #begunAt: number | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Waits for the calls in progress, up to the deadline, then closes. */
  async drain(deadlineMs: number): Promise<void> {
    const { legs, refuseCalls, clock, logger } = this.#options;
    refuseCalls();
    this.#begunAt = clock.now();
    logger.info({ calls: legs.size, deadlineMs }, 'draining');
    this.#timers.deadline = clock.after(deadlineMs, () => this.#patience.abort());
    this.#reportLater(deadlineMs);
    await legs.idle(this.#patience.signal);
    await this.close();
  }

  /** Ends every call and closes at once; a drain that waits goes on with it. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #reportLater(msLeft: number): void {
    const { legs, clock, logger } = this.#options;
    this.#timers.report = clock.after(reportEveryMs, () => {
      logger.info({ calls: legs.size, msLeft: msLeft - reportEveryMs }, 'waiting for calls to end');
      this.#reportLater(msLeft - reportEveryMs);
    });
  }

  async #close(): Promise<void> {
    const { legs, refuseCalls, closers, clock, logger } = this.#options;
    const begunAt = this.#begunAt ?? clock.now();
    this.#timers.deadline?.cancel();
    this.#timers.report?.cancel();
    this.#patience.abort();
    refuseCalls();
    const callsEnded = legs.size;
    const failed = await closers.close();
    logger.info({ callsEnded, failed, tookMs: clock.now() - begunAt }, 'stopped');
  }
}
