/** Challenges of digest authentication, as servers write and clients read them (RFC 7616 §3.3, RFC 8760). */
import { digestHashes, readAlgorithm, type DigestHash } from './hash.js';
import { quote, readSchemes } from './parameters.js';

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly hash: DigestHash;
  readonly isSession: boolean;
  /** As it was written; null where it was not: then none is written in the answer. */
  readonly algorithm: string | null;
  /** What may be chosen; empty: RFC 2069. */
  readonly qop: readonly ('auth' | 'auth-int')[];
  readonly opaque: string | null;
  /** The nonce was too old, the password right. */
  readonly isStale: boolean;
}

/** Those that can be answered, in their order; others (another scheme, an unknown algorithm) are passed over (RFC 8760 §2.4). */
export function parseChallenges(field: string): readonly Challenge[] {
  return readSchemes(field).flatMap(({ scheme, parameters }) => {
    const realm = parameters.get('realm');
    const nonce = parameters.get('nonce');
    const algorithm = parameters.get('algorithm') ?? null;
    const read = readAlgorithm(algorithm ?? undefined);
    if (scheme.toLowerCase() !== 'digest' || realm === undefined || nonce === undefined || read === null)
      return [];
    const offered = parameters.get('qop');
    const qop = (offered ?? '')
      .split(',')
      .map((one) => one.trim().toLowerCase())
      .filter((one) => one === 'auth' || one === 'auth-int');
    // It wants something that nobody knows here.
    if (offered !== undefined && qop.length === 0) return [];
    const isStale = parameters.get('stale')?.toLowerCase() === 'true';
    return [{ realm, nonce, ...read, algorithm, qop, opaque: parameters.get('opaque') ?? null, isStale }];
  });
}

export interface NewChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly hash: DigestHash;
  readonly isStale: boolean;
}

/** With `qop`, so that nothing can be sent twice, and `auth` alone. */
export function formatChallenge({ realm, nonce, hash, isStale }: NewChallenge): string {
  const stale = isStale ? ', stale=true' : '';
  return `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, algorithm=${hash}, qop="auth"${stale}`;
}

/** The strongest first, each once: a client takes the topmost that it knows (RFC 8760 §2.3). */
export function inOrder(hashes: Iterable<DigestHash>): readonly DigestHash[] {
  const wanted = new Set(hashes);
  return digestHashes.filter((hash) => wanted.has(hash));
}
