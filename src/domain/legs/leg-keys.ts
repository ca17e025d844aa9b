/** The keys of one leg's far end, by whichever way they come, for its attendant or for everybody. */
import type { Clock } from '../clock.js';
import { KeyPresses, type KeySource } from './key-presses.js';
import type { LegAttendant } from './leg-attendant.js';

export interface LegKeysOptions {
  readonly clock: Clock;
  /** Key presses beyond are left out. Default 20. */
  readonly maxPerSecond?: number | undefined;
  /** Who is told in place of everybody else; null: nobody is. */
  readonly attendant: () => LegAttendant | null;
  readonly onPressed: (digit: string, durationMs: number) => void;
}

export class LegKeys {
  readonly #options: LegKeysOptions;
  readonly #presses: KeyPresses;
  /** By which way the far end has told that it holds a key: phones set to "both" do by two. */
  readonly #held = new Set<KeySource>();

  constructor(options: LegKeysOptions) {
    this.#options = options;
    this.#presses = new KeyPresses(options.clock, options.maxPerSecond);
  }

  /** Nobody but an attendant, who waits for keys, wants to know before a key is let go. */
  down(source: KeySource): void {
    const attendant = this.#options.attendant();
    if (attendant === null) return;
    this.#held.add(source);
    attendant.keyDown();
  }

  /** A press that both ways tell of counts once. */
  pressed(source: KeySource, digit: string, durationMs: number): void {
    const { attendant, onPressed } = this.#options;
    if (this.#presses.isNew(source, digit, durationMs)) {
      const one = attendant();
      if (one === null) onPressed(digit, durationMs);
      else one.keyPressed(digit);
    }
    const isUp = this.#held.delete(source) && this.#held.size === 0;
    if (isUp) attendant()?.keyUp();
  }

  /** The far end is another now. */
  forget(): void {
    this.#held.clear();
  }
}
