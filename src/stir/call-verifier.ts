/**
 * Verifies who calls whom (RFC 8224 §6.2). What needs nothing but the request is looked at first: nothing is fetched for an
 * Identity that is old, of another caller, or of a call to somebody else.
 *
 *   Identity ── read ── fresh ── of this caller ── to whom is called ── certificate ── its chain ── its numbers ── signature ── not revoked
 *
 * One good signature vouches for a call, whatever stands beside it.
 */
import type { StirCertificate } from './certificate.js';
import { isSignedEs256 } from './es256.js';
import { waysBack } from './diversions.js';
import { parseIdentity, type IdentityField } from './identity-header.js';
import { eachOf, nobody, overlaps, partiesIn, type CallParties } from './parties.js';
import {
  readPassport,
  rebuildPassport,
  type Attestation,
  type Passport,
  type PassportProblem,
} from './passport.js';
import { isOfProvider, mayVouchFor, type TrustAnchors, type TrustedPath } from './trust-anchors.js';
import { UsedSignatures } from './used-signatures.js';
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
  /** A signature that let one call in lets in no other. */
  readonly callId: string;
  /** The call is over: nothing more is done for it. */
  readonly signal?: AbortSignal;
}

export interface VerifierLimits {
  /** How old an Identity may be. */
  readonly maxAgeMs: number;
  /** How far its clock may be ahead of ours. */
  readonly maxAheadMs: number;
  /** Identity headers looked at. */
  readonly maxIdentities: number;
  /** URLs of certificates asked for one call. */
  readonly maxCertificates: number;
  /** Signatures remembered while they are fresh. */
  readonly maxUsedSignatures: number;
  /** A call that could not be verified by then is not. */
  readonly timeoutMs: number;
}

export interface VerifierClock {
  now(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
}

/** `unknown`: there is a list, and it cannot be had or says nothing. A certificate that names none is `good`. */
export type Standing = 'good' | 'revoked' | 'unknown';

export interface RevocationSource {
  /** Never rejects. */
  standingOf(path: TrustedPath): Promise<Standing>;
}

export interface RevocationRules {
  readonly source: RevocationSource;
  /** `hard`: what cannot be found out speaks against a signer. `soft`: nothing does but a revocation. */
  readonly policy: 'soft' | 'hard';
  /** A list that has not come by then is not known. */
  readonly waitMs: number;
}

export interface CallVerifierOptions {
  readonly certificates: CertificateSource;
  /** Those that are in force now. */
  readonly anchors: () => TrustAnchors;
  readonly clock: VerifierClock;
  readonly limits: VerifierLimits;
  /** Default: whether a certificate was revoked is not looked at. */
  readonly revocation?: RevocationRules | undefined;
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
  'revocation-unknown': 11,
  'revoked-certificate': 12,
  fault: 13,
};
const strength: Readonly<Record<Attestation, number>> = { A: 3, B: 2, C: 1 };

/** A PASSporT that says who called, and the ways by which the call may have been sent on: of one all must be good. */
interface Claim {
  readonly passport: Passport;
  /** From who is called now back; of a call that was not sent on there is one, and it is empty. */
  readonly ways: readonly (readonly Passport[])[];
}

/** What is done for one call. */
interface Effort {
  readonly requester: string;
  /** There is a verdict, or nobody waits for one. */
  readonly isOver: () => boolean;
  /** Asked for. */
  readonly urls: Set<string>;
  /** What was found out; null: it is good. */
  readonly judged: Map<Passport, VerdictReason | null>;
}

export class CallVerifier {
  readonly #options: CallVerifierOptions;
  readonly #used: UsedSignatures;

  constructor(options: CallVerifierOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#used = new UsedSignatures({ clock, max: limits.maxUsedSignatures });
  }

  /** In time, whatever happens; with `timeout`, at once, where the call ends. Never rejects. */
  verify(call: CallToVerify): Promise<Verdict> {
    const { clock, limits } = this.#options;
    return new Promise((resolve) => {
      let isOver = false;
      const finish = (verdict: Verdict) => {
        isOver = true;
        timer.cancel();
        call.signal?.removeEventListener('abort', giveUp);
        resolve(verdict);
      };
      const giveUp = () => finish(notPassed('timeout'));
      const timer = clock.after(limits.timeoutMs, giveUp);
      call.signal?.addEventListener('abort', giveUp);
      if (call.signal?.aborted === true) return giveUp();
      this.#verdictOf(call, () => isOver).then(finish, () => finish(notPassed('fault')));
    });
  }

  async #verdictOf(call: CallToVerify, isOver: () => boolean): Promise<Verdict> {
    const parties = { caller: partiesIn(call.caller), called: partiesIn(call.called) };
    const read = parseIdentity(call.identity ?? '', this.#options.limits.maxIdentities).flatMap((field) =>
      field === null ? ['malformed' as const] : this.#read(field, call, parties),
    );
    const passports = read.filter((one) => typeof one !== 'string');
    const reasons = read.flatMap((one) => (typeof one === 'string' ? reasonOf(one) : []));
    const claims: Claim[] = [];
    for (const passport of passports) {
      if (passport.kind === 'div') continue;
      const claim = this.#claimOf(passport, passports, parties);
      if (typeof claim === 'string') reasons.push(claim);
      else claims.push(claim);
    }
    const effort: Effort = { requester: call.requester, isOver, urls: new Set(), judged: new Map() };
    for (const claim of claims.sort((one, other) => strengthOf(other) - strengthOf(one))) {
      const problem = await this.#problemOf(claim, call.callId, effort);
      const { attestation, originationId } = claim.passport;
      if (problem === null) return passed(attestation, originationId);
      reasons.push(problem);
    }
    // A diversion of nobody's call vouches for nobody.
    return notPassed(furthestOf(reasons, passports.length > 0 ? 'malformed' : 'no-identity'));
  }

