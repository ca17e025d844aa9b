/** Whom certificates of signers must come from: the list of authorities that the operator has (in SHAKEN the policy administrator's). */
import { readAuthorities, type StirCertificate } from './certificate.js';
import { isOfNamedCurve, isP256 } from './es256.js';

export type ChainProblem = 'untrusted-certificate' | 'expired-certificate' | 'unsuitable-certificate';

/** The way from a signer's certificate to an authority of the list, and between which times it holds. */
export interface TrustedPath {
  readonly signer: StirCertificate;
  readonly certificates: readonly StirCertificate[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** So many authorities may stand between signer and list; SHAKEN has one. */
const maxAuthorities = 4;
/** Signatures checked for one chain, whatever order and whatever copies it has. */
const maxChecks = 32;
const maxAnchors = 1000;

export class TrustAnchors {
  readonly #anchors: readonly StirCertificate[];
  /** A chain is looked at once, for it is used for many calls. */
  readonly #known = new WeakMap<readonly StirCertificate[], TrustedPath | ChainProblem>();

  /** The certificates that stood beside them and are no authorities, or cannot be read: what they are called, or null. */
  readonly leftOut: readonly (string | null)[];

  constructor(anchors: readonly StirCertificate[] = [], leftOut: readonly (string | null)[] = []) {
    this.#anchors = anchors;
    this.leftOut = leftOut;
  }

  /** Leaves out what is of no use. Throws where nothing is left, or the text breaks off. */
  static read(pem: string): TrustAnchors {
    const { authorities, leftOut } = readAuthorities(pem, maxAnchors);
    if (authorities.length === 0) throw new RangeError('no authority');
    return new TrustAnchors(authorities, leftOut);
  }

  get authorities(): readonly StirCertificate[] {
    return this.#anchors;
  }

  get count(): number {
    return this.#anchors.length;
  }

  /** `chain`: the signer's certificate first, then others in any order. */
  pathOf(chain: readonly StirCertificate[], nowMs: number): TrustedPath | ChainProblem {
    const found = this.#known.get(chain) ?? this.#find(chain, nowMs);
    this.#known.set(chain, found);
    if (typeof found === 'string') return found;
    return nowMs >= found.fromMs && nowMs <= found.untilMs ? found : 'expired-certificate';
  }

  #find(chain: readonly StirCertificate[], nowMs: number): TrustedPath | ChainProblem {
    const [signer, ...others] = chain;
    if (signer === undefined) return 'untrusted-certificate';
    // RFC 8226 §5: of the curve that ES256 signs with, and with a list of numbers; what signs certificates signs no calls.
    const isSuitable =
      isP256(signer.publicKey) && signer.maySign && !signer.isAuthority && signer.numbers !== null;
    if (!isSuitable) return 'unsuitable-certificate';
    const search = new Search(this.#anchors, others, nowMs);
    return search.from([signer]) ?? search.lapsed ?? 'untrusted-certificate';
  }
}

/** Looks for a way up, of which each certificate is used once: chains that lead in circles end. */
class Search {
  readonly #anchors: readonly StirCertificate[];
  readonly #others: readonly StirCertificate[];
  readonly #nowMs: number;
  #checks = 0;
  /** A way that does not hold now; another may. */
  lapsed: TrustedPath | null = null;

  constructor(anchors: readonly StirCertificate[], others: readonly StirCertificate[], nowMs: number) {
    this.#anchors = anchors;
    this.#others = others;
    this.#nowMs = nowMs;
  }

  from(path: readonly StirCertificate[]): TrustedPath | null {
    for (const anchor of this.#anchors) {
      if (!this.#isIssuer(path, anchor)) continue;
      const found = trusted([...path, anchor]);
      if (this.#nowMs >= found.fromMs && this.#nowMs <= found.untilMs) return found;
      this.lapsed ??= found;
    }
    if (path.length > maxAuthorities) return null;
    for (const other of this.#others) {
      const isUsed = path.some(({ fingerprint }) => fingerprint === other.fingerprint);
      if (isUsed || !isOfNamedCurve(other.publicKey) || !this.#isIssuer(path, other)) continue;
      const found = this.from([...path, other]);
      if (found !== null) return found;
    }
    return null;
  }

  /** Whether the last certificate of the way is from that authority, which may have so many under it. */
  #isIssuer(path: readonly StirCertificate[], issuer: StirCertificate): boolean {
    const last = path.at(-1);
    if (last === undefined || !issuer.isAuthority || !last.isNamedBy(issuer)) return false;
    if (issuer.pathLength !== null && path.length - 1 > issuer.pathLength) return false;
    if (this.#checks >= maxChecks) return false;
    this.#checks += 1;
    return last.isSignedBy(issuer);
  }
}

function trusted(certificates: readonly StirCertificate[]): TrustedPath {
  const [signer] = certificates;
  if (signer === undefined) throw new RangeError('an empty path');
  return {
    ...{ signer, certificates },
    fromMs: Math.max(...certificates.map(({ notBeforeMs }) => notBeforeMs)),
    untilMs: Math.min(...certificates.map(({ notAfterMs }) => notAfterMs)),
  };
}

/**
 * Whether the signer may speak for a party with these numbers: each certificate of the way that lists numbers must have all of them
 * in its list. Whoever has no number, but a name, is in no such list: only a provider speaks for it.
 */
export function mayVouchFor({ certificates }: TrustedPath, numbers: readonly string[]): boolean {
  return certificates.every(({ numbers: list }) => {
    if (list === null || list.providerCodes.length > 0) return true;
    return numbers.length > 0 && numbers.every((number) => list.covers(number));
  });
}

/** Whether the signer is a provider, and not one to whom a provider gave some of its numbers (RFC 9060). */
export function isOfProvider({ signer }: TrustedPath): boolean {
  return (signer.numbers?.providerCodes.length ?? 0) > 0;
}
