/** Asks each worker once for the figures of all its legs that are wanted in the same turn: a list of legs is one request. */
import type { MediaLegStatistics } from '../domain/media-plane.js';

type Ask = (worker: number, legIds: readonly string[]) => Promise<readonly (MediaLegStatistics | null)[]>;
type Answered = (statistics: MediaLegStatistics | null) => void;

export class LegStatisticsRequests {
  readonly #ask: Ask;
  readonly #waiting = new Map<number, Map<string, Answered[]>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Null where the leg or the worker is gone. */
  of(worker: number, legId: string): Promise<MediaLegStatistics | null> {
    return new Promise((resolve) => {
      let legs = this.#waiting.get(worker);
      if (legs === undefined) {
        legs = new Map();
        this.#waiting.set(worker, legs);
        queueMicrotask(() => void this.#send(worker));
      }
      const answers = legs.get(legId);
      if (answers === undefined) legs.set(legId, [resolve]);
      else answers.push(resolve);
    });
  }

  async #send(worker: number): Promise<void> {
    const legs = this.#waiting.get(worker) ?? new Map<string, Answered[]>();
    this.#waiting.delete(worker);
    const replies = await this.#ask(worker, [...legs.keys()]).catch(() => []);
    let index = 0;
    for (const answers of legs.values()) {
      const statistics = replies[index++] ?? null;
      for (const answer of answers) answer(statistics);
    }
  }
}
