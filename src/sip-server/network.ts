/** Ways to peers and back: resolves names, chooses transports, finds the flow of a response. */
import { resolveSrv } from 'node:dns/promises';
import type { MessageIdentity } from './transaction/identity.js';
import type { Flow } from './transport/flow.js';
import { zeroCounters } from './transport/inbox.js';
import type { StandingOf, Transport, TransportStats } from './transport/transport.js';
import { responseTarget } from './transport/via-routing.js';
import { addressKind } from './user-agent/local-address.js';
import { defaultPort, type NextHop } from './user-agent/next-hop.js';

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

/**
 * A flow to the next hop; a name without port is looked up by SRV first (RFC 3263 §4.2). With TLS the peer must show a
 * certificate for the name that was asked for, wherever the DNS leads (RFC 5922 §7.1). Rejects when there is no way.
 */
export async function connectTo(transports: Transports, hop: NextHop): Promise<Flow> {
  const wanted = transportFor(transports, hop);
  if (wanted === null) throw new Error(`no ${hop.protocol} transport`);
  const { host, port } = hop;
  if (port !== undefined || addressKind(host) !== 'name' || host === 'localhost') {
    return wanted.connect(host, port ?? defaultPort(wanted.protocol), host);
  }
  const service = wanted.protocol === 'tls' ? '_sips._tcp' : `_sip._${wanted.protocol}`;
  const records = await resolveSrv(`${service}.${host}`).catch(() => []);
  const best = records.sort((a, b) => a.priority - b.priority || b.weight - a.weight)[0];
  return best
    ? wanted.connect(best.name, best.port, host)
    : wanted.connect(host, defaultPort(wanted.protocol), host);
}

function transportFor(
  { udp, tcp, tls }: Transports,
  { protocol, transportGiven }: NextHop,
): Transport | null {
  switch (protocol) {
    case 'udp':
      return udp ?? (transportGiven ? null : (tcp ?? null));
    case 'tcp':
      return tcp ?? null;
    case 'tls':
      return tls ?? null;
    default:
      return null;
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
