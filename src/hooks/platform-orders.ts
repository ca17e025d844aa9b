/** Sends orders to a platform's own API, after the platform's request was answered; tries again a few times. */
import type { Clock, Timer } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { PlatformCommand } from './dialect.js';
import type { OutgoingHttp } from './outgoing.js';

export interface PlatformOrdersOptions {
  readonly http: OutgoingHttp;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Base URL of each platform's API. */
  readonly baseUrls: Readonly<Record<string, string>>;
}

/** Orders under way; above it new ones are dropped. */
const maxUnderWay = 500;
/** The waits before the second try, the third, and so on: a caller waits no longer. */
const retriesMs: readonly number[] = [300, 1000, 3000];

export class PlatformOrders {
  readonly #options: PlatformOrdersOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waits = new Map<Timer, () => void>();
  #isClosed = false;

  constructor(options: PlatformOrdersOptions) {
    this.#options = options;
  }

  /** Sends the orders one after the other, until one fails. Returns at once. */
  send(platform: string, apiKey: string, commands: readonly PlatformCommand[]): void {
    const { logger } = this.#options;
    if (commands.length === 0 || this.#isClosed) return;
    if (this.#underWay.size >= maxUnderWay) {
      logger.warn({ platform }, 'too many orders to a platform at once');
      return;
    }
    const work = this.#run(platform, apiKey, commands).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /** Gives up what waits for another try, and resolves when nothing is on its way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [timer, wake] of this.#waits) {
      timer.cancel();
      wake();
    }
    await Promise.all(this.#underWay);
  }

  async #run(platform: string, apiKey: string, commands: readonly PlatformCommand[]): Promise<void> {
    const { http, logger, baseUrls } = this.#options;
    for (const { path, body } of commands) {
      const url = `${(baseUrls[platform] ?? '').replace(/\/$/, '')}${path}`;
      for (let attempt = 0; ; attempt += 1) {
        try {
          const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
          await http.post(url, headers, JSON.stringify(body));
          break;
        } catch (error) {
          const waitMs = retriesMs[attempt];
          if (waitMs === undefined || this.#isClosed) {
            logger.warn({ err: error, platform, attempts: attempt + 1 }, 'a platform did not take an order');
            return;
          }
          await this.#wait(waitMs);
        }
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waits.delete(timer);
        resolve();
      };
      const timer = this.#options.clock.after(ms, done);
      this.#waits.set(timer, done);
    });
  }
}
