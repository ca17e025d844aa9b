/** Where the gateway itself is reached: no phone is there. */
import { BlockList } from 'node:net';
import { addressTypeOf, type MediaAddress } from '../../../sdp/media-address.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { PortAllocator } from './port-allocator.js';
import { isPortFree } from './rtp-sockets.js';

/** A range of ports, both ends included. */
interface Ports {
  readonly from: number;
  readonly to: number;
}

export interface GatewayPortsOptions {
  /** Literal addresses that the gateway is reached at. */
  readonly addresses: readonly string[];
  /** All ports of the gateway. */
  readonly ranges: readonly Ports[];
  /** This worker's part of them, and those of its phones. */
  readonly own: Ports;
  readonly allocator: PortAllocator;
}

const isWithin = (port: number, { from, to }: Ports): boolean => port >= from && port <= to;

/** The addresses and ports that are the gateway's own: what it sends there it would hear itself, now or in a later call. */
export class GatewayPorts {
  readonly #options: GatewayPortsOptions;
  readonly #addresses = new BlockList();

  constructor(options: GatewayPortsOptions) {
    this.#options = options;
    for (const address of options.addresses) this.#addresses.addAddress(address, familyOf(address));
  }

  /**
   * Rejects with SdpRefusal `bad-sdp` where one of these destinations is ours. That of RTCP counts where it is another than the next
   * port (RFC 3550 §11): a phone on this machine that was given a port of the range need not listen for RTCP at all.
   */
  async refuse(rtp: MediaAddress | null, rtcp: MediaAddress | null): Promise<void> {
    if (rtp !== null) await this.#check(rtp);
    const isNext = rtp !== null && rtcp?.address === rtp.address && rtcp.port === rtp.port + 1;
    if (rtcp !== null && !isNext) await this.#check(rtcp);
  }

  async #check(destination: MediaAddress): Promise<void> {
    if (this.#isOurs(destination) && !(await this.#isOfAnother(destination)))
      throw new SdpRefusal('bad-sdp', "an address is the gateway's own");
  }

  #isOurs({ address, port }: MediaAddress): boolean {
    return (
      this.#options.ranges.some((range) => isWithin(port, range)) &&
      this.#addresses.check(address, familyOf(address))
    );
  }

  /** A port of this worker's that a phone on the same machine was given by the system, where the ranges overlap. */
  async #isOfAnother({ address, port }: MediaAddress): Promise<boolean> {
    const { own, allocator } = this.#options;
    return isWithin(port, own) && !allocator.isTaken(port) && !(await isPortFree(port, address));
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (addressTypeOf(address) === 'IP6' ? 'ipv6' : 'ipv4');
