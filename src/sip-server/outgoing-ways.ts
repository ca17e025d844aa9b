/** Resolves a next hop to servers through the DNS and connects to them in turn, remembering those that failed (RFC 3263). */
import { randomUUID } from 'node:crypto';
import { CachedResolver } from './resolution/cached-resolver.js';
import { DeadTargets } from './resolution/dead-targets.js';
import { DnsRecords } from './resolution/dns-records.js';
import { Locator, type LocatedProtocol, type Target } from './resolution/locate.js';
import type { Resolver } from './resolution/resolver.js';
import { reachableFamilies, transportTo, type Transports } from './network.js';
import type { Clock } from './transaction/clock.js';
import type { Flow } from './transport/flow.js';
import type { SipLogger } from './user-agent/environment.js';
import { addressKind } from './user-agent/local-address.js';
import { defaultPort, type NextHop } from './user-agent/next-hop.js';
import type { ServerPlace, StreamsBeside, TargetFault, Way } from './user-agent/way.js';

/** How servers are found, and what becomes of those that fail. */
export interface NextHopOptions {
  /** Looks all names up. Default: the DNS; for names that no peer chose the system, too, which knows the hosts file. */
  readonly resolver?: Resolver;
  /** DNS servers; default: those of the system. */
  readonly dnsServers?: readonly string[];
  /** How long one question to the DNS may take. Default 2,000 ms. */
  readonly dnsTimeoutMs?: number;
  /** How long an answer without a time holds. Default 30,000 ms. */
  readonly dnsCacheMs?: number;
  /** Answers kept. As many again are kept for names that peers chose, so that those push out no others. Default 2,000. */
  readonly maxDnsAnswers?: number;
  /** Servers looked up, and tried, for one request. Default 8. */
  readonly maxTargets?: number;
  /** Looking servers up for one request takes so long at most, in all. Default 12,000 ms. */
  readonly lookUpMs?: number;
  /** Writes a log line that others may cause as often as they like, or leaves it out. Default: writes it. */
  readonly limitLine?: (write: () => void) => void;
  /** A server that failed is tried after the others for so long. Default 60,000 ms. */
  readonly deadMs?: number;
  /** Failed servers remembered; the oldest is forgotten first. Default 1,000. */
  readonly maxDead?: number;
  /** A server that has not answered anything by then is left for the next. Default 4,000 ms. */
  readonly firstResponseMs?: number;
  /** Servers that take no connection, however long a request is. Default: none is known. */
  readonly takesDatagramsAlone?: (address: string) => boolean;
  /** Whether new requests may go to that address. Those in calls, and responses, go anywhere. Default: to all. */
  readonly mayReach?: (address: string) => boolean;
  /** 0 ≤ x < 1: shares the load. Default: Math.random. */
  readonly random?: () => number;
}

/** Finds servers for the requests of one SIP server or client. */
export class OutgoingWays {
  readonly #transports: Transports;
  readonly #locator: Locator;
  readonly #dead: DeadTargets;
  readonly #tell: TellFailure;
  readonly #takesDatagramsAlone: (address: string) => boolean;
  readonly #mayReach: (address: string) => boolean;

