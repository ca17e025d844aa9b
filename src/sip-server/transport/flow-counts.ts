/** How many of something go over each connection, so that nobody need search for it. UDP has no connections, and is not counted. */
import type { Flow } from './flow.js';

export class FlowCounts {
  readonly #counts = new Map<string, number>();

  has(flow: Flow): boolean {
    return this.#counts.has(flow.id);
  }

  add(flow: Flow | undefined): void {
    if (flow?.reliable === true) this.#counts.set(flow.id, (this.#counts.get(flow.id) ?? 0) + 1);
  }

  /** Takes a flow back that was added. */
  remove(flow: Flow | undefined): void {
    if (flow === undefined) return;
    const left = (this.#counts.get(flow.id) ?? 0) - 1;
    if (left > 0) this.#counts.set(flow.id, left);
    else this.#counts.delete(flow.id);
  }

  clear(): void {
    this.#counts.clear();
  }
}
