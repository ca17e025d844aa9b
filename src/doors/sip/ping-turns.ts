/** Limits how many pings are under way at once over all trunks; the others queue in the order in which they came. */

export interface PingTurn {
  /** It is over, or is not wanted any more; idempotent. */
  end(): void;
}

export class PingTurns {
  readonly #max: number;
  readonly #taken = new Set<PingTurn>();
  /** Each with what it begins. */
  readonly #waiting = new Map<PingTurn, () => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Begins as soon as there is room: at once where there is. */
  take(begin: () => void): PingTurn {
    const turn: PingTurn = {
      end: () => {
        this.#waiting.delete(turn);
        // Not at once: others that wait may end in this same moment, as all do when calls are not taken any more.
        if (this.#taken.delete(turn)) queueMicrotask(() => this.#next());
      },
    };
    this.#waiting.set(turn, begin);
    this.#next();
    return turn;
  }

  #next(): void {
    for (const [turn, begin] of this.#waiting) {
      if (this.#taken.size >= this.#max) return;
      this.#waiting.delete(turn);
      this.#taken.add(turn);
      begin();
    }
  }
}
