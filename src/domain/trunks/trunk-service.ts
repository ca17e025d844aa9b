/** Trunks as applications manage them. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import { checkedOutbound, type NewOutbound, type OutboundRules } from './outbound-rules.js';
import { isNumberPattern } from './number-pattern.js';
import { prefixOf, roomOf } from '../network-index.js';
import { isNeverShown } from '../participants/call-headers.js';
import type { TrunkDirectory } from './trunk-directory.js';
import {
  callerPlaces,
  type DigestHash,
  type InboundDigest,
  type Trunk,
  type TrunkInbound,
  type TrunkMedia,
  type TrunkPage,
  type TrunkQuery,
  type TrunkStore,
} from './trunk.js';

export interface TrunkLimits {
  readonly maxPerAccount: number;
  /** A network that fixes fewer bits of its IPv4 addresses is too wide to be somebody's. */
  readonly minIpv4Prefix: number;
  readonly minIpv6Prefix: number;
  /** What all networks of one account's enabled trunks may have together, the same one counted once. */
  readonly maxIpv4Addresses: number;
  /** The same for IPv6, in networks of 64 bits. */
  readonly maxIpv6Subnets: number;
}

export interface TrunkServiceOptions {
  readonly trunks: TrunkStore;
  readonly directory: TrunkDirectory;
  /** A number as people write it, in E.164; null for what is none. */
  readonly normalize: (text: string) => string | null;
  /** What a password is made into, of which it cannot be told. */
  readonly secretHash: (hash: DigestHash, username: string, password: string) => string;
  /** Told when a trunk is no more. */
  readonly onDeleted: (trunkId: string) => void;
  readonly clock: Clock;
  readonly limits: TrunkLimits;
  /** Calls' signatures can be verified. Default false. */
  readonly verifiesCallers?: boolean;
  /** Peers that open TLS connections are asked for certificates. Default false. */
  readonly asksForCertificates?: boolean;
  readonly outbound: OutboundRules;
  /** Header fields in which calls show tokens. Default: none. */
  readonly credentialFields?: readonly string[];
}

export interface NewDigest {
  readonly username: string;
  /** Null: that of before stays. */
  readonly password: string | null;
  readonly hashes: readonly DigestHash[];
}

/** What is left out has its default: enabled, everything allowed, no limits. */
export interface NewTrunk {
  readonly name?: string | null;
  readonly isEnabled?: boolean;
  readonly inbound?: Partial<Omit<TrunkInbound, 'digest'>> & { readonly digest?: NewDigest | null };
  readonly outbound?: NewOutbound | null;
  readonly media?: Partial<TrunkMedia>;
  readonly numbers?: readonly string[] | null;
  readonly allowedCallers?: readonly string[] | null;
  readonly allowedCalled?: readonly string[] | null;
  readonly maxConcurrentCalls?: number | null;
  readonly maxCallsPerSecond?: number | null;
}

const defaultInbound: TrunkInbound = {
  networks: [],
  certificateNames: [],
  digest: null,
  // A carrier that sends to a pilot number says in P-Called-Party-ID which number was called.
  calledNumber: ['p-called-party-id', 'request-uri', 'to'],
  callerIdentity: callerPlaces,
  stir: 'off',
  verifiedBy: 'gateway',
  headers: [],
};

const defaultMedia: TrunkMedia = { codecs: null, dtmf: 'auto', srtp: null };

export class TrunkService {
  readonly #options: TrunkServiceOptions;
  /** Trunks that are being kept: the directory has them once they are. */
  readonly #coming = new Set<Trunk>();

  constructor(options: TrunkServiceOptions) {
    this.#options = options;
  }

  /** With a key that was used before: the trunk that was made then. Throws DomainError `trunk-unusable`, `trunk-key-reused`, `too-many-trunks`, `trunk-username-taken`. */
  async create(accountId: string, wanted: NewTrunk, key: string | null = null): Promise<Trunk> {
    const { trunks, directory, clock, limits } = this.#options;
    const trunk: Trunk = {
      ...this.#checked(wanted, null),
      ...{ id: randomUUID(), accountId, createdAt: clock.now(), key, fingerprint: fingerprintOf(wanted) },
    };
    const creation = await this.#keep(trunk, () => trunks.createTrunk(trunk, limits.maxPerAccount));
    switch (creation.result) {
      case 'created':
        directory.put(trunk);
        return trunk;
      case 'existing':
        if (creation.trunk.fingerprint === trunk.fingerprint) return creation.trunk;
        throw new DomainError('trunk-key-reused', 'The idempotency key was used for another trunk');
      case 'username-taken':
        throw usernameTaken();
      case 'too-many':
        throw new DomainError('too-many-trunks', `An account has at most ${limits.maxPerAccount} trunks`);
    }
  }

