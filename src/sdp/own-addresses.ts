/** Where this machine can be reached itself: no phone is there. */
import { BlockList, isIPv6 } from 'node:net';
import { addressTypeOf, type MediaAddress } from './media-address.js';
import { SdpRefusal } from './sdp-refusal.js';

/** A range of ports, both ends included. */
interface Ports {
  readonly from: number;
  readonly to: number;
}

export interface OwnPorts {
  /** Literal addresses that these ports are open at. */
  readonly addresses: readonly string[];
  readonly ranges: readonly Ports[];
}

/** The addresses and ports that are the gateway's own: what it sends there it would hear itself. */
export class OwnAddresses {
  readonly #addresses = new BlockList();
  readonly #ranges: readonly Ports[];

  constructor({ addresses, ranges }: OwnPorts) {
    for (const address of addresses) this.#addresses.addAddress(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    this.#ranges = ranges;
  }

  /** Throws SdpRefusal `bad-sdp` where one of these destinations is ours. */
  refuse(...destinations: readonly (MediaAddress | null)[]): void {
    if (destinations.some((destination) => destination !== null && this.#has(destination)))
      throw new SdpRefusal('bad-sdp', "an address is the gateway's own");
  }

  #has({ address, port }: MediaAddress): boolean {
    return (
      this.#ranges.some(({ from, to }) => port >= from && port <= to) &&
      this.#addresses.check(address, addressTypeOf(address) === 'IP6' ? 'ipv6' : 'ipv4')
    );
  }
}
