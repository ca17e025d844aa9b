/** A resolver that knows what a test writes down. */
import type {
  AddressFamily,
  NaptrRecord,
  Resolver,
  SrvRecord,
} from '../../src/sip-server/resolution/resolver.js';

export class TableResolver implements Resolver {
  /** `SRV _sip._udp.example.com`, in the order asked. */
  readonly asked: string[] = [];
  readonly #records = new Map<string, readonly unknown[]>();
  readonly #failing = new Set<string>();

  /** `kind`: A, AAAA, SRV or NAPTR. */
  add(
    kind: string,
    name: string,
    ...records: readonly (string | Partial<SrvRecord> | Partial<NaptrRecord>)[]
  ): this {
    const whole = records.map((record) =>
      typeof record === 'string'
        ? record
        : kind === 'SRV'
          ? { priority: 1, weight: 0, port: 5060, name: '', ...record }
          : { order: 1, preference: 1, flags: 's', service: '', replacement: '', ...record },
    );
    this.#records.set(`${kind} ${name}`, whole);
    return this;
  }

  /** The DNS does not answer that. */
  fail(kind: string, name: string): this {
    this.#failing.add(`${kind} ${name}`);
    return this;
  }

  lookupNaptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#answer('NAPTR', name);
  }

  lookupSrv(name: string): Promise<readonly SrvRecord[]> {
    return this.#answer('SRV', name);
  }

  lookupAddress(name: string, family: AddressFamily): Promise<readonly string[]> {
    return this.#answer(family === 4 ? 'A' : 'AAAA', name);
  }

  #answer<T>(kind: string, name: string): Promise<readonly T[]> {
    const key = `${kind} ${name}`;
    this.asked.push(key);
    if (this.#failing.has(key)) return Promise.reject(new Error(`${key}: no answer`));
    return Promise.resolve((this.#records.get(key) ?? []) as readonly T[]);
  }
}
