/**
 * The networks whose calls some number takes without a token, at hand in memory: asked for every stranger, it must cost next to
 * nothing. The store has the truth; whoever changes a number says so here.
 */
import { NetworkList } from '../network-list.js';
import type { PhoneNumber } from './phone-number.js';

export class DialInNetworks {
  readonly #byNumber = new Map<string, readonly string[]>();
  /** Null until it is next asked for. */
  #all: NetworkList | null = null;

  /** `numbers`: those of every account. */
  constructor(numbers: Iterable<Pick<PhoneNumber, 'id' | 'allowFrom'>> = []) {
    for (const number of numbers) this.put(number);
  }

  /** A call from there may be let in because of the number that it was sent to. False: whatever the number is, it is not. */
  has(address: string): boolean {
    if (this.#byNumber.size === 0) return false;
    this.#all ??= new NetworkList([...new Set([...this.#byNumber.values()].flat())]);
    return this.#all.has(address);
  }

  /** The number was made or changed. */
  put({ id, allowFrom }: Pick<PhoneNumber, 'id' | 'allowFrom'>): void {
    if (allowFrom.length === 0) this.#byNumber.delete(id);
    else this.#byNumber.set(id, allowFrom);
    this.#all = null;
  }

  remove(numberId: string): void {
    if (this.#byNumber.delete(numberId)) this.#all = null;
  }
}
