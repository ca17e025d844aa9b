/** Records out of the real DNS. */
import { ADDRCONFIG } from 'node:dns';
import { Resolver as DnsResolver, lookup } from 'node:dns/promises';
import type { Lookup, RecordSource } from './cached-resolver.js';
import type { AddressFamily, NaptrRecord, SrvRecord } from './resolver.js';

export interface DnsRecordsOptions {
  /** Addresses, with a port or without (`192.0.2.53`, `[2001:db8::53]:5353`). Empty: those of the system. */
  readonly servers: readonly string[];
  /**
   * Without `servers`: the system is asked for addresses that the DNS does not know. It may take its time, and one of the few threads
   * that files are read with: not for names that strangers choose.
   */
  readonly asksSystem: boolean;
  /** For one question. */
  readonly timeoutMs: number;
}

/** The DNS answers that there is no such record, or that it does not know this kind of question: that is no failure. */
const nothingFound: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'ENOTIMP']);
/** There is no DNS to ask: the system may know the name all the same. */
const nobodyToAsk: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTINITIALIZED', 'ELOADIPHLPAPI']);

export class DnsRecords implements RecordSource {
  readonly #options: DnsRecordsOptions;
  readonly #resolver: DnsResolver;

  /** Throws where a server is no address. */
  constructor(options: DnsRecordsOptions) {
    this.#options = options;
    // Asked once, and once more: a datagram may be lost.
    this.#resolver = new DnsResolver({ timeout: Math.max(1, Math.floor(options.timeoutMs / 3)), tries: 2 });
    if (options.servers.length > 0) this.#resolver.setServers(options.servers);
  }

  async naptr(name: string): Promise<Lookup<NaptrRecord>> {
    return { records: await found(this.#inTime(this.#resolver.resolveNaptr(name))), ttlSeconds: null };
  }

  async srv(name: string): Promise<Lookup<SrvRecord>> {
    return { records: await found(this.#inTime(this.#resolver.resolveSrv(name))), ttlSeconds: null };
  }

  async address(name: string, family: AddressFamily): Promise<Lookup<string>> {
    const asksSystem = this.#options.asksSystem && this.#options.servers.length === 0;
    if (name === 'localhost') return unknownTtl([family === 4 ? '127.0.0.1' : '::1']);
    try {
      const asked =
        family === 4
          ? this.#resolver.resolve4(name, { ttl: true })
          : this.#resolver.resolve6(name, { ttl: true });
      const records = await found(this.#inTime(asked));
      if (records.length > 0) {
        const ttlSeconds = Math.min(...records.map(({ ttl }) => ttl));
        return { records: records.map(({ address }) => address), ttlSeconds };
      }
    } catch (error) {
      if (!asksSystem || !nobodyToAsk.has(codeOf(error))) throw error;
    }
    return unknownTtl(asksSystem ? await this.#ofSystem(name, family) : []);
  }

  /** Asks the system, which knows names that no DNS has: those of the hosts file, of containers. */
  async #ofSystem(name: string, family: AddressFamily): Promise<string[]> {
    const addresses = await found(this.#inTime(lookup(name, { family, all: true, hints: ADDRCONFIG })));
    return addresses.map(({ address }) => address);
  }

  /** Rejects after the time for one question, whatever the resolver has made of it. */
  async #inTime<T>(asked: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the DNS did not answer in time')), this.#options.timeoutMs);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function found<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked;
  } catch (error) {
    if (nothingFound.has(codeOf(error))) return [];
    throw error;
  }
}

function unknownTtl(records: readonly string[]): Lookup<string> {
  return { records, ttlSeconds: null };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
