/** The hashes of digest authentication (RFC 7616 §3.2, RFC 8760 §2.2), and what is made of them (RFC 7616 §3.4). */
import { createHash } from 'node:crypto';

/** The strongest first. */
export const digestHashes = ['SHA-512-256', 'SHA-256', 'MD5'] as const;
export type DigestHash = (typeof digestHashes)[number];

const nodeNames: Readonly<Record<DigestHash, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
};

/** `algorithm` as a challenge or an answer names it. Absent it is MD5 (RFC 7616 §3.3). Null for one that nobody knows here. */
export function readAlgorithm(
  text: string | undefined,
): { readonly hash: DigestHash; readonly isSession: boolean } | null {
  const name = (text ?? 'MD5').toUpperCase();
  const isSession = name.endsWith('-SESS');
  const hash = digestHashes.find((one) => one === (isSession ? name.slice(0, -5) : name));
  return hash === undefined ? null : { hash, isSession };
}

/** Hexadecimal, in lower case. */
export function hashText(hash: DigestHash, text: string | Uint8Array): string {
  return createHash(nodeNames[hash]).update(text).digest('hex');
}

/** H(username:realm:password): all that a server must keep, for one realm and one hash. */
export function secretHash(hash: DigestHash, username: string, realm: string, password: string): string {
  return hashText(hash, `${username}:${realm}:${password}`);
}

export interface DigestInput {
  readonly hash: DigestHash;
  /** `MD5-sess` and its like: the secret is hashed once more, with this nonce and cnonce. */
  readonly isSession: boolean;
  /** As `secretHash` makes it. */
  readonly secretHash: string;
  readonly nonce: string;
  /** Null: as RFC 2069 had it, without `nc` and `cnonce`. */
  readonly qop: 'auth' | 'auth-int' | null;
  /** Eight hexadecimal digits. */
  readonly nc: string;
  readonly cnonce: string;
  readonly method: string;
  /** The `uri` of the header field, byte by byte. */
  readonly uri: string;
  /** Only `auth-int` looks at it. */
  readonly body: Uint8Array;
}

/** RFC 7616 §3.4.1 */
export function digestResponse(input: DigestInput): string {
  const { hash, nonce, qop, nc, cnonce, method, uri, body } = input;
  const a1 = input.isSession ? hashText(hash, `${input.secretHash}:${nonce}:${cnonce}`) : input.secretHash;
  const a2 = `${method}:${uri}${qop === 'auth-int' ? `:${hashText(hash, body)}` : ''}`;
  const counted = qop === null ? '' : `${nc}:${cnonce}:${qop}:`;
  return hashText(hash, `${a1}:${nonce}:${counted}${hashText(hash, a2)}`);
}
