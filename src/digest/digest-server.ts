/** The server's side of digest authentication: challenges, and whether an answer is right (RFC 7616, RFC 3261 §22.4, RFC 8760). */
import { timingSafeEqual } from 'node:crypto';
import { formatChallenge, inOrder } from './challenge.js';
import { parseCredentials, type DigestCredentials } from './credentials.js';
import { digestResponse, type DigestHash } from './hash.js';
import type { Nonces } from './nonces.js';

/** The hashes of a user's password that are kept (`secretHash`), by their kind. An answer that uses another kind is wrong. */
export type SecretHashes = Readonly<Partial<Record<DigestHash, string>>>;

/** `stale`: to be challenged again, with `stale=true`. `missing`: nothing was shown, or to no challenge of ours. */
export type DigestVerdict = 'right' | 'wrong' | 'stale' | 'missing';

export interface DigestRequest {
  readonly method: string;
  readonly uri: string;
  readonly body: Uint8Array;
}

/** Nobody has it: for users whom nobody knows, so that these take as long as others. */
const nobodys: SecretHashes = {
  'SHA-512-256': '0'.repeat(64),
  'SHA-256': '0'.repeat(64),
  MD5: '0'.repeat(32),
};

export class DigestServer {
  readonly realm: string;
  readonly #nonces: Nonces;

  constructor(realm: string, nonces: Nonces) {
    this.realm = realm;
    this.#nonces = nonces;
  }

  /** One value of WWW-Authenticate for each hash, the strongest first. */
  challenges(hashes: Iterable<DigestHash>, isStale = false): readonly string[] {
    const nonce = this.#nonces.create();
    return inOrder(hashes).map((hash) => formatChallenge({ realm: this.realm, nonce, hash, isStale }));
  }

  /** What the header field (several joined with commas) shows for this realm; null where nothing. */
  read(field: string | undefined): DigestCredentials | null {
    return field === undefined ? null : parseCredentials(field, this.realm);
  }

  /** The header field answers a challenge of ours, which may be too old: whether it is right is not looked at. */
  answersUs(field: string | undefined): boolean {
    const credentials = this.read(field);
    return credentials !== null && this.#nonces.stateOf(credentials.nonce) !== 'foreign';
  }

  /** Whether the credentials are right for the request. `secrets`: null where nobody knows the user. A right answer counts once. */
  verify(
    credentials: DigestCredentials,
    secrets: SecretHashes | null,
    request: DigestRequest,
  ): DigestVerdict {
    const verdict = this.examine(credentials, secrets, request);
    if (verdict !== 'right') return verdict;
    return this.#nonces.take(credentials.nonce, countOf(credentials)) ? 'right' : 'stale';
  }

  /** What `verify` would say; the answer is not counted. */
  examine(
    credentials: DigestCredentials,
    secrets: SecretHashes | null,
    request: DigestRequest,
  ): DigestVerdict {
    const state = this.#nonces.stateOf(credentials.nonce);
    if (state === 'foreign') return 'missing';
    const secret = (secrets ?? nobodys)[credentials.hash];
    const isRight =
      secret !== undefined &&
      isSameText(
        credentials.response,
        digestResponse({ ...credentials, ...request, uri: credentials.uri, secretHash: secret }),
      );
    if (!isRight || secrets === null || !isSameTarget(credentials.uri, request.uri)) return 'wrong';
    return this.#nonces.wouldTake(credentials.nonce, countOf(credentials)) ? 'right' : 'stale';
  }
}

/** Without a count the nonce is good for one request. */
function countOf({ qop, nc }: DigestCredentials): number {
  return qop === null ? 1 : parseInt(nc, 16);
}

function isSameText(one: string, other: string): boolean {
  const [given, wanted] = [Buffer.from(one.toLowerCase()), Buffer.from(other)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** A proxy on the way may have changed the Request-URI: its user must be the same (RFC 7616 §3.4.6). */
function isSameTarget(one: string, other: string): boolean {
  return userOf(one) === userOf(other);
}

function userOf(uri: string): string {
  const at = uri.indexOf('@');
  return at === -1 ? '' : uri.slice(0, at).replace(/^sips?:/i, '');
}
