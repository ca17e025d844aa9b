/** The suites of SRTP that are spoken here (RFC 4568 §6.2, RFC 7714 §14.1). */

export interface SrtpSuite {
  readonly name: SrtpSuiteName;
  /** `counter`: AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). `gcm`: AES in Galois/counter mode (RFC 7714). */
  readonly mode: 'counter' | 'gcm';
  readonly keyLength: 16 | 32;
  readonly saltLength: 12 | 14;
  /** Octets that tell whether a packet is genuine. */
  readonly rtpTagLength: number;
  readonly rtcpTagLength: number;
}

export type SrtpSuiteName =
  | 'AES_CM_128_HMAC_SHA1_80'
  | 'AES_CM_128_HMAC_SHA1_32'
  | 'AEAD_AES_128_GCM'
  | 'AEAD_AES_256_GCM';

/** In the order of our offers: what nearly everybody has comes first, the short tag last. */
export const srtpSuites: readonly SrtpSuite[] = [
  {
    name: 'AES_CM_128_HMAC_SHA1_80',
    mode: 'counter',
    keyLength: 16,
    saltLength: 14,
    rtpTagLength: 10,
    rtcpTagLength: 10,
  },
  {
    name: 'AEAD_AES_256_GCM',
    mode: 'gcm',
    keyLength: 32,
    saltLength: 12,
    rtpTagLength: 16,
    rtcpTagLength: 16,
  },
  {
    name: 'AEAD_AES_128_GCM',
    mode: 'gcm',
    keyLength: 16,
    saltLength: 12,
    rtpTagLength: 16,
    rtcpTagLength: 16,
  },
  {
    name: 'AES_CM_128_HMAC_SHA1_32',
    mode: 'counter',
    keyLength: 16,
    saltLength: 14,
    rtpTagLength: 4,
    // RFC 4568 §6.2.2: that of RTCP is not shortened.
    rtcpTagLength: 10,
  },
];

/** Case matters (RFC 4568 §9.1 names them so); null: not one of ours. */
export const srtpSuiteOf = (name: string): SrtpSuite | null =>
  srtpSuites.find((suite) => suite.name === name) ?? null;

/** A master key (RFC 3711 §3.2.1): each side has its own, for what it sends. */
export interface SrtpMasterKey {
  readonly suite: SrtpSuite;
  /** Key, then salt: as long as the suite says. */
  readonly keyAndSalt: Buffer;
}

/** Octets of key and salt together. */
export const masterLength = ({ keyLength, saltLength }: SrtpSuite): number => keyLength + saltLength;
