/**
 * The trunks that are enabled, at hand in memory: asked for every call, and for every stranger, it must cost next to nothing.
 * The store has the truth; whoever changes a trunk tells the directory.
 */
import { NetworkIndex, prefixOf } from '../network-index.js';
import type { DigestHash, Trunk } from './trunk.js';
import type { TrunkWatcher } from './trunk-state.js';

export class TrunkDirectory {
  readonly #trunks = new Map<string, Trunk>();
  #byNetwork = new NetworkIndex<Trunk>();
  /** Made anew when it is next asked for: many registrars come and go at once, at the start and when calls are not taken any more. */
  #isStale = false;
  /** Those without networks that are known by their peer's certificate; of each name the oldest first. */
  #byCertificateName = new Map<string, Trunk[]>();
  /** Those that are known by their digest alone. */
  #byUsername = new Map<string, Trunk>();
  /** Those that are registered with, by the user of our Contact there. */
  #byContact = new Map<string, Trunk>();
  /** The addresses of those that registered us, by trunk. */
  readonly #registrars = new Map<string, string>();
  #strangersHashes: readonly DigestHash[] = [];
  readonly #watchers = new Set<TrunkWatcher>();

  /** `trunks`: those of every account, oldest first. */
  constructor(trunks: readonly Trunk[] = []) {
    for (const trunk of trunks) if (trunk.isEnabled) this.#trunks.set(trunk.id, trunk);
    this.#rebuild();
  }

  /** Trunks whose networks the address lies in; the narrowest network first, of several with the same the oldest trunk. */
  from(address: string): readonly Trunk[] {
    return this.#networks().lookUp(address);
  }

  /** Calls from the address are some trunk's. */
  isTrunkAddress(address: string): boolean {
    return this.from(address).length > 0;
  }

  /** Trunks that are known, wherever calls come from, by a certificate with one of these names; the oldest first. */
  byCertificate(names: readonly string[]): readonly Trunk[] {
    return [...new Set(names.flatMap((name) => this.#byCertificateName.get(name) ?? []))];
  }

  /** The trunk that was told this user of a Contact of ours, and nobody else was; null where there is none. */
  byContact(user: string): Trunk | null {
    return this.#byContact.get(user) ?? null;
  }

  /** The trunk registered us from that address: its calls may come from there. Null: it is registered with no more. */
  registrarIs(trunkId: string, from: string | null): void {
    // One of this link alone (`fe80::1%eth0`) can stand in no list of networks; nor do calls need it, which come to our Contact.
    const address = from === null || prefixOf(from) === null ? null : from;
    if ((this.#registrars.get(trunkId) ?? null) === address) return;
    if (address === null) this.#registrars.delete(trunkId);
    else this.#registrars.set(trunkId, address);
    this.#isStale = true;
  }

  /** The trunk that is known by this user name alone; null where there is none. */
  byUsername(username: string): Trunk | null {
    return this.#byUsername.get(username) ?? null;
  }

  /** What calls of a trunk are challenged with; null: calls that are of no trunk yet. Empty: they are not challenged. */
  hashesOf(trunkId: string | null): readonly DigestHash[] {
    if (trunkId === null) return this.#strangersHashes;
    return hashesOf(this.#trunks.get(trunkId));
  }

  ofAccount(accountId: string): readonly Trunk[] {
    return [...this.#trunks.values()].filter((trunk) => trunk.accountId === accountId);
  }

  /** It was made or changed. */
  put(trunk: Trunk): void {
    if (trunk.isEnabled) this.#trunks.set(trunk.id, trunk);
    else this.#trunks.delete(trunk.id);
    this.#rebuild();
    for (const watcher of this.#watchers) watcher.trunkPut(trunk);
  }

  remove(trunkId: string): void {
    this.#trunks.delete(trunkId);
    this.#rebuild();
    for (const watcher of this.#watchers) watcher.trunkRemoved(trunkId);
  }

  /** Tells it of the trunks that there are, and of what changes from now on. */
  watch(watcher: TrunkWatcher): void {
    this.#watchers.add(watcher);
    for (const trunk of this.#trunks.values()) watcher.trunkPut(trunk);
  }

  #networks(): NetworkIndex<Trunk> {
    if (!this.#isStale) return this.#byNetwork;
    const byNetwork = new NetworkIndex<Trunk>();
    for (const trunk of this.#oldestFirst()) {
      const registrar = this.#registrars.get(trunk.id);
      const networks = [...trunk.inbound.networks, ...(registrar === undefined ? [] : [registrar])];
      for (const network of new Set(networks)) byNetwork.add(network, trunk);
    }
    this.#byNetwork = byNetwork;
    this.#isStale = false;
    return byNetwork;
  }

  #oldestFirst(): Trunk[] {
    return [...this.#trunks.values()].sort((one, other) => one.createdAt - other.createdAt);
  }

  #rebuild(): void {
    this.#isStale = true;
    const oldestFirst = this.#oldestFirst();
    this.#byContact = new Map();
    for (const trunk of oldestFirst) {
      const user = trunk.outbound?.registration?.contactUser;
      if (user !== undefined) this.#byContact.set(user, trunk);
    }
    const fromAnywhere = oldestFirst.filter(({ inbound }) => inbound.networks.length === 0);
    this.#byCertificateName = new Map();
    for (const trunk of fromAnywhere) {
      for (const name of trunk.inbound.certificateNames) {
        const others = this.#byCertificateName.get(name);
        if (others === undefined) this.#byCertificateName.set(name, [trunk]);
        else others.push(trunk);
      }
    }
    const byDigest = fromAnywhere.filter(({ inbound }) => inbound.certificateNames.length === 0);
    this.#byUsername = new Map();
    for (const trunk of byDigest) {
      if (trunk.inbound.digest !== null) this.#byUsername.set(trunk.inbound.digest.username, trunk);
    }
    this.#strangersHashes = [...new Set(byDigest.flatMap(hashesOf))];
  }
}

function hashesOf(trunk: Trunk | undefined): readonly DigestHash[] {
  return Object.keys(trunk?.inbound.digest?.secrets ?? {}) as DigestHash[];
}