  /**
   * Replaces all settings; a digest's password stays where none is given. Throws DomainError `trunk-not-found`,
   * `trunk-unusable`, `trunk-username-taken`.
   */
  async replace(accountId: string, trunkId: string, wanted: NewTrunk): Promise<Trunk> {
    const before = await this.get(accountId, trunkId);
    const trunk: Trunk = { ...before, ...this.#checked(wanted, before) };
    const result = await this.#keep(trunk, () => this.#options.trunks.replaceTrunk(trunk));
    if (result === 'username-taken') throw usernameTaken();
    if (result === 'gone') throw notFound();
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

  /** Throws DomainError `trunk-unusable` where the account's networks would be too wide together. */
  async #keep<T>(trunk: Trunk, keep: () => Promise<T>): Promise<T> {
    this.#checkRoom(trunk);
    this.#coming.add(trunk);
    try {
      return await keep();
    } finally {
      this.#coming.delete(trunk);
    }
  }

  #checkRoom({ id, accountId, isEnabled, inbound }: Trunk): void {
    const { directory, limits } = this.#options;
    const { maxIpv4Addresses, maxIpv6Subnets } = limits;
    if (!isEnabled || inbound.networks.length === 0) return;
    const others = [...directory.ofAccount(accountId), ...this.#coming].filter(
      (other) => other.accountId === accountId && other.id !== id && other.isEnabled,
    );
    const room = roomOf(
      [inbound, ...others.map((other) => other.inbound)].flatMap(({ networks }) => networks),
    );
    if (room[4] > maxIpv4Addresses)
      throw unusable(
        `the account's trunks would have ${room[4]} IPv4 addresses in their networks, ${maxIpv4Addresses} are allowed: give narrower networks`,
      );
    if (room[6] > maxIpv6Subnets)
      throw unusable(
        `the account's trunks would have ${room[6]} networks of /64 in their IPv6 networks, ${maxIpv6Subnets} are allowed: give narrower networks`,
      );
  }

  #checked(
    wanted: NewTrunk,
    before: Trunk | null,
  ): Omit<Trunk, 'id' | 'accountId' | 'createdAt' | 'key' | 'fingerprint'> {
    const { digest: wantedDigest = null, ...wantedInbound } = wanted.inbound ?? {};
    const digest = wantedDigest === null ? null : this.#digest(wantedDigest, before?.inbound.digest ?? null);
    const inbound: TrunkInbound = { ...defaultInbound, ...wantedInbound, digest };
    for (const network of inbound.networks) this.#checkNetwork(network);
    const isOurs = inbound.stir !== 'off' && inbound.verifiedBy === 'gateway';
    if (isOurs && this.#options.verifiesCallers !== true)
      throw unusable(
        'inbound.stir: the gateway has no list of authorities (`stir.ca`), so no call could be verified',
      );
    if (inbound.certificateNames.length > 0 && this.#options.asksForCertificates !== true)
      throw unusable(
        'inbound.certificateNames: the gateway asks nobody for a certificate (`tls.clientCertificates`), so no call could show one',
      );
    for (const name of inbound.headers) {
      if (isNeverShown(name, this.#options.credentialFields))
        throw unusable(`inbound.headers: ${name} is never shown`);
    }
    for (const pattern of [...(wanted.allowedCallers ?? []), ...(wanted.allowedCalled ?? [])]) {
      if (!isNumberPattern(pattern)) throw unusable(`${pattern} is no pattern of numbers, like +4930*`);
    }
    return {
      name: wanted.name ?? null,
      isEnabled: wanted.isEnabled ?? true,
      inbound,
      outbound:
        wanted.outbound === undefined || wanted.outbound === null
          ? null
          : checkedOutbound(wanted.outbound, before?.outbound ?? null, this.#options.outbound),
      media: { ...defaultMedia, ...wanted.media },
      numbers: wanted.numbers?.map((text) => this.#number(text)) ?? null,
      allowedCallers: wanted.allowedCallers ?? null,
      allowedCalled: wanted.allowedCalled ?? null,
      maxConcurrentCalls: wanted.maxConcurrentCalls ?? null,
      maxCallsPerSecond: wanted.maxCallsPerSecond ?? null,
    };
  }

  #digest({ username, password, hashes }: NewDigest, before: InboundDigest | null): InboundDigest {
    const kept = before?.username === username ? before.secrets : {};
    const secrets = hashes.map((hash) => {
      if (password !== null) return [hash, this.#options.secretHash(hash, username, password)] as const;
      const secret = kept[hash];
      // The password is gone, so no other hash can be made of it.
      if (secret === undefined) throw unusable(`inbound.digest: give the password, for ${hash}`);
      return [hash, secret] as const;
    });
    return { username, secrets: Object.fromEntries(secrets) };
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

/** Tells one request from another, without the password: nobody is to guess that by it. */
function fingerprintOf(wanted: NewTrunk): string {
  const shown = JSON.stringify(wanted, (name, value: unknown) => (name === 'password' ? null : value));
  return createHash('sha256').update(shown).digest('base64url');
}

function usernameTaken(): DomainError {
  return new DomainError('trunk-username-taken', 'Another trunk has this user name');
}

function notFound(): DomainError {
  return new DomainError('trunk-not-found', 'Trunk not found');
}

function unusable(message: string): DomainError {
  return new DomainError('trunk-unusable', message);
}
