/**
 * Verifies who calls whom (RFC 8224 §6.2). What needs nothing but the request is looked at first: nothing is fetched for an
 * Identity that is old, of another caller, or of a call to somebody else.
 *
 *   Identity ── read ── fresh ── of this caller ── to whom is called ── certificate ── its chain ── its numbers ── signature
 *
 * One good signature vouches for a call, whatever stands beside it.
 */
import type { StirCertificate } from './certificate.js';
import { isSignedEs256 } from './es256.js';
import { canonicalNumber, canonicalUri } from './identities.js';
import { parseIdentity, type IdentityField } from './identity-header.js';
import {
  readPassport,
  rebuildPassport,
  type Attestation,
  type Parties,
  type Passport,
  type PassportProblem,
} from './passport.js';
import { isOfProvider, mayVouchFor, type TrustAnchors } from './trust-anchors.js';
import { notPassed, passed, type Verdict, type VerdictReason } from './verdict.js';

export type CertificateProblem = 'url-not-allowed' | 'not-fetched' | 'fetch-limit' | 'unsuitable-certificate';

/** Where certificates come from. */
export interface CertificateSource {
  /** The signer's certificate, then its chain. `requester`: for whose calls it is counted. Never rejects. */
  certificatesAt(url: string, requester: string): Promise<readonly StirCertificate[] | CertificateProblem>;
}

/** As the request writes them, in one form or in several. */
export interface CallToVerify {
  /** The values of all Identity headers, joined by commas; null where there is none. */
  readonly identity: string | null;
  /** Numbers and URIs of the caller, any of which may be the signed one. */
  readonly caller: readonly string[];
  /** Numbers and URIs of who is called. */
  readonly called: readonly string[];
  /** The Date header, which only the compact form needs. */
  readonly date: string | null;
  /** For whose calls certificates are fetched. */
  readonly requester: string;
}

export interface VerifierLimits {
  /** How old an Identity may be. */
  readonly maxAgeMs: number;
  /** How far its clock may be ahead of ours. */
  readonly maxAheadMs: number;
  /** Identity headers looked at. */
  readonly maxIdentities: number;
  /** A call that could not be verified by then is not. */
  readonly timeoutMs: number;
}

export interface VerifierClock {
  now(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
}

export interface CallVerifierOptions {
  readonly certificates: CertificateSource;
  /** Those that are in force now. */
  readonly anchors: () => TrustAnchors;
  readonly clock: VerifierClock;
  readonly limits: VerifierLimits;
}

/** What is wrong with an Identity, by how far it came: the furthest says most. */
const progress: Readonly<Record<VerdictReason, number>> = {
  'no-identity': 0,
  malformed: 1,
  stale: 2,
  'caller-mismatch': 3,
  'called-mismatch': 4,
  'url-not-allowed': 5,
  timeout: 6,
  'fetch-limit': 6,
  'not-fetched': 6,
  'unsuitable-certificate': 7,
  'untrusted-certificate': 7,
  'expired-certificate': 8,
  'number-not-covered': 9,
  'bad-signature': 10,
  fault: 11,
};
const strength: Readonly<Record<Attestation, number>> = { A: 3, B: 2, C: 1 };

/** A PASSporT that says who called, with those by which the call was sent on. All must be good. */
type Claim = readonly [Passport, ...Passport[]];

export class CallVerifier {
  readonly #options: CallVerifierOptions;

  constructor(options: CallVerifierOptions) {
    this.#options = options;
  }

