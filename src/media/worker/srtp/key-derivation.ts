/** The session keys that come of a master key (RFC 3711 §4.3, RFC 7714 §11), with a key derivation rate of zero. */
import { createCipheriv } from 'node:crypto';
import type { SrtpMasterKey } from './srtp-suite.js';

/** RFC 3711 §4.3.2. */
const labels = { rtp: { key: 0, tag: 1, salt: 2 }, rtcp: { key: 3, tag: 4, salt: 5 } } as const;

/** RFC 3711 §8.2: n_a, in octets. */
const authenticationKeyLength = 20;
/** The salt that the derivation works with; the shorter one of GCM ends in zeros (RFC 7714 §11). */
const derivationSaltLength = 14;

export interface SessionKeys {
  readonly key: Buffer;
  /** The key of HMAC-SHA1; not used with GCM. */
  readonly authenticationKey: Buffer;
  readonly salt: Buffer;
}

/** Those of RTP and those of RTCP. */
export interface SrtpSessionKeys {
  readonly rtp: SessionKeys;
  readonly rtcp: SessionKeys;
}

export const sessionKeysOf = (master: SrtpMasterKey): SrtpSessionKeys => ({
  rtp: derive(master, 'rtp'),
  rtcp: derive(master, 'rtcp'),
});

function derive({ suite, keyAndSalt }: SrtpMasterKey, of: 'rtp' | 'rtcp'): SessionKeys {
  const { keyLength, saltLength } = suite;
  if (keyAndSalt.length !== keyLength + saltLength) throw new RangeError('the master key has another length');
  const masterKey = keyAndSalt.subarray(0, keyLength);
  const masterSalt = keyAndSalt.subarray(keyLength);
  const bytesOf = (label: number, length: number): Buffer => {
    const iv = Buffer.alloc(16);
    masterSalt.copy(iv);
    // The label stands above 48 bits of an index, which is zero here.
    iv[derivationSaltLength - 7] = iv[derivationSaltLength - 7]! ^ label;
    return createCipheriv(`aes-${keyLength * 8}-ctr`, masterKey, iv).update(Buffer.alloc(length));
  };
  return {
    key: bytesOf(labels[of].key, keyLength),
    authenticationKey: bytesOf(labels[of].tag, authenticationKeyLength),
    salt: bytesOf(labels[of].salt, saltLength),
  };
}
