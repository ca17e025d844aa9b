/** The addresses at which the gateway takes media. An offer that names one as its own is refused: media would go in circles. */
import { BlockList } from 'node:net';
import { addressTypeOf, type MediaAddress } from '../../../sdp/media-address.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import { isPortFree } from './rtp-sockets.js';

/** A range of ports, both ends included. */
interface Ports {
  readonly from: number;
  readonly to: number;
}

/** Whether the gateway has a port of the media's range, or will: asked of the worker whose part it is in. */
export type AskOwner = (destination: MediaAddress) => Promise<boolean>;

export interface GatewayPortsOptions {
  /** Literal addresses that the gateway is reached at, and networks of them as `127.0.0.0/8`. */
  readonly addresses: readonly string[];
  /** Addresses near it that are all hosts' of a network. Default: none. */
  readonly broadcasts?: readonly string[];
  /** Ports for media, of all workers. */
  readonly media: Ports;
  /** This worker's part of them. */
  readonly own: Ports;
  /** Other UDP ports of the gateway: SIP's, and the browsers' where those are not of the media's range. */
  readonly others: readonly Ports[];
  /** Whether a leg of this worker has the port. */
  readonly holds: (port: number) => boolean;
  readonly askOwner: AskOwner;
}

const isWithin = (port: number, { from, to }: Ports): boolean => port >= from && port <= to;

/**
 * The addresses and UDP ports that are the gateway's own: what it sends there it would hear itself, in this call or another. Of the
 * media's range all are, those that nobody has as well, which the next call may be given; but not one that a program of this
 * machine was given, a phone beside the gateway, while it has it.
 */
export class GatewayPorts {
  readonly #options: GatewayPortsOptions;
  readonly #addresses = new BlockList();
  readonly #broadcasts = new BlockList();

  constructor(options: GatewayPortsOptions) {
    this.#options = options;
    for (const text of options.addresses) {
      const [address = text, bits] = text.split('/');
      if (bits === undefined) this.#addresses.addAddress(address, familyOf(address));
      else this.#addresses.addSubnet(address, Number(bits), familyOf(address));
    }
    for (const address of options.broadcasts ?? []) this.#broadcasts.addAddress(address, familyOf(address));
  }

  /**
   * Rejects with SdpRefusal `bad-sdp` where one of these destinations is ours, or no single host's. That of RTCP counts where it is another than the next
   * port (RFC 3550 §11): a phone on this machine that was given a port of the range need not listen for RTCP at all.
   */
  async refuse(rtp: MediaAddress | null, rtcp: MediaAddress | null): Promise<void> {
    if (rtp !== null) await this.#check(rtp);
    const isNext = rtp !== null && rtcp?.address === rtp.address && rtcp.port === rtp.port + 1;
    if (rtcp !== null && !isNext) await this.#check(rtcp);
  }

  /** For a port of this worker's part. */
  async owns({ address, port }: MediaAddress): Promise<boolean> {
    return this.#options.holds(port) || isPortFree(port, address);
  }

  async #check(destination: MediaAddress): Promise<void> {
    if (this.#broadcasts.check(destination.address, familyOf(destination.address)))
      throw new SdpRefusal('bad-sdp', 'an address is not that of one host');
    if (await this.#isOurs(destination)) throw new SdpRefusal('bad-sdp', "an address is the gateway's own");
  }

  async #isOurs(destination: MediaAddress): Promise<boolean> {
    const { media, own, others, askOwner } = this.#options;
    const { address, port } = destination;
    if (!this.#addresses.check(address, familyOf(address))) return false;
    if (isWithin(port, own)) return this.owns(destination);
    return isWithin(port, media) ? askOwner(destination) : others.some((ports) => isWithin(port, ports));
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (addressTypeOf(address) === 'IP6' ? 'ipv6' : 'ipv4');
