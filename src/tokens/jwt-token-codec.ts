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
/** A token is verified several times within a call's first moments: at the screen, and where its participant is claimed. */
const maxRemembered = 256;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** How far the issuer's and our clock may differ. */
const leewaySeconds = 30;

export class JwtTokenCodec implements TokenCodec {
  readonly #secret: KeyObject;
  readonly #verifyingSecrets: readonly KeyObject[];
  /** Good ones that were verified last, the oldest first. */
  readonly #remembered = new Map<string, Remembered>();

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
    const remembered = this.#remembered.get(token);
    if (remembered !== undefined && nowSeconds(now) < remembered.endSeconds) return remembered.verification;
    for (const secret of this.#verifyingSecrets) {
      try {
        const claims = jwt.verify(token, secret, {
          algorithms: ['HS256'],
          clockTimestamp: nowSeconds(now),
          clockTolerance: leewaySeconds,
        });
        return this.#remember(token, claims);
      } catch (error) {
        // Expiry is looked at only after the signature was found good.
        if (error instanceof jwt.TokenExpiredError) return readClaims('expired', jwt.decode(token));
      }
    }
    return { result: 'invalid' };
  }

  #remember(token: string, claims: string | jwt.JwtPayload): TokenVerification {
    const verification = readClaims('valid', claims);
    if (typeof claims === 'string' || verification.result !== 'valid') return verification;
    this.#remembered.set(token, { verification, endSeconds: (claims.exp ?? 0) + leewaySeconds });
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > maxRemembered && oldest.done !== true) this.#remembered.delete(oldest.value);
    return verification;
  }
}

interface Remembered {
  readonly verification: TokenVerification;
  /** From then on it has expired. */
  readonly endSeconds: number;
}

/** jsonwebtoken takes 0 for "not given". */
function nowSeconds(now: number): number {
  return Math.max(1, Math.floor(now / 1000));
}

function readClaims(result: 'valid' | 'expired', claims: string | jwt.JwtPayload | null): TokenVerification {
  if (claims === null || typeof claims === 'string') return { result: 'invalid' };
  if (typeof claims.exp !== 'number' || claims['v'] !== 'v3') return { result: 'invalid' };
  const participantId: unknown = claims['p'];
  if (typeof participantId !== 'string' || !uuid.test(participantId)) return { result: 'invalid' };
  return { result, participantId };
}

function secretKey(secret: string): KeyObject {
  const bytes = Buffer.from(secret);
  if (bytes.length < minSecretBytes)
    throw new RangeError(`A token secret needs at least ${minSecretBytes} bytes.`);
  return createSecretKey(bytes);
}