  constructor(transports: Transports, options: NextHopOptions, clock: Clock, logger: SipLogger) {
    this.#transports = transports;
    const limitLine = options.limitLine ?? ((write: () => void) => write());
    this.#tell = (fields, message) => limitLine(() => logger.info(fields, message));
    this.#takesDatagramsAlone = options.takesDatagramsAlone ?? (() => false);
    this.#mayReach = options.mayReach ?? everywhere;
    const nowMs = (): number => clock.nowMs();
    const { deadMs = 60_000, maxDead = 1_000 } = options;
    this.#dead = new DeadTargets({ deadMs, maxEntries: maxDead, nowMs });
    this.#locator = new Locator({
      resolver: options.resolver ?? systemResolver(options, nowMs, true),
      peersResolver: options.resolver ?? systemResolver(options, nowMs, false),
      random: options.random ?? Math.random,
      families: (protocol) => reachableFamilies(transports, protocol),
      isDead: (target) => this.#dead.has(keyOf(target)),
      maxTargets: options.maxTargets ?? 8,
      lookUpMs: options.lookUpMs ?? 12_000,
      clock,
      onFailure: (name, error) => this.#tell({ name, error }, 'name could not be looked up'),
    });
  }

  /** The way of a new request to a hop, by servers that it may go to, `first` before the others; null where no transport leads there. */
  to(hop: NextHop, first?: ServerPlace): Way | null {
    return this.#way(hop, this.#mayReach, { first });
  }

  /** The way of a request that belongs to a call, or is passed on; it may go to any server. */
  within(hop: NextHop): Way | null {
    return this.#way(hop, everywhere, {});
  }

  /** Connections beside datagrams: by the same server's TCP, where it takes any. */
  readonly streams: StreamsBeside = {
    to: async (datagrams) => {
      const { remoteAddress: address, remotePort: port } = datagrams;
      const target: Target = { protocol: 'tcp', address, port, serverName: address };
      if (this.#takesDatagramsAlone(address) || this.#dead.has(keyOf(target))) return null;
      try {
        return await this.#connect(target, datagrams);
      } catch {
        this.#dead.add(keyOf(target));
        return null;
      }
    },
    broke: (stream) => this.#dead.add(keyOfFlow(stream)),
  };

  /** `near`: a flow by whose socket it goes, where that leads there. */
  #way(
    hop: NextHop,
    mayReach: (address: string) => boolean,
    { first, near }: { readonly first?: ServerPlace | undefined; readonly near?: Flow | undefined },
  ): Way | null {
    const { protocol } = hop;
    if (protocol === 'ws' || protocol === 'wss') return null;
    const isSpoken = (one: LocatedProtocol): boolean => reachableFamilies(this.#transports, one).length > 0;
    if (!isSpoken(protocol) && (hop.transportGiven || !isSpoken('tcp'))) return null;
    const targets = beginningWith(targetAt(first, hop), this.#locator.targets(hop));
    return new LocatedWay(hop, targets, {
      connect: (target) => this.#connect(target, near),
      mayReach,
      dead: this.#dead,
      takesDatagramsAlone: this.#takesDatagramsAlone,
      tell: this.#tell,
      nowhere: nowhere(this.#transports, hop, protocol),
    });
  }

  /** A flow to the first server of the hop that can be connected to. Rejects where there is none. */
  async connect(hop: NextHop, near?: Flow): Promise<Flow> {
    const way = this.#way(hop, everywhere, { near });
    if (way === null) throw new Error(`no ${hop.protocol} transport`);
    const flow = await way.next();
    if (flow === null) throw new Error(`nobody can be reached at ${hop.host}`);
    return flow;
  }

  async #connect({ protocol, address, port, serverName }: Target, near?: Flow): Promise<Flow> {
    const transport = await transportTo(this.#transports, protocol, address, near);
    if (transport === null) throw new Error(`no ${protocol} transport for this address`);
    return transport.connect(address, port, serverName);
  }
}

const everywhere = (): boolean => true;

type TellFailure = (fields: object, message: string) => void;

interface WayParts {
  readonly connect: (target: Target) => Promise<Flow>;
  readonly mayReach: (address: string) => boolean;
  readonly dead: DeadTargets;
  readonly takesDatagramsAlone: (address: string) => boolean;
  readonly tell: TellFailure;
  readonly nowhere: Flow;
}

/** The way of one request: the servers that the locator finds, one after the other, and what became of each. */
class LocatedWay implements Way {
  readonly #isLiteral: boolean;
  readonly nowhere: Flow;
  readonly #targets: AsyncGenerator<Target, void>;
  readonly #parts: WayParts;
  #current: Target | undefined;
  /** To be tried where a connection beside it breaks before anything came by it. */
  #datagrams: Flow | undefined;

  constructor({ host }: NextHop, targets: AsyncGenerator<Target, void>, parts: WayParts) {
    this.#isLiteral = addressKind(host) !== 'name';
    this.nowhere = parts.nowhere;
    this.#targets = targets;
    this.#parts = parts;
  }

  get isSole(): boolean {
    return this.#isLiteral && this.#datagrams === undefined;
  }

  async next(): Promise<Flow | null> {
    const datagrams = this.#datagrams;
    this.#datagrams = undefined;
    if (datagrams !== undefined) return datagrams;
    for (;;) {
      const target = await this.#nextTarget();
      if (target === null) return null;
      if (!this.#parts.mayReach(target.address)) {
        this.#parts.tell({ ...target }, 'server has an address that requests may not go to');
        continue;
      }
      this.#current = target;
      try {
        return await this.#parts.connect(target);
      } catch (error) {
        this.#parts.dead.add(keyOf(target));
        this.#parts.tell({ ...target, error }, 'server could not be connected to');
      }
    }
  }

  async streamBeside(datagrams: Flow): Promise<Flow | null> {
    const { dead, connect, takesDatagramsAlone } = this.#parts;
    if (this.#current === undefined || takesDatagramsAlone(datagrams.remoteAddress)) return null;
    const target: Target = { ...this.#current, protocol: 'tcp' };
    if (dead.has(keyOf(target))) return null;
    try {
      const stream = await connect(target);
      this.#datagrams = datagrams;
      return stream;
    } catch {
      dead.add(keyOf(target));
      return null;
    }
  }

  answered(flow: Flow): void {
    this.#datagrams = undefined;
    this.#parts.dead.remove(keyOfFlow(flow));
  }

  failed(flow: Flow, fault: TargetFault): void {
    if (fault !== 'unreachable') this.#datagrams = undefined;
    this.#parts.dead.add(keyOfFlow(flow), typeof fault === 'number' ? fault : undefined);
  }

  async #nextTarget(): Promise<Target | null> {
    try {
      const { value, done } = await this.#targets.next();
      return done === true ? null : value;
    } catch {
      // Was logged where it happened.
      return null;
    }
  }
}

/** Null where it is no server that can be dialled. */
function targetAt(place: ServerPlace | undefined, { serverName, host }: NextHop): Target | null {
  if (place === undefined || place.protocol === 'ws' || place.protocol === 'wss') return null;
  return { ...place, protocol: place.protocol, serverName: serverName ?? host };
}

async function* beginningWith(
  first: Target | null,
  others: AsyncGenerator<Target, void>,
): AsyncGenerator<Target, void> {
  if (first !== null) yield first;
  for await (const target of others) if (first === null || keyOf(target) !== keyOf(first)) yield target;
}

function keyOf({ protocol, address, port }: Target): string {
  return `${protocol} ${address} ${port}`;
}

function keyOfFlow({ protocol, remoteAddress, remotePort }: Flow): string {
  return `${protocol} ${remoteAddress} ${remotePort}`;
}

/** A resolver that asks the DNS and keeps its answers. `asksSystem`: what the DNS does not know is asked of the system. */
function systemResolver(options: NextHopOptions, nowMs: () => number, asksSystem: boolean): Resolver {
  const { dnsServers = [], dnsTimeoutMs = 2_000, dnsCacheMs = 30_000, maxDnsAnswers = 2_000 } = options;
  const records = new DnsRecords({ servers: dnsServers, timeoutMs: dnsTimeoutMs, asksSystem });
  return new CachedResolver(records, { defaultTtlMs: dnsCacheMs, maxEntries: maxDnsAnswers, nowMs });
}

/** What cannot be sent goes there, so that its sender hears of it as of any other failure. */
function nowhere(transports: Transports, { host, port }: NextHop, protocol: LocatedProtocol): Flow {
  const bound = transports.find((one) => one.protocol === protocol)?.boundAddress;
  return {
    id: randomUUID(),
    protocol,
    reliable: protocol !== 'udp',
    localAddress: bound?.address ?? '127.0.0.1',
    localPort: bound?.port ?? 0,
    remoteAddress: host,
    remotePort: port ?? defaultPort(protocol),
    isOpen: false,
    send: () => Promise.reject(new Error('nobody can be reached there')),
    close: () => undefined,
  };
}
