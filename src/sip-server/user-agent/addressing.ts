/** What we write of ourselves into Via and Contact, depending on who is to reach us. */
import { networkInterfaces } from 'node:os';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { formatHostPort } from '../message/host-port.js';
import { withoutZone } from '../transport/address.js';
import type { Flow, TransportProtocol } from '../transport/flow.js';
import { addressKind, chooseLocalAddress, type LocalInterface } from './local-address.js';

/** What of a flow says how its peer reaches us. */
export type AddressedFlow = Pick<
  Flow,
  'protocol' | 'localAddress' | 'localPort' | 'remoteAddress' | 'listener'
>;

export interface AddressingOptions {
  /** The address that peers elsewhere reach us at; absent: the local address of the flow. */
  readonly publicAddress?: string;
  /** What a peer at that address is told in place of everything else; null: nothing of its own. */
  readonly hostFor?: (remoteAddress: string) => string | null;
  /** The addresses of this machine. Default: asked of the system at most every 30 s. */
  readonly interfaces?: () => readonly LocalInterface[];
}

/** One socket of a further address that is listened on. */
export interface ListeningPlace {
  readonly protocol: TransportProtocol;
  /** As bound: `0.0.0.0` or `::` for all. */
  readonly address: string;
  readonly port: number;
  /** The number of its listener, as in `Flow.listener`. */
  readonly listener: number | undefined;
  /** What peers who come by it are told to reach us at; null: nothing of its own. */
  readonly host: string | null;
}

const interfacesFreshMs = 30_000;

/** Writes the addresses that stand in our Via, Contact and From so that the peer can reach them. */
export class Addressing {
  /** Ports that we listen on: an outgoing TCP connection's own port takes no calls. */
  listeningPorts: { udp?: number; tcp?: number; tls?: number } = {};
  /** The sockets of further listeners. */
  otherPlaces: readonly ListeningPlace[] = [];
  readonly #publicAddress: string | undefined;
  readonly #hostFor: (remoteAddress: string) => string | null;
  readonly #interfaces: () => readonly LocalInterface[];

  constructor(options: AddressingOptions) {
    this.#publicAddress = options.publicAddress;
    this.#hostFor = options.hostFor ?? (() => null);
    this.#interfaces = options.interfaces ?? systemInterfaces();
  }

  /** The host as the peer at the other end of the flow should see us. A peer on this machine sees the real address. */
  host(flow: AddressedFlow): string {
    const own = this.#hostFor(flow.remoteAddress);
    if (own !== null) return own;
    const place = this.#placeOf(flow);
    const told = place?.host ?? null;
    if (told !== null) return told;
    const isOwn = place !== undefined && addressKind(place.address) !== 'unspecified';
    if (!isOwn && this.#isReachedPublicly(flow)) return this.#publicAddress ?? flow.localAddress;
    if (addressKind(flow.localAddress) !== 'unspecified') return withoutZone(flow.localAddress);
    return chooseLocalAddress(this.#interfaces(), flow.remoteAddress);
  }

  port(flow: AddressedFlow): number {
    const { protocol, localPort } = flow;
    const place = this.#placeOf(flow);
    if (place !== undefined) return place.port;
    return protocol === 'ws' || protocol === 'wss' ? localPort : (this.listeningPorts[protocol] ?? localPort);
  }

  /** `<sip:host:port;transport=…>`; `<sips:host:port>` towards who called so (RFC 3261 §12.1.1). */
  contact(flow: AddressedFlow, isSips = false): string {
    if (isSips && flow.protocol === 'tls')
      return `<sips:${formatHostPort(this.host(flow), this.port(flow))}>`;
    return `<sip:${this.#hostPortTransport(flow)}>`;
  }

  via(flow: AddressedFlow, branch: string): string {
    const hostPort = formatHostPort(this.host(flow), this.port(flow));
    return `SIP/2.0/${flow.protocol.toUpperCase()} ${hostPort};branch=${branch};rport`;
  }

  /** `localhost`, with which applications that do not know our address write theirs, becomes that address. */
  rewriteLocalhost(value: string, flow: AddressedFlow, withPort: boolean): string {
    if (!value.includes('localhost')) return value;
    const address = withPort ? this.#hostPortTransport(flow) : formatHostPort(this.host(flow));
    return value.replace(/(sips?:(?:[^@<>\s]*@)?)localhost(?::\d+)?(?=[;>?\s]|$)/i, `$1${address}`);
  }

  /**
   * Whether the peer is told the public address. Not one on this machine, nor one of the other IP family, to whom it is of no use. Over
   * a WebSocket the family does not matter: requests go back by it whatever the peer was told.
   */
  #isReachedPublicly({ protocol, remoteAddress }: AddressedFlow): boolean {
    const own = this.#publicAddress;
    if (own === undefined || addressKind(remoteAddress) === 'loopback') return false;
    if (protocol === 'ws' || protocol === 'wss' || isIP(own) === 0) return true;
    return isIPv6(own) === isIPv6(remoteAddress);
  }

  /** The socket of a further listener that the flow belongs to; undefined: the first's. A connection's own port says nothing. */
  #placeOf({ protocol, listener }: AddressedFlow): ListeningPlace | undefined {
    if (listener === undefined) return undefined;
    return this.otherPlaces.find((place) => place.protocol === protocol && place.listener === listener);
  }

  #hostPortTransport(flow: AddressedFlow): string {
    const hostPort = formatHostPort(this.host(flow), this.port(flow));
    if (flow.protocol === 'udp') return hostPort;
    // RFC 7118 §5.2.1: `ws` for both kinds of WebSocket.
    return `${hostPort};transport=${flow.protocol === 'wss' ? 'ws' : flow.protocol}`;
  }
}

function systemInterfaces(): () => readonly LocalInterface[] {
  let known: readonly LocalInterface[] = [];
  let freshUntilMs = 0;
  return () => {
    if (Date.now() < freshUntilMs) return known;
    freshUntilMs = Date.now() + interfacesFreshMs;
    known = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address, netmask }) => ({
        address,
        netmask,
        family: isIPv4(address) ? ('IPv4' as const) : ('IPv6' as const),
      }));
    return known;
  };
}
