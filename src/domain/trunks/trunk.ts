/** Trunks: carriers and phone systems, where their calls come from, and what they may do. */
import type { PhoneCodec, SrtpPolicy } from '../media-plane.js';
import type { VerdictSource } from '../participants/caller-verification.js';
import type { TrunkOutbound } from './outbound.js';

/** A place of an INVITE that may name the number that was called. */
export type CalledNumberPlace = 'p-called-party-id' | 'request-uri' | 'to';

/** Places of an INVITE that may name who calls, in the order in which they are usually believed. */
export const callerPlaces = [
  'p-asserted-identity',
  'remote-party-id',
  'p-preferred-identity',
  'from',
] as const;

export type CallerPlace = (typeof callerPlaces)[number];

/** Where the caller is looked for: the first place that names somebody wins. What is not among them is not believed. */
export type CallerIdentity = readonly CallerPlace[];

/** Whether calls' signatures for who calls are verified: not at all, for others to see, or so that no other call comes in. */
export type StirPolicy = 'off' | 'report' | 'require';

/** What a password is made into. */
export type DigestHash = 'SHA-256' | 'MD5';

/** A name and a password that calls must show (RFC 3261 §22). */
export interface InboundDigest {
  /** Unique over all accounts. */
  readonly username: string;
  /** What the password was made into: calls are challenged with these hashes. Never shown; the password itself is not kept. */
  readonly secrets: Readonly<Partial<Record<DigestHash, string>>>;
}

/** How calls of a trunk are known, and how they are read. */
export interface TrunkInbound {
  /** Addresses and networks whose calls are the trunk's. */
  readonly networks: readonly string[];
  /**
   * Host names of which the peer of a TLS connection must have shown one in its certificate, in small letters. Beside a network: both
   * must fit. Without any: such a certificate alone says that a call is the trunk's. Empty: none is asked for.
   */
  readonly certificateNames: readonly string[];
  /** Beside a network: both must fit. Without any: it alone says that a call is the trunk's. Null: nothing is asked for. */
  readonly digest: InboundDigest | null;
  /** Where the called number is looked for; the first place that has one wins. */
  readonly calledNumber: readonly CalledNumberPlace[];
  readonly callerIdentity: CallerIdentity;
  readonly stir: StirPolicy;
  /** Who verifies, where somebody does, and how the carrier tells it. */
  readonly verifiedBy: VerdictSource;
  /** Names of header fields that applications see of its calls. */
  readonly headers: readonly string[];
}

/** How keys are pressed: as telephone events (RFC 4733), by SIP INFO, or by whichever way the call has. */
export type DtmfPolicy = 'auto' | '4733' | 'info';

/** What may be agreed on for the audio of a trunk's calls. */
export interface TrunkMedia {
  /** Those that may be used, the preferred first; null: all that there are, in the order of whoever offers. */
  readonly codecs: readonly PhoneCodec[] | null;
  readonly dtmf: DtmfPolicy;
  /** Null: as it is for all phones. */
  readonly srtp: SrtpPolicy | null;
}

export interface Trunk {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  /** A trunk that is not enabled takes no calls and lets none in, as if it did not exist. */
  readonly isEnabled: boolean;
  readonly inbound: TrunkInbound;
  /** Null: nothing is sent there but what belongs to its calls. */
  readonly outbound: TrunkOutbound | null;
  readonly media: TrunkMedia;
  /** The account's numbers that may be called over it, in E.164; null: all of them. */
  readonly numbers: readonly string[] | null;
  /** Patterns of callers' numbers (see `matchesPattern`); null: anybody may call. */
  readonly allowedCallers: readonly string[] | null;
  /** Patterns of called numbers; null: any. */
  readonly allowedCalled: readonly string[] | null;
  /** Null: as many as there are. */
  readonly maxConcurrentCalls: number | null;
  /** Null: as fast as they come. */
  readonly maxCallsPerSecond: number | null;
  readonly createdAt: number;
  /** Repeated requests with the same key make one trunk. */
  readonly key: string | null;
  /** What the request with the key asked for. */
  readonly fingerprint: string;
}

export interface TrunkQuery {
  readonly accountId: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: number | undefined;
}

export interface TrunkPage {
  /** Newest first. */
  readonly trunks: readonly Trunk[];
  /** Where the next page begins; null where there is none. */
  readonly next: number | null;
}

export type CreateTrunkResult =
  | { readonly result: 'created' | 'too-many' | 'username-taken' }
  /** The key was used before. */
  | { readonly result: 'existing'; readonly trunk: Trunk };

/** Every method is atomic and rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface TrunkStore {
  /** Keeps it where the account has fewer than `limit`, and no other trunk has its digest's user name. */
  createTrunk(trunk: Trunk, limit: number): Promise<CreateTrunkResult>;
  /** Puts it in the place of the one with the same id and account, whose key and time stay. */
  replaceTrunk(trunk: Trunk): Promise<'replaced' | 'username-taken' | 'gone'>;
  getTrunk(accountId: string, trunkId: string): Promise<Trunk | null>;
  listTrunks(query: TrunkQuery): Promise<TrunkPage>;
  /** The trunks of every account, oldest first. */
  allTrunks(): Promise<readonly Trunk[]>;
  /** False where there is none. */
  deleteTrunk(accountId: string, trunkId: string): Promise<boolean>;
}
