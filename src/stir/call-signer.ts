/** Signs calls with the key of who sends them out (RFC 8224 §6.1, RFC 8588). */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isP256, signEs256 } from './es256.js';
import { canonicalNumber } from './identities.js';
import { formatIdentity } from './identity-header.js';
import { signingInputOf, type Attestation, type PassportContent } from './passport.js';

export interface CallToSign {
  /** Numbers in E.164, with or without their plus. */
  readonly caller: string;
  readonly called: string;
  readonly attestation: Attestation;
  /** Names the place where the call came in: a UUID. */
  readonly originationId: string;
  readonly nowMs: number;
}

/** A call that is sent on, from whom it was for. */
export interface DiversionToSign {
  readonly caller: string;
  readonly called: string;
  readonly diverted: string;
  readonly nowMs: number;
}

export class CallSigner {
  readonly #key: KeyObject;
  readonly #certificateUrl: string;

  /** `keyPem`: of the curve P-256, not encrypted. Throws RangeError where it is none. */
  constructor(keyPem: string, certificateUrl: string) {
    try {
      this.#key = createPrivateKey(keyPem);
    } catch {
      // OpenSSL's own words may quote the key.
      throw new RangeError('no private key in PEM form');
    }
    if (!isP256(this.#key)) throw new RangeError('a key of another curve than P-256');
    this.#certificateUrl = certificateUrl;
  }

  /** The value of the call's Identity header. Throws RangeError where caller or called have no number. */
  sign({ caller, called, attestation, originationId, nowMs }: CallToSign): string {
    return this.#identity({
      ...{ kind: 'shaken', x5u: this.#certificateUrl, attestation, originationId },
      ...{ issuedAtSeconds: secondsOf(nowMs), origin: partyOf(caller), destination: partyOf(called) },
    });
  }

  /** The value of a further Identity header, beside those that the call came with (RFC 8946). */
  signDiversion({ caller, called, diverted, nowMs }: DiversionToSign): string {
    return this.#identity({
      ...{ kind: 'div', x5u: this.#certificateUrl, issuedAtSeconds: secondsOf(nowMs) },
      ...{ origin: partyOf(caller), destination: partyOf(called), diverted: partyOf(diverted) },
    });
  }

  #identity(content: PassportContent): string {
    const signingInput = signingInputOf(content);
    const token = `${signingInput}.${signEs256(this.#key, signingInput).toString('base64url')}`;
    return formatIdentity(token, content.x5u, content.kind);
  }
}

function secondsOf(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

function partyOf(text: string): { numbers: readonly string[]; uris: readonly string[] } {
  const number = canonicalNumber(text);
  if (number === null) throw new RangeError('no number to sign');
  return { numbers: [number], uris: [] };
}
