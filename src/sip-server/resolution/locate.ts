/** Which servers a request may go to, in order (RFC 3263 §4). */
import { addressKind } from '../user-agent/local-address.js';
import { defaultPort, type NextHop } from '../user-agent/next-hop.js';
import type { Clock } from '../transaction/clock.js';
import { HastyResolver } from './hasty-resolver.js';
import type { AddressFamily, NaptrRecord, Resolver } from './resolver.js';
import { orderServers } from './srv-order.js';

/** Protocols that servers are looked for by; a WebSocket cannot be dialled. */
export type LocatedProtocol = 'udp' | 'tcp' | 'tls';

export interface Target {
  readonly protocol: LocatedProtocol;
  /** Literal; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  /** The domain that was asked for, which a certificate must be for wherever the DNS leads (RFC 5922 §7.1). */
  readonly serverName: string;
}

export interface LocatorOptions {
  readonly resolver: Resolver;
  /** Asked for names that a peer chose. */
  readonly peersResolver: Resolver;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** The kinds of address that a protocol reaches; empty where it is not spoken. */
  readonly families: (protocol: LocatedProtocol) => readonly AddressFamily[];
  /** Whether that one failed a moment ago: then it is tried last. */
  readonly isDead: (target: Target) => boolean;
  /** Targets at most, and as many services and servers that are looked up for them. */
  readonly maxTargets: number;
  /** All look-ups for one hop together take so long at most. */
  readonly lookUpMs: number;
  readonly clock: Clock;
  /** Told that a question had no answer. */
  readonly onFailure: (name: string, error: unknown) => void;
}

/** Services in NAPTR records that we can use (RFC 3263 §4.1); not those of RFC 7118, for a WebSocket cannot be dialled. */
const services = new Map<string, LocatedProtocol>([
  ['SIP+D2U', 'udp'],
  ['SIP+D2T', 'tcp'],
  ['SIPS+D2T', 'tls'],
]);
const serviceNames: Readonly<Record<LocatedProtocol, string>> = {
  udp: '_sip._udp',
  tcp: '_sip._tcp',
  tls: '_sips._tcp',
};
const all: readonly LocatedProtocol[] = ['udp', 'tcp', 'tls'];

/** One host of a service, before its address is known. */
interface Server {
  readonly protocol: LocatedProtocol;
  readonly host: string;
  readonly port: number;
}

/** Finds the servers of a next hop. */
export class Locator {
  readonly #options: LocatorOptions;

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  /**
   * The servers of the hop, one by one: names are only looked up when their turn comes. Those that were dead a moment ago come
   * last, none is left out. Ends where there are no more; throws where the DNS did not say whether there is any.
   */
  async *targets(hop: NextHop): AsyncGenerator<Target, void> {
    const { maxTargets, isDead } = this.#options;
    const dead: Target[] = [];
    let count = 0;
    for await (const target of this.#inOrder(hop)) {
      if (count >= maxTargets) break;
      count += 1;
      if (isDead(target)) dead.push(target);
      else yield target;
    }
    yield* dead;
  }

