/** Signs and verifies participants' tokens (RFC 7519) with jsonwebtoken. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { TokenCodec, TokenVerification } from '../domain/participants/token.js';

export interface JwtTokenCodecOptions {
  /** Signs and verifies. At least 32 bytes (RFC 7518 section 3.2). */
  readonly secret: string;
  /** Verifies too: the secret before a rotation. */
  readonly previousSecret?: string | undefined;
}

const minSecretBytes = 32;
/** Ours have 175 characters; what is longer than this is not parsed. */
const maxTokenLength = 1024;
/**
 * The one header we sign, {"alg":"HS256","typ":"JWT"}, as it begins every token. Anything else (`none`, RS256, `kid`, `crit`) is
 * refused by comparison, before anything is decoded.
 */
const signedHeader = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.`;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** How far the issuer's and our clock may differ. */
const leewaySeconds = 30;

export class JwtTokenCodec implements TokenCodec {
  readonly #secret: KeyObject;
  readonly #verifyingSecrets: readonly KeyObject[];

  constructor(options: JwtTokenCodecOptions) {
    this.#secret = secretKey(options.secret);
    this.#verifyingSecrets =
      options.previousSecret === undefined
        ? [this.#secret]
        : [this.#secret, secretKey(options.previousSecret)];
  }

  sign(participantId: string, expiresAt: number): string {
    // noTimestamp: the `iat` that jsonwebtoken adds would not fit beside a call id in Bandwidth's uui.
    const claims = { p: participantId, v: 'v3', exp: Math.floor(expiresAt / 1000) };
    return jwt.sign(claims, this.#secret, { algorithm: 'HS256', noTimestamp: true });
  }

  verify(token: string, now: number): TokenVerification {
    if (token.length > maxTokenLength || !token.startsWith(signedHeader)) return { result: 'invalid' };
    for (const secret of this.#verifyingSecrets) {
      try {
        const claims = jwt.verify(token, secret, {
          algorithms: ['HS256'],
          // jsonwebtoken takes 0 for "not given".
          clockTimestamp: Math.max(1, Math.floor(now / 1000)),
          clockTolerance: leewaySeconds,
        });
        return readClaims(claims);
      } catch (error) {
        // Expiry is looked at only after the signature was found good.
        if (error instanceof jwt.TokenExpiredError) return { result: 'expired' };
      }
    }
    return { result: 'invalid' };
  }
}

function readClaims(claims: string | jwt.JwtPayload): TokenVerification {
  if (typeof claims === 'string' || typeof claims.exp !== 'number' || claims['v'] !== 'v3')
    return { result: 'invalid' };
  const participantId: unknown = claims['p'];
  if (typeof participantId !== 'string' || !uuid.test(participantId)) return { result: 'invalid' };
  return { result: 'valid', participantId };
}

function secretKey(secret: string): KeyObject {
  const bytes = Buffer.from(secret);
  if (bytes.length < minSecretBytes)
    throw new RangeError(`A token secret needs at least ${minSecretBytes} bytes.`);
  return createSecretKey(bytes);
}