  /** The PASSporTs that a field may stand for: in the compact form one for each caller and called number. */
  #read(
    field: IdentityField,
    { date }: CallToVerify,
    { caller, called }: CallParties,
  ): readonly (Passport | PassportProblem | 'caller-mismatch' | 'called-mismatch')[] {
    if (field.header !== '') return [readPassport(field)];
    const dateMs = Date.parse(date ?? '');
    if (Number.isNaN(dateMs)) return ['malformed'];
    const issuedAtSeconds = Math.floor(dateMs / 1000);
    if (
      caller.numbers.length + caller.uris.length === 0 ||
      called.numbers.length + called.uris.length === 0
    ) {
      const unnamed = rebuildPassport(field, { issuedAtSeconds, origin: nobody, destination: nobody });
      if (typeof unnamed === 'string') return [unnamed];
      return [caller.numbers.length + caller.uris.length === 0 ? 'caller-mismatch' : 'called-mismatch'];
    }
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
    if (overlaps(passport.destination, called)) return { passport, ways: [[]] };
    const diversions = all.filter(
      (one) => one.kind === 'div' && this.#isFresh(one) && overlaps(one.origin, passport.origin),
    );
    const ways = waysBack(passport, diversions, called);
    return ways.length === 0 ? 'called-mismatch' : { passport, ways };
  }

  #isFresh({ issuedAtSeconds }: Passport): boolean {
    const { clock, limits } = this.#options;
    const ageMs = clock.now() - issuedAtSeconds * 1000;
    return ageMs <= limits.maxAgeMs && -ageMs <= limits.maxAheadMs;
  }

  /** Null where every signature of a way is good, of somebody who may vouch for it, and no other call's. */
  async #problemOf({ passport, ways }: Claim, callId: string, effort: Effort): Promise<VerdictReason | null> {
    const { limits } = this.#options;
    const reasons: VerdictReason[] = [];
    for (const way of ways) {
      const problem = await this.#problemOfAll([passport, ...way], effort);
      if (effort.isOver()) return 'timeout';
      // The one for who is called now: the first signature goes to everybody whom a call is sent on to.
      const { signature, issuedAtSeconds } = way[0] ?? passport;
      const untilMs = issuedAtSeconds * 1000 + limits.maxAgeMs;
      if (problem === null && this.#used.take(signature, callId, untilMs)) return null;
      reasons.push(problem ?? 'stale');
    }
    return furthestOf(reasons, 'malformed');
  }

  async #problemOfAll(passports: readonly Passport[], effort: Effort): Promise<VerdictReason | null> {
    for (const passport of passports) {
      const known = effort.judged.get(passport);
      const problem = known === undefined ? await this.#problemOfOne(passport, effort) : known;
      effort.judged.set(passport, problem);
      if (problem !== null) return problem;
    }
    return null;
  }

  async #problemOfOne(passport: Passport, effort: Effort): Promise<VerdictReason | null> {
    const { certificates, anchors, clock, limits } = this.#options;
    if (effort.isOver()) return 'timeout';
    // Nothing could be trusted that came.
    if (anchors().count === 0) return 'untrusted-certificate';
    const { urls, requester } = effort;
    if (!urls.has(passport.x5u) && urls.size >= limits.maxCertificates) return 'fetch-limit';
    urls.add(passport.x5u);
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
    if (!isSignedEs256(signer.publicKey, passport.signingInput, passport.signature)) return 'bad-signature';
    return this.#revocationOf(path);
  }

  /** The last to be looked at: nobody makes lists be fetched who has signed nothing. */
  async #revocationOf(path: TrustedPath): Promise<VerdictReason | null> {
    const { revocation, clock } = this.#options;
    if (revocation === undefined) return null;
    const { source, policy, waitMs } = revocation;
    const standing = await new Promise<Standing>((resolve) => {
      const timer = clock.after(waitMs, () => resolve('unknown'));
      void source
        .standingOf(path)
        .then(resolve, () => resolve('unknown'))
        .finally(() => timer.cancel());
    });
    if (standing === 'revoked') return 'revoked-certificate';
    return standing === 'unknown' && policy === 'hard' ? 'revocation-unknown' : null;
  }
}

/** What is of a kind that is not known says nothing. */
function reasonOf(
  problem: PassportProblem | 'caller-mismatch' | 'called-mismatch',
): readonly VerdictReason[] {
  if (problem === 'unsupported') return [];
  return [problem === 'unsupported-algorithm' ? 'malformed' : problem];
}

function strengthOf({ passport: { attestation } }: Claim): number {
  return attestation === null ? 0 : strength[attestation];
}

function furthestOf(reasons: readonly VerdictReason[], least: VerdictReason): VerdictReason {
  return reasons.reduce((best, one) => (progress[one] > progress[best] ? one : best), least);
}
