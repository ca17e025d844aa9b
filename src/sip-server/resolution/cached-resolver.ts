/** Remembers what the DNS said, for as long as it may be believed. */
import type { AddressFamily, NaptrRecord, Resolver, SrvRecord } from './resolver.js';

/** Records, and how long they hold. */
export interface Lookup<Record> {
  readonly records: readonly Record[];
  /** For how long they hold, where that is known. */
  readonly ttlSeconds: number | null;
}

/** Where records come from: like `Resolver`, but each answer says how long it holds. */
export interface RecordSource {
  naptr(name: string): Promise<Lookup<NaptrRecord>>;
  srv(name: string): Promise<Lookup<SrvRecord>>;
  address(name: string, family: AddressFamily): Promise<Lookup<string>>;
}

export interface CachedResolverOptions {
  /** How long an answer holds that does not say so itself, and one that finds nothing. */
  readonly defaultTtlMs: number;
  /** Answers kept at most; the one asked for longest ago goes first. */
  readonly maxEntries: number;
  readonly nowMs: () => number;
}

interface Entry {
  readonly records: readonly unknown[];
  freshUntilMs: number;
}

/** Longer than this nothing is believed, whatever its time: a carrier that moves shall be found again. */
const longestTtlMs = 3_600_000;
/** More servers or addresses than anybody has; what an answer says beyond them is not kept. */
const maxRecords = 256;
/** An old answer that is all there is holds so long; then the DNS is asked again. */
const staleMs = 5_000;

/**
 * A resolver that keeps answers for their time. Where the DNS does not answer, what it said last is used (RFC 8767): a trunk is reached
 * while the resolver is down. Nobody asks twice at once for the same.
 */
export class CachedResolver implements Resolver {
  readonly #source: RecordSource;
  readonly #options: CachedResolverOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<readonly unknown[]>>();

  constructor(source: RecordSource, options: CachedResolverOptions) {
    this.#source = source;
    this.#options = options;
  }

  lookupNaptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#ask('NAPTR', name, (plain) => this.#source.naptr(plain));
  }

  lookupSrv(name: string): Promise<readonly SrvRecord[]> {
    return this.#ask('SRV', name, (plain) => this.#source.srv(plain));
  }

  lookupAddress(name: string, family: AddressFamily): Promise<readonly string[]> {
    return this.#ask(family === 4 ? 'A' : 'AAAA', name, (plain) => this.#source.address(plain, family));
  }

  async #ask<Record>(
    kind: string,
    name: string,
    look: (name: string) => Promise<Lookup<Record>>,
  ): Promise<readonly Record[]> {
    const plain = name.toLowerCase().replace(/\.$/, '');
    const key = `${kind} ${plain}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#options.nowMs() < entry.freshUntilMs) {
      this.#keep(key, entry);
      return entry.records as Record[];
    }
    const asking = this.#asking.get(key) ?? this.#refresh(key, () => look(plain));
    return (await asking) as readonly Record[];
  }

  #refresh<Record>(key: string, look: () => Promise<Lookup<Record>>): Promise<readonly unknown[]> {
    const refreshed = this.#lookUp(key, look).finally(() => this.#asking.delete(key));
    this.#asking.set(key, refreshed);
    return refreshed;
  }

  async #lookUp<Record>(key: string, look: () => Promise<Lookup<Record>>): Promise<readonly unknown[]> {
    const { defaultTtlMs, nowMs } = this.#options;
    try {
      const { records: all, ttlSeconds } = await look();
      const records = all.slice(0, maxRecords);
      const ttlMs = ttlSeconds === null || records.length === 0 ? defaultTtlMs : ttlSeconds * 1000;
      this.#keep(key, { records, freshUntilMs: nowMs() + Math.min(ttlMs, longestTtlMs) });
      return records;
    } catch (error) {
      const stale = this.#entries.get(key);
      if (stale === undefined) throw error;
      stale.freshUntilMs = nowMs() + staleMs;
      this.#keep(key, stale);
      return stale.records;
    }
  }

  /** Keeps the answer as the one that was asked for last; where there are too many, the oldest go. */
  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.maxEntries) return;
      this.#entries.delete(oldest);
    }
  }
}
