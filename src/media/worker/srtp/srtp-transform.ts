/** What encrypts and signs packets, whichever suite does it (RFC 3711 §3.1, §3.4). */

/** What is longer is neither sent nor opened: no datagram of a phone on an Ethernet is. */
export const maxPlainLength = 1500;

/** Octets of an SRTCP packet that are never encrypted: the header, and who sends it (RFC 3711 §3.4). */
export const rtcpHeaderLength = 8;

/** Octets of the E bit and the index of SRTCP (RFC 3711 §3.4). */
export const rtcpIndexLength = 4;

/** One packet among all of its source: an index of 48 bits, in two parts. */
export interface RtpPlace {
  ssrc: number;
  rollOver: number;
  sequenceNumber: number;
  /** Octets of the header with contributing sources and extension: these are not encrypted. */
  headerLength: number;
}

export interface SrtpTransform {
  readonly rtpTagLength: number;
  readonly rtcpTagLength: number;
  /** A key’s name comes after the tag (RFC 7714 §8.1), else before it (RFC 3711 §3.1). */
  readonly isTagBeforeMki: boolean;
  /** The packet encrypted and signed; valid until the next is sealed. */
  sealRtp(packet: Buffer, place: Readonly<RtpPlace>): Buffer;
  /** Decrypts in place the first `length` octets of a packet; false, and nothing done, where its tag is wrong. */
  openRtp(packet: Buffer, length: number, place: Readonly<RtpPlace>): boolean;
  /** Like `sealRtp`, with an index of 31 bits. */
  sealRtcp(packet: Buffer, ssrc: number, index: number): Buffer;
  /**
   * Like `openRtp`, of a packet with a key’s name of `mkiLength` octets. The length of what is plain now; -1 where the tag is
   * wrong.
   */
  openRtcp(packet: Buffer, ssrc: number, mkiLength: number): number;
}

/** By the E bit in front of the index (RFC 3711 §3.4). */
export const isEncrypted = (word: number): boolean => word >>> 31 === 1;
