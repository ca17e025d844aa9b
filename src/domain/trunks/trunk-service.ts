/** Trunks as applications manage them. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import { isNumberPattern } from './number-pattern.js';
import { prefixOf } from './network-index.js';
import type { TrunkDirectory } from './trunk-directory.js';
import type { Trunk, TrunkInbound, TrunkPage, TrunkQuery, TrunkStore } from './trunk.js';

export interface TrunkLimits {
  readonly maxPerAccount: number;
  /** A network that fixes fewer bits of its IPv4 addresses is too wide to be somebody's. */
  readonly minIpv4Prefix: number;
  readonly minIpv6Prefix: number;
}

export interface TrunkServiceOptions {
  readonly trunks: TrunkStore;
  readonly directory: TrunkDirectory;
  /** A number as people write it, in E.164; null for what is none. */
  readonly normalize: (text: string) => string | null;
  /** Told when a trunk is no more. */
  readonly onDeleted: (trunkId: string) => void;
  readonly clock: Clock;
  readonly limits: TrunkLimits;
}

/** What is left out has its default: enabled, everything allowed, no limits. */
export interface NewTrunk {
  readonly name?: string | null;
  readonly isEnabled?: boolean;
  readonly inbound?: Partial<TrunkInbound>;
  readonly numbers?: readonly string[] | null;
  readonly allowedCallers?: readonly string[] | null;
  readonly allowedCalled?: readonly string[] | null;
  readonly maxConcurrentCalls?: number | null;
  readonly maxCallsPerSecond?: number | null;
}

const defaultInbound: TrunkInbound = {
  networks: [],
  // A carrier that sends to a pilot number says in P-Called-Party-ID which number was called.
  calledNumber: ['p-called-party-id', 'request-uri', 'to'],
  callerIdentity: 'asserted',
};

export class TrunkService {
  readonly #options: TrunkServiceOptions;

  constructor(options: TrunkServiceOptions) {
    this.#options = options;
  }

  /** With a key that was used before: the trunk that was made then. Throws DomainError `trunk-unusable`, `trunk-key-reused`, `too-many-trunks`. */
  async create(accountId: string, wanted: NewTrunk, key: string | null = null): Promise<Trunk> {
    const { trunks, directory, clock, limits } = this.#options;
    const trunk: Trunk = {
      ...this.#checked(wanted),
      ...{ id: randomUUID(), accountId, createdAt: clock.now(), key, fingerprint: fingerprintOf(wanted) },
    };
    const creation = await trunks.createTrunk(trunk, limits.maxPerAccount);
    switch (creation.result) {
      case 'created':
        directory.put(trunk);
        return trunk;
      case 'existing':
        if (creation.trunk.fingerprint === trunk.fingerprint) return creation.trunk;
        throw new DomainError('trunk-key-reused', 'The idempotency key was used for another trunk');
      case 'too-many':
        throw new DomainError('too-many-trunks', `An account has at most ${limits.maxPerAccount} trunks`);
    }
  }

  /** Replaces all settings. Throws DomainError `trunk-not-found`, `trunk-unusable`. */
  async replace(accountId: string, trunkId: string, wanted: NewTrunk): Promise<Trunk> {
    const before = await this.get(accountId, trunkId);
    const trunk: Trunk = { ...before, ...this.#checked(wanted) };
    if (!(await this.#options.trunks.replaceTrunk(trunk))) throw notFound();
    this.#options.directory.put(trunk);
    return trunk;
  }

  async get(accountId: string, trunkId: string): Promise<Trunk> {
    const trunk = await this.#options.trunks.getTrunk(accountId, trunkId);
    if (trunk === null) throw notFound();
    return trunk;
  }

  list(query: TrunkQuery): Promise<TrunkPage> {
    return this.#options.trunks.listTrunks(query);
  }

  /** Calls in progress go on. */
  async delete(accountId: string, trunkId: string): Promise<void> {
    const { trunks, directory, onDeleted } = this.#options;
    if (!(await trunks.deleteTrunk(accountId, trunkId))) throw notFound();
    directory.remove(trunkId);
    onDeleted(trunkId);
  }

  #checked(wanted: NewTrunk): Omit<Trunk, 'id' | 'accountId' | 'createdAt' | 'key' | 'fingerprint'> {
    const inbound = { ...defaultInbound, ...wanted.inbound };
    for (const network of inbound.networks) this.#checkNetwork(network);
    for (const pattern of [...(wanted.allowedCallers ?? []), ...(wanted.allowedCalled ?? [])]) {
      if (!isNumberPattern(pattern)) throw unusable(`${pattern} is no pattern of numbers, like +4930*`);
    }
    return {
      name: wanted.name ?? null,
      isEnabled: wanted.isEnabled ?? true,
      inbound,
      numbers: wanted.numbers?.map((text) => this.#number(text)) ?? null,
      allowedCallers: wanted.allowedCallers ?? null,
      allowedCalled: wanted.allowedCalled ?? null,
      maxConcurrentCalls: wanted.maxConcurrentCalls ?? null,
      maxCallsPerSecond: wanted.maxCallsPerSecond ?? null,
    };
  }

  #checkNetwork(network: string): void {
    const { minIpv4Prefix, minIpv6Prefix } = this.#options.limits;
    const read = prefixOf(network);
    if (read === null) throw unusable(`${network} is no address and no network like 192.0.2.0/24`);
    const least = read.family === 4 ? minIpv4Prefix : minIpv6Prefix;
    if (read.prefix < least) throw unusable(`${network} is too wide: give networks of /${least} or narrower`);
  }

  #number(text: string): string {
    const number = this.#options.normalize(text);
    if (number === null) throw unusable(`${text} is no phone number`);
    return number;
  }
}

/** Nobody is meant to read it: it only tells one request from another. */
function fingerprintOf(wanted: NewTrunk): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('base64url');
}

function notFound(): DomainError {
  return new DomainError('trunk-not-found', 'Trunk not found');
}

function unusable(message: string): DomainError {
  return new DomainError('trunk-unusable', message);
}
