/** What clients answer to a challenge (RFC 7616 §3.4). */
import { randomBytes } from 'node:crypto';
import type { Challenge } from './challenge.js';
import { digestResponse, readAlgorithm, secretHash, type DigestHash, type DigestInput } from './hash.js';
import { quote, readSchemes } from './parameters.js';

export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly hash: DigestHash;
  readonly isSession: boolean;
  readonly qop: 'auth' | 'auth-int' | null;
  /** Empty without `qop`. */
  readonly nc: string;
  readonly cnonce: string;
}

/** Those for a realm; null where there are none that can be read. A request may bear credentials for several (RFC 3261 §22.3). */
export function parseCredentials(field: string, realm: string): DigestCredentials | null {
  for (const { scheme, parameters } of readSchemes(field)) {
    if (scheme.toLowerCase() !== 'digest' || parameters.get('realm') !== realm) continue;
    const of = (name: string): string => parameters.get(name) ?? '';
    const algorithm = readAlgorithm(parameters.get('algorithm'));
    const qop = parameters.get('qop')?.toLowerCase() ?? null;
    if (algorithm === null || (qop !== null && qop !== 'auth' && qop !== 'auth-int')) continue;
    // RFC 7616 §3.4: with qop they are mandatory, without it forbidden.
    if (qop !== null && (!/^[0-9a-f]{8}$/i.test(of('nc')) || of('cnonce') === '')) continue;
    if (qop === null && algorithm.isSession) continue;
    return {
      ...{ username: of('username'), realm, nonce: of('nonce'), uri: of('uri'), response: of('response') },
      ...algorithm,
      ...{ qop, nc: qop === null ? '' : of('nc'), cnonce: qop === null ? '' : of('cnonce') },
    };
  }
  return null;
}

export interface AnsweredRequest {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  readonly body: Uint8Array;
}

export interface ClientSecret {
  readonly username: string;
  readonly password: string;
}

/** The value of Authorization, or Proxy-Authorization, for a request. `count`: how often the nonce was answered, this one included. */
export function answerChallenge(
  challenge: Challenge,
  { username, password }: ClientSecret,
  request: AnsweredRequest,
  { count, cnonce = randomBytes(12).toString('hex') }: { readonly count: number; readonly cnonce?: string },
): string {
  const { realm, nonce, hash, isSession, algorithm, opaque } = challenge;
  const qop = challenge.qop.includes('auth') ? 'auth' : (challenge.qop[0] ?? null);
  const nc = count.toString(16).padStart(8, '0');
  const input: DigestInput = {
    ...{ hash, isSession, secretHash: secretHash(hash, username, realm, password) },
    ...{ nonce, qop, nc, cnonce, ...request },
  };
  const parts = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(request.uri)}`,
    `response=${quote(digestResponse(input))}`,
    ...(algorithm === null ? [] : [`algorithm=${algorithm}`]),
    ...(qop === null && !isSession ? [] : [`cnonce=${quote(cnonce)}`]),
    ...(qop === null ? [] : [`qop=${qop}`, `nc=${nc}`]),
    ...(opaque === null ? [] : [`opaque=${quote(opaque)}`]),
  ];
  return `Digest ${parts.join(', ')}`;
}
