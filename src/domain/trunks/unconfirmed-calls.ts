/**
 * Limits, for each origin, the calls that no ACK has confirmed yet. Whoever forges a carrier’s address over UDP could otherwise
 * fill its trunk, and have us send answers to a third party.
 */
export class UnconfirmedCalls {
  readonly #max: number;
  readonly #calls = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Counts a call of that origin; null where it has as many as it may. What is given back ends the counting, once. */
  take(origin: string): (() => void) | null {
    const calls = this.callsOf(origin);
    if (calls >= this.#max) return null;
    this.#calls.set(origin, calls + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = this.callsOf(origin) - 1;
      if (left > 0) this.#calls.set(origin, left);
      else this.#calls.delete(origin);
    };
  }

  callsOf(origin: string): number {
    return this.#calls.get(origin) ?? 0;
  }
}
