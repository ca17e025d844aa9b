/** Lists of addresses and networks: who may call a number, whose forwarding headers are believed, where webhooks may go. */
import { BlockList, isIP } from 'node:net';

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

export class NetworkList {
  readonly #list = new BlockList();

  /** Addresses and networks like `10.1.0.0/16`. Throws RangeError where one is neither. */
  constructor(networks: readonly string[]) {
    for (const text of networks) {
      const network = parseNetwork(text);
      if (network === null) throw new RangeError(`${text} is no address and no network`);
      this.#list.addSubnet(network.address, network.prefix, network.family);
    }
  }

  /** False also for what is no address. An IPv4 address is the same mapped into IPv6 (`::ffff:10.1.0.1`). */
  has(address: string): boolean {
    const family = addressFamily(address);
    return family !== null && this.#list.check(address, family);
  }
}

/** Whether the text is an address or a network. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null;
}

/** Null for what is no address, and for one with a zone (`fe80::1%eth0`): that is a neighbour's, and in no list. */
export function addressFamily(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}

function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/');
  const family = addressFamily(address);
  if (family === null || rest.length > 0) return null;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const bits = family === 'ipv4' ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  return prefix > bits ? null : { address, prefix, family };
}