  async *#inOrder(hop: NextHop): AsyncGenerator<Target, void> {
    const { resolver, peersResolver, clock, lookUpMs } = this.#options;
    const asked = hop.isNamedByPeer === true ? peersResolver : resolver;
    const hasty = new HastyResolver(asked, { clock, maxMs: lookUpMs });
    let failure: Error | null = null;
    let found = 0;
    for (const server of await this.#servers(hop, hasty)) {
      try {
        for (const target of await this.#addresses(server, hop.serverName ?? hop.host, hasty)) {
          found += 1;
          yield target;
        }
      } catch (error) {
        this.#options.onFailure(server.host, error);
        failure ??= asError(error);
      }
    }
    if (found === 0 && failure !== null) throw failure;
  }

  /** The hosts to try: those of NAPTR, else of SRV, else the domain itself (RFC 3263 §4.1, §4.2). */
  async #servers(hop: NextHop, resolver: Resolver): Promise<readonly Server[]> {
    const { host } = hop;
    const protocol = this.#wanted(hop);
    if (protocol === null) return [];
    const direct = { protocol, host, port: hop.port ?? defaultPort(protocol) };
    if (hop.port !== undefined || addressKind(host) !== 'name' || host === 'localhost') return [direct];
    const services = hop.transportGiven && hop.protocol !== 'tls' ? [] : await this.#byNaptr(hop, resolver);
    const failures: Error[] = [];
    const look = async (spoken: LocatedProtocol, name: string): Promise<readonly Server[] | null> => {
      try {
        return await this.#bySrv(spoken, name, resolver);
      } catch (error) {
        this.#options.onFailure(name, error);
        failures.push(asError(error));
        return null;
      }
    };
    for (const service of services) {
      const servers = await look(service.protocol, service.name);
      if (servers !== null) return servers;
    }
    const protocols = hop.transportGiven ? [protocol] : all.filter((one) => this.#speaks(one));
    let isRefused = false;
    for (const one of protocols) {
      const servers = await look(one, `${serviceNames[one]}.${host}`);
      if (servers !== null && servers.length > 0) return servers;
      // The service is said not to be there: no address stands in for it (RFC 2782).
      if (servers !== null) isRefused ||= one === protocol;
    }
    // Where the DNS failed nobody knows of its servers, which may be elsewhere than its own address.
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    return isRefused ? [] : [direct];
  }

  /** What is spoken where the DNS says nothing; null: nothing that the hop allows. */
  #wanted({ protocol, transportGiven }: NextHop): LocatedProtocol | null {
    if (protocol === 'ws' || protocol === 'wss') return null;
    if (this.#speaks(protocol)) return protocol;
    return protocol === 'udp' && !transportGiven && this.#speaks('tcp') ? 'tcp' : null;
  }

  #speaks(protocol: LocatedProtocol): boolean {
    return this.#options.families(protocol).length > 0;
  }

  /** What the domain offers and we speak, in its order; over TLS alone where the URI or its transport wants that. */
  async #byNaptr({ host, protocol: wanted, transportGiven }: NextHop, resolver: Resolver) {
    const records = await resolver.lookupNaptr(host).catch((error: unknown) => {
      // One that does not answer this may answer the questions that come then.
      this.#options.onFailure(host, error);
      return [];
    });
    return records
      .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap((record: NaptrRecord) => {
        const protocol = services.get(record.service.toUpperCase());
        const isUsable =
          protocol !== undefined && record.flags.toLowerCase() === 's' && this.#speaks(protocol);
        if (!isUsable || (transportGiven && protocol !== wanted)) return [];
        return [{ protocol, name: record.replacement }];
      })
      .slice(0, this.#options.maxTargets);
  }

  /** Null where there are no such records; none where the service is said not to exist. Rejects where that is not known. */
  async #bySrv(
    protocol: LocatedProtocol,
    name: string,
    resolver: Resolver,
  ): Promise<readonly Server[] | null> {
    const { random, maxTargets } = this.#options;
    const records = await resolver.lookupSrv(name);
    if (records.length === 0) return null;
    const servers = records.filter((record) => record.name !== '.' && record.name !== '' && record.port > 0);
    return orderServers(servers, random, maxTargets).map((record) => ({
      protocol,
      host: record.name,
      port: record.port,
    }));
  }

  /** The addresses of a server, IPv4 before IPv6: where it has both, IPv4 is what most are set up for. */
  async #addresses(
    { protocol, host, port }: Server,
    serverName: string,
    resolver: Resolver,
  ): Promise<Target[]> {
    const { families } = this.#options;
    if (addressKind(host) !== 'name') return [{ protocol, address: host, port, serverName }];
    const asked = await Promise.allSettled(
      families(protocol).map((family) => resolver.lookupAddress(host, family)),
    );
    const addresses = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = asked.find((answer) => answer.status === 'rejected');
    if (addresses.length === 0 && failed !== undefined) throw failed.reason;
    return addresses.map((address) => ({ protocol, address, port, serverName }));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
