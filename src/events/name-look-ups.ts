/**
 * Looks names up, few at once. The system's resolver holds a thread for as long as a name's servers are silent, of four that
 * files and the database need as well: names that accounts give must not take them all.
 */
import { lookup } from 'node:dns/promises';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

type LookUp = (hostname: string) => Promise<readonly ResolvedAddress[]>;

const askTheSystem: LookUp = (hostname) => lookup(hostname, { all: true, verbatim: true });

export class NameLookUps {
  readonly #maxAtOnce: number;
  readonly #lookUp: LookUp;
  /** By name; who asks for one of these meanwhile gets the same answer. */
  readonly #underWay = new Map<string, Promise<readonly ResolvedAddress[]>>();
  /** Each lets one that waits have another look, in the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(maxAtOnce: number, lookUp: LookUp = askTheSystem) {
    this.#maxAtOnce = maxAtOnce;
    this.#lookUp = lookUp;
  }

  /** How many wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Rejects where the name is not found; with the signal's reason where that comes first, and nobody is asked any more. */
  async find(hostname: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
    while (!this.#underWay.has(hostname) && this.#isBusy) await this.#turn(signal);
    const shared = this.#underWay.get(hostname);
    if (shared === undefined) return this.#begin(hostname);
    // The place that was free is another's.
    this.#wakeNext();
    return shared;
  }

  get #isBusy(): boolean {
    return this.#underWay.size >= this.#maxAtOnce;
  }

  #begin(hostname: string): Promise<readonly ResolvedAddress[]> {
    const found = this.#lookUp(hostname).finally(() => {
      this.#underWay.delete(hostname);
      this.#wakeNext();
    });
    this.#underWay.set(hostname, found);
    return found;
  }

  #wakeNext(): void {
    if (this.#isBusy) return;
    const [next] = this.#waiting;
    next?.();
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const woken = (): void => {
        done();
        resolve();
      };
      const aborted = (): void => {
        done();
        reject(signal.reason as Error);
      };
      const done = (): void => {
        this.#waiting.delete(woken);
        signal.removeEventListener('abort', aborted);
      };
      this.#waiting.add(woken);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}
