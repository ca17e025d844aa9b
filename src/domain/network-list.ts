/** Lists of addresses and networks: who may call a number, whose forwarding headers are believed, where webhooks may go. */
import { isIP } from 'node:net';
import { NetworkIndex, prefixOf } from './network-index.js';

export class NetworkList {
  readonly #networks = new NetworkIndex<true>();

  /** Addresses and networks like `10.1.0.0/16`. Throws RangeError where one is neither. */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#networks.add(network, true);
  }

  /** False also for what is no address. An IPv4 address is the same mapped into IPv6 (`::ffff:10.1.0.1`). */
  has(address: string): boolean {
    return this.#networks.lookUp(address).length > 0;
  }
}

/** Whether the text is an address or a network. */
export function isNetwork(text: string): boolean {
  return prefixOf(text) !== null;
}

/** Null for what is no address, and for one with a zone (`fe80::1%eth0`): that is a neighbour's, and in no list. */
export function addressFamily(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}
