/**
 * The trunks that are enabled, at hand in memory: asked for every call, and for every stranger, it must cost next to nothing.
 * The store has the truth; whoever changes a trunk tells the directory.
 */
import { NetworkIndex } from './network-index.js';
import type { Trunk } from './trunk.js';

export class TrunkDirectory {
  readonly #trunks = new Map<string, Trunk>();
  #byNetwork = new NetworkIndex<Trunk>();

  /** `trunks`: those of every account, oldest first. */
  constructor(trunks: readonly Trunk[] = []) {
    for (const trunk of trunks) if (trunk.isEnabled) this.#trunks.set(trunk.id, trunk);
    this.#rebuild();
  }

  /** Trunks whose networks the address lies in; the narrowest network first, of several with the same the oldest trunk. */
  from(address: string): readonly Trunk[] {
    return this.#byNetwork.lookUp(address);
  }

  /** Calls from the address are some trunk's. */
  isTrunkAddress(address: string): boolean {
    return this.#byNetwork.lookUp(address).length > 0;
  }

  ofAccount(accountId: string): readonly Trunk[] {
    return [...this.#trunks.values()].filter((trunk) => trunk.accountId === accountId);
  }

  /** It was made or changed. */
  put(trunk: Trunk): void {
    if (trunk.isEnabled) this.#trunks.set(trunk.id, trunk);
    else this.#trunks.delete(trunk.id);
    this.#rebuild();
  }

  remove(trunkId: string): void {
    this.#trunks.delete(trunkId);
    this.#rebuild();
  }

  #rebuild(): void {
    const oldestFirst = [...this.#trunks.values()].sort((one, other) => one.createdAt - other.createdAt);
    const byNetwork = new NetworkIndex<Trunk>();
    for (const trunk of oldestFirst) {
      for (const network of new Set(trunk.inbound.networks)) byNetwork.add(network, trunk);
    }
    this.#byNetwork = byNetwork;
  }
}
