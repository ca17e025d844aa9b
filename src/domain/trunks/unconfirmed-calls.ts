/**
 * Limits the calls whose far end has not shown yet that it sent them: of each origin so many at once. Whoever forges the address of a
 * carrier over UDP gets us to send answers there, and takes the place of calls, until one is acknowledged or given up.
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
