/** Ways to peers and back: chooses transports, finds the flow of a response. */
import { isIPv6 } from 'node:net';
import type { AddressFamily } from './resolution/resolver.js';
import type { MessageIdentity } from './transaction/identity.js';
import type { Flow } from './transport/flow.js';
import { zeroCounters } from './transport/inbox.js';
import type { StandingOf, Transport, TransportStats } from './transport/transport.js';
import { responseTarget } from './transport/via-routing.js';
import { addressKind } from './user-agent/local-address.js';

/** The transports of one server or client, by protocol. */
export interface Transports {
  readonly udp?: Transport;
  readonly tcp?: Transport;
  readonly tls?: Transport;
  readonly ws?: Transport;
}

export function listTransports({ udp, tcp, tls, ws }: Transports): Transport[] {
  return [udp, tcp, tls, ws].filter((transport) => transport !== undefined);
}

/** The transport that a connection to that address is made with; null where there is none. */
export function transportTo(
  transports: Transports,
  protocol: 'udp' | 'tcp' | 'tls',
  address: string,
): Transport | null {
  const transport = transports[protocol];
  if (transport === undefined) return null;
  return familiesOf(transport).includes(isIPv6(address) ? 6 : 4) ? transport : null;
}

/** The kinds of address that can be reached by a protocol. */
export function reachableFamilies(
  transports: Transports,
  protocol: 'udp' | 'tcp' | 'tls',
): readonly AddressFamily[] {
  const transport = transports[protocol];
  return transport === undefined ? [] : familiesOf(transport);
}

/** A connection may leave from any address of this machine, a datagram only from the socket's. */
function familiesOf({ protocol, boundAddress }: Transport): readonly AddressFamily[] {
  const address = boundAddress?.address;
  if (protocol !== 'udp' || address === undefined || address === '::') return [4, 6];
  return isIPv6(address) ? [6] : [4];
}

/**
 * Where the responses to a request go (RFC 3261 §18.2.2): a connection's own flow, and when it is gone a new connection
 * to the sender; over UDP the address and port that the top Via names.
 *
 * Deviation: a UDP client behind a NAT that does not ask for `rport` is answered at the port it sent from, because the
 * port in its Via is one inside its own network.
 */
export function responseFlowFor(transports: Transports, flow: Flow, { via }: MessageIdentity): Flow {
  const stream = flow.protocol === 'tcp' || flow.protocol === 'tls' ? transports[flow.protocol] : undefined;
  if (stream) return new FallbackFlow(flow, stream, { ...responseTarget(via), name: via.host });
  if (flow.protocol !== 'udp' || !transports.udp) return flow;
  const target = responseTarget(via);
  const isBehindNat = via.host !== flow.remoteAddress && addressKind(via.host) !== 'name';
  const isSame = target.port === flow.remotePort && target.host === flow.remoteAddress;
  if (isSame || isBehindNat) return flow;
  return new RedirectedFlow(flow, transports.udp, { host: flow.remoteAddress, port: target.port });
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** A flow whose messages go elsewhere than where it leads. */
abstract class DerivedFlow implements Flow {
  readonly id: string;
  readonly protocol: Flow['protocol'];
  readonly reliable: boolean;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  protected readonly flow: Flow;

  constructor(flow: Flow, target: Target) {
    this.flow = flow;
    this.id = flow.id;
    this.protocol = flow.protocol;
    this.reliable = flow.reliable;
    this.localAddress = flow.localAddress;
    this.localPort = flow.localPort;
    this.remoteAddress = target.host;
    this.remotePort = target.port;
  }

  get isOpen(): boolean {
    return this.flow.isOpen;
  }

  abstract send(bytes: Buffer): Promise<void>;

  close(): void {
    this.flow.close();
  }
}

class RedirectedFlow extends DerivedFlow {
  readonly #transport: Transport;

  constructor(flow: Flow, transport: Transport, target: Target) {
    super(flow, target);
    this.#transport = transport;
  }

  async send(bytes: Buffer): Promise<void> {
    const flow = await this.#transport.connect(this.remoteAddress, this.remotePort);
    await flow.send(bytes);
  }
}

class FallbackFlow extends DerivedFlow {
  readonly #transport: Transport;
  readonly #target: Target & { readonly name: string };

  constructor(flow: Flow, transport: Transport, target: Target & { readonly name: string }) {
    super(flow, { host: flow.remoteAddress, port: flow.remotePort });
    this.#transport = transport;
    this.#target = target;
  }

  async send(bytes: Buffer): Promise<void> {
    if (this.flow.isOpen) return this.flow.send(bytes);
    const { host, port, name } = this.#target;
    const flow = await this.#transport.connect(host, port, name);
    return flow.send(bytes);
  }
}

/** The counters of several transports as one. */
export function sumStats(transports: Transports): TransportStats {
  const sum: Record<string, number> = {};
  for (const transport of listTransports(transports)) {
    for (const [name, value] of Object.entries(transport.stats()))
      sum[name] = (sum[name] ?? 0) + Number(value);
  }
  return { ...zeroCounters(), ...sum };
}

/** Lets a transport's messages into the layer above. */
export function attach(
  transport: Transport,
  user: {
    receive: (message: Parameters<Parameters<Transport['onMessage']>[0]>[0], flow: Flow) => void;
    receiveMalformed: (...parameters: Parameters<Parameters<Transport['onMalformed']>[0]>) => void;
    flowClosed: (flow: Flow) => void;
    standingOf: StandingOf;
    isIgnored: (address: string) => boolean;
  },
): void {
  transport.onMessage((message, flow) => user.receive(message, flow));
  transport.onMalformed((...parameters) => user.receiveMalformed(...parameters));
  transport.onFlowClosed((flow) => user.flowClosed(flow));
  transport.judgeBy((flow) => user.standingOf(flow));
  transport.ignore((address) => user.isIgnored(address));
}