  /** In time, whatever happens. Never rejects. */
  verify(call: CallToVerify): Promise<Verdict> {
    const { clock, limits } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.after(limits.timeoutMs, () => resolve(notPassed('timeout')));
      const finish = (verdict: Verdict) => {
        timer.cancel();
        resolve(verdict);
      };
      this.#verdictOf(call).then(finish, () => finish(notPassed('fault')));
    });
  }

  async #verdictOf(call: CallToVerify): Promise<Verdict> {
    const parties = { caller: partiesIn(call.caller), called: partiesIn(call.called) };
    const read = parseIdentity(call.identity ?? '', this.#options.limits.maxIdentities).flatMap((field) =>
      field === null ? ['malformed' as const] : this.#read(field, call, parties),
    );
    const passports = read.filter((one) => typeof one !== 'string');
    const reasons: VerdictReason[] = read.flatMap((one) =>
      one === 'malformed' || one === 'unsupported-algorithm' ? ['malformed'] : [],
    );
    const claims: Claim[] = [];
    for (const passport of passports) {
      if (passport.kind === 'div') continue;
      const claim = this.#claimOf(passport, passports, parties);
      if (typeof claim === 'string') reasons.push(claim);
      else claims.push(claim);
    }
    const byStrength = (one: Claim, other: Claim) => strengthOf(other) - strengthOf(one);
    for (const claim of claims.sort(byStrength)) {
      const problem = await this.#problemOf(claim, call.requester);
      const [{ attestation, originationId }] = claim;
      if (problem === null) return passed(attestation, originationId);
      reasons.push(problem);
    }
    const furthest = reasons.reduce<VerdictReason>(
      (best, one) => (progress[one] > progress[best] ? one : best),
      // A diversion of nobody's call vouches for nobody.
      passports.length > 0 ? 'malformed' : 'no-identity',
    );
    return notPassed(furthest);
  }

  /** The PASSporTs that a field may stand for: in the compact form one for each caller and called number. */
  #read(
    field: IdentityField,
    { date }: CallToVerify,
    { caller, called }: CallParties,
  ): readonly (Passport | PassportProblem)[] {
    if (field.header !== '') return [readPassport(field)];
    const dateMs = Date.parse(date ?? '');
    if (Number.isNaN(dateMs)) return ['malformed'];
    const issuedAtSeconds = Math.floor(dateMs / 1000);
    return eachOf(caller).flatMap((origin) =>
      eachOf(called).map((destination) => rebuildPassport(field, { issuedAtSeconds, origin, destination })),
    );
  }

  #claimOf(
    passport: Passport,
    all: readonly Passport[],
    { caller, called }: CallParties,
  ): Claim | 'stale' | 'caller-mismatch' | 'called-mismatch' {
    if (!this.#isFresh(passport)) return 'stale';
    if (!overlaps(passport.origin, caller)) return 'caller-mismatch';
    if (overlaps(passport.destination, called)) return [passport];
    const diversions = all.filter(
      (one) => one.kind === 'div' && this.#isFresh(one) && overlaps(one.origin, passport.origin),
    );
    const way = wayBack(passport, diversions, called);
    return way === null ? 'called-mismatch' : [passport, ...way];
  }

  #isFresh({ issuedAtSeconds }: Passport): boolean {
    const { clock, limits } = this.#options;
    const ageMs = clock.now() - issuedAtSeconds * 1000;
    return ageMs <= limits.maxAgeMs && -ageMs <= limits.maxAheadMs;
  }

  /** Null where every signature is good, and of somebody who may vouch for it. */
  async #problemOf(claim: Claim, requester: string): Promise<VerdictReason | null> {
    for (const passport of claim) {
      const problem = await this.#problemOfOne(passport, requester);
      if (problem !== null) return problem;
    }
    return null;
  }

  async #problemOfOne(passport: Passport, requester: string): Promise<VerdictReason | null> {
    const { certificates, anchors, clock } = this.#options;
    // Nothing could be trusted that came.
    if (anchors().count === 0) return 'untrusted-certificate';
    const chain = await certificates.certificatesAt(passport.x5u, requester);
    if (typeof chain === 'string') return chain;
    const path = anchors().pathOf(chain, clock.now());
    if (typeof path === 'string') return path;
    // What a provider attests of its customers is not the customers' to say (RFC 8588 §4, RFC 9060).
    if (passport.kind === 'shaken' && !isOfProvider(path)) return 'unsuitable-certificate';
    // Who sends a call on signs for the number that was called (RFC 8946 §4).
    const { numbers } = passport.kind === 'div' ? passport.diverted : passport.origin;
    if (!mayVouchFor(path, numbers)) return 'number-not-covered';
    const { signer } = path;
    return isSignedEs256(signer.publicKey, passport.signingInput, passport.signature)
      ? null
      : 'bad-signature';
  }
}

interface CallParties {
  readonly caller: Parties;
  readonly called: Parties;
}

/**
 * The diversions that lead from who is called now back to whom the PASSporT is for: each is to whom the next sent the call
 * (RFC 8946 §6). Null where none do.
 */
function wayBack(
  passport: Passport,
  diversions: readonly Passport[],
  called: Parties,
): readonly Passport[] | null {
  let ways: (readonly Passport[])[] = diversions
    .filter(({ destination }) => overlaps(destination, called))
    .map((first) => [first]);
  // One step for each diversion, of which every way has each once: it ends.
  for (let step = 0; step < diversions.length && ways.length > 0; step += 1) {
    const whole = ways.find((way) => overlaps(way.at(-1)?.diverted ?? nobody, passport.destination));
    if (whole !== undefined) return whole;
    const reached = new Set(ways.flat());
    ways = ways.flatMap((way) =>
      diversions
        .filter((one) => !reached.has(one) && overlaps(one.destination, way.at(-1)?.diverted ?? nobody))
        .map((one) => [...way, one]),
    );
  }
  return null;
}

const nobody: Parties = { numbers: [], uris: [] };

function strengthOf([{ attestation }]: Claim): number {
  return attestation === null ? 0 : strength[attestation];
}

function overlaps(one: Parties, other: Parties): boolean {
  return (
    one.numbers.some((number) => other.numbers.includes(number)) ||
    one.uris.some((uri) => other.uris.includes(uri))
  );
}

/** What is a number is none but that, though a SIP URI may have it for its user. */
function partiesIn(texts: readonly string[]): Parties {
  const of = (read: (text: string) => string | null) => [
    ...new Set(texts.flatMap((text) => read(text) ?? [])),
  ];
  return { numbers: of(canonicalNumber), uris: of(canonicalUri) };
}

/** Few enough that to try them all costs nothing. */
const maxTried = 4;

function eachOf({ numbers, uris }: Parties): readonly Parties[] {
  const each = [
    ...numbers.map((number) => ({ numbers: [number], uris: [] })),
    ...uris.map((uri) => ({ numbers: [], uris: [uri] })),
  ];
  return each.slice(0, maxTried);
}
