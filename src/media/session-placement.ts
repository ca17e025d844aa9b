/** Which worker the legs of a session are placed on. */

/** A session that has legs. */
interface Placed {
  readonly worker: number;
  legs: number;
}

/**
 * Puts the legs of one session on one worker, a new session on the worker with the fewest legs. A session is remembered
 * while it has legs. Workers are numbers.
 */
export class SessionPlacement {
  readonly #sessions = new Map<string, Placed>();

  get size(): number {
    return this.#sessions.size;
  }

  /** Chooses among `candidates` (worker → legs it has); null when there is none. A leg without a session goes anywhere. */
  choose(sessionId: string | null, candidates: ReadonlyMap<number, number>): number | null {
    const placed = sessionId === null ? undefined : this.#sessions.get(sessionId);
    if (placed !== undefined && candidates.has(placed.worker)) return placed.worker;
    let best: number | null = null;
    for (const [worker, legs] of candidates) {
      if (best === null || legs < (candidates.get(best) ?? Infinity)) best = worker;
    }
    return best;
  }

  add(sessionId: string | null, worker: number): void {
    if (sessionId === null) return;
    const placed = this.#sessions.get(sessionId);
    if (placed?.worker === worker) placed.legs += 1;
    // The session's worker is gone or full: those that come now gather elsewhere.
    else this.#sessions.set(sessionId, { worker, legs: 1 });
  }

  remove(sessionId: string | null, worker: number): void {
    if (sessionId === null) return;
    const placed = this.#sessions.get(sessionId);
    if (placed?.worker !== worker) return;
    placed.legs -= 1;
    if (placed.legs === 0) this.#sessions.delete(sessionId);
  }
}
