/** Chooses the transport for a request and finds the connection for a response. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { AddressFamily } from './resolution/resolver.js';
import type { MessageIdentity } from './transaction/identity.js';
import { isSameAddress } from './transport/address.js';
import type { Flow } from './transport/flow.js';
import { zeroCounters } from './transport/inbox.js';
import type { StandingOf, Transport, TransportStats } from './transport/transport.js';
import { responseTarget } from './transport/via-routing.js';
import { addressKind } from './user-agent/local-address.js';

/** The transports of one server or client; of several for one protocol the first is the usual one. */
export type Transports = readonly Transport[];

/** Protocols by which we call; a WebSocket cannot be dialled. */
export type CallingProtocol = 'udp' | 'tcp' | 'tls';

/**
 * The transport that a connection to that address is made with; null where there is none. Of several it is that of the listener which
 * `near` came by; else the first where that listens on all addresses; else the one from whose address the system would go there.
 */
export async function transportTo(
  transports: Transports,
  protocol: CallingProtocol,
  address: string,
  near?: Flow,
): Promise<Transport | null> {
  const family = isIPv6(address) ? 6 : 4;
  const able = transports.filter((one) => one.protocol === protocol && familiesOf(one).includes(family));
  const [first = null, second] = able;
  if (second === undefined) return first;
  const beside = near && able.find((one) => isBeside(one, near));
  if (beside !== undefined) return beside;
  if (first !== null && listensOnAll(first, family)) return first;
  const source = await sourceTowards(address);
  return (
    able.find(({ boundAddress }) => boundAddress?.address === source) ??
    able.find((one) => listensOnAll(one, family)) ??
    first
  );
}

/** The kinds of address that can be reached by a protocol. */
export function reachableFamilies(
  transports: Transports,
  protocol: CallingProtocol,
): readonly AddressFamily[] {
  const families = transports.filter((one) => one.protocol === protocol).flatMap(familiesOf);
  return ([4, 6] as const).filter((family) => families.includes(family));
}

/**
 * The kinds of address that a transport reaches. A connection may leave from any address of this machine unless the transport is
 * bound to one; a datagram leaves only from the socket's own.
 */
function familiesOf({ protocol, boundAddress, isIpv6Only }: Transport): readonly AddressFamily[] {
  if (protocol === 'ws') return [];
  const address = boundAddress?.address;
  if (isIpv6Only === true) return [6];
  if (address === undefined || address === '::') return [4, 6];
  if (protocol !== 'udp' && addressKind(address) === 'unspecified') return [4, 6];
  return isIPv6(address) ? [6] : [4];
}

/** Whether it is bound to all addresses of the family: then a peer can answer at whichever address of ours it saw. */
function listensOnAll({ boundAddress }: Transport, family: AddressFamily): boolean {
  return boundAddress?.address === '::' || (family === 4 && boundAddress?.address === '0.0.0.0');
}

/**
 * The flow came by this transport, or by another of the same listener. Addresses do not say so: a socket of one address and one of all
 * may have the same, and a connection of ours has a port that nobody listens on.
 */
function isBeside({ listener }: Transport, flow: Flow): boolean {
  return listener !== undefined && listener === flow.listener;
}

/** The transport that the flow came by. */
function ownerOf(transports: Transports, flow: Flow): Transport | null {
  const able = transports.filter(({ protocol }) => protocol === flow.protocol);
  return able.find((one) => isBeside(one, flow)) ?? able[0] ?? null;
}

/** The address of ours that the system would send from; null where it knows no way. Nothing is sent. */
async function sourceTowards(address: string): Promise<string | null> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    socket.connect(anyPort, address);
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

/**
 * Where the responses to a request go (RFC 3261 §18.2.2): a connection's own flow, and when it is gone a new connection
 * to the sender; over UDP the address and port that the top Via names.
 *
 * Deviation: a UDP client behind a NAT that does not ask for `rport` is answered at the port it sent from, because the
 * port in its Via is one inside its own network.
 */
export function responseFlowFor(transports: Transports, flow: Flow, { via }: MessageIdentity): Flow {
  const isStream = flow.protocol === 'tcp' || flow.protocol === 'tls';
  const stream = isStream ? ownerOf(transports, flow) : null;
  if (stream) return new FallbackFlow(flow, stream, { ...responseTarget(via, true), name: via.host });
  if (flow.protocol !== 'udp') return flow;
  const target = responseTarget(via);
  const isBehindNat = !isSameAddress(via.host, flow.remoteAddress) && addressKind(via.host) !== 'name';
  const isSame = target.port === flow.remotePort && isSameAddress(target.host, flow.remoteAddress);
  if (isSame || isBehindNat) return flow;
  const datagrams = ownerOf(transports, flow);
  return datagrams === null
    ? flow
    : new RedirectedFlow(flow, datagrams, { host: flow.remoteAddress, port: target.port });
}

/** Stands where the system wants a port though nothing is sent; any would do. */
const anyPort = 5060;

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
  readonly listener: number | undefined;
  protected readonly flow: Flow;

  constructor(flow: Flow, target: Target) {
    this.flow = flow;
    this.id = flow.id;
    this.protocol = flow.protocol;
    this.reliable = flow.reliable;
    this.localAddress = flow.localAddress;
    this.localPort = flow.localPort;
    this.listener = flow.listener;
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

/** Answers a request over UDP at another port of the peer than the one that it came from. */
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

/** Answers down the connection that a request came by; where that is gone, over a new one to where its sender listens. */
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
  for (const transport of transports) {
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
    /** Absent: every datagram is read at once. */
    precedenceOf?: Parameters<Transport['arrange']>[0] | undefined;
  },
): void {
  transport.onMessage((message, flow) => user.receive(message, flow));
  transport.onMalformed((...parameters) => user.receiveMalformed(...parameters));
  transport.onFlowClosed((flow) => user.flowClosed(flow));
  transport.judgeBy((flow) => user.standingOf(flow));
  transport.ignore((address) => user.isIgnored(address));
  if (user.precedenceOf !== undefined) transport.arrange(user.precedenceOf);
}
