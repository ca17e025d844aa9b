/** The ticks of a media worker, at a test's word. */
import { TickClock, type TickListener } from '../../src/media/worker/tick-clock.js';

/** Ticks only when it is told to, and its time is that of its ticks: however long a busy machine takes, nothing is late. */
export class SteppedClock extends TickClock {
  readonly #listeners = new Set<TickListener>();
  #tick = 0;

  override add(listener: TickListener): void {
    this.#listeners.add(listener);
  }

  override remove(listener: TickListener): void {
    this.#listeners.delete(listener);
  }

  override now(): number {
    return this.#tick * this.intervalMs;
  }

  override close(): void {
    this.#listeners.clear();
  }

  step(): void {
    this.#tick += 1;
    for (const listener of this.#listeners) listener.onTick(this.#tick, this.now());
  }
}
