/** AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). */
import { createCipheriv, type Cipher } from 'node:crypto';
import { HmacSha1 } from './hmac-sha1.js';
import type { SessionKeys, SrtpSessionKeys } from './key-derivation.js';
import type { SrtpSuite } from './srtp-suite.js';
import {
  isEncrypted,
  maxPlainLength,
  rtcpHeaderLength,
  rtcpIndexLength,
  type RtpPlace,
  type SrtpTransform,
} from './srtp-transform.js';

const aesBlockLength = 16;
const rollOverLength = 4;

export class CounterModeTransform implements SrtpTransform {
  readonly rtpTagLength: number;
  readonly rtcpTagLength: number;
  readonly isTagBeforeMki = false;
  readonly #rtp: Stream;
  readonly #rtcp: Stream;

  constructor({ rtpTagLength, rtcpTagLength }: SrtpSuite, keys: SrtpSessionKeys) {
    this.rtpTagLength = rtpTagLength;
    this.rtcpTagLength = rtcpTagLength;
    this.#rtp = new Stream(keys.rtp);
    this.#rtcp = new Stream(keys.rtcp);
  }

  sealRtp(packet: Buffer, { ssrc, rollOver, sequenceNumber, headerLength }: Readonly<RtpPlace>): Buffer {
    const { length } = packet;
    const { hmac, cipher } = this.#rtp;
    const { message } = hmac;
    packet.copy(message, 0);
    cipher.crypt(message, headerLength, length, [ssrc, rollOver, sequenceNumber]);
    writeUint32(message, length, rollOver);
    return this.#rtp.signed(length + rollOverLength, length, this.rtpTagLength);
  }

  openRtp(packet: Buffer, length: number, place: Readonly<RtpPlace>): boolean {
    const { hmac, cipher } = this.#rtp;
    const { ssrc, rollOver, sequenceNumber, headerLength } = place;
    packet.copy(hmac.message, 0, 0, length);
    writeUint32(hmac.message, length, rollOver);
    const tagAt = packet.length - this.rtpTagLength;
    if (!isTag(hmac.digest(length + rollOverLength), packet, tagAt, this.rtpTagLength)) return false;
    cipher.crypt(packet, headerLength, length, [ssrc, rollOver, sequenceNumber]);
    return true;
  }

  sealRtcp(packet: Buffer, ssrc: number, index: number): Buffer {
    const { length } = packet;
    const { hmac, cipher } = this.#rtcp;
    packet.copy(hmac.message, 0);
    cipher.crypt(hmac.message, rtcpHeaderLength, length, [ssrc, index >>> 16, index & 0xffff]);
    writeUint32(hmac.message, length, (0x8000_0000 | index) >>> 0);
    const signedLength = length + rtcpIndexLength;
    return this.#rtcp.signed(signedLength, signedLength, this.rtcpTagLength);
  }

  openRtcp(packet: Buffer, ssrc: number, mkiLength: number): number {
    const { hmac, cipher } = this.#rtcp;
    const tagAt = packet.length - this.rtcpTagLength;
    const signedLength = tagAt - mkiLength;
    packet.copy(hmac.message, 0, 0, signedLength);
    if (!isTag(hmac.digest(signedLength), packet, tagAt, this.rtcpTagLength)) return -1;
    const length = signedLength - rtcpIndexLength;
    const word = packet.readUInt32BE(length);
    const index = word & 0x7fff_ffff;
    if (isEncrypted(word))
      cipher.crypt(packet, rtcpHeaderLength, length, [ssrc, index >>> 16, index & 0xffff]);
    return length;
  }
}

/** The two halves of what RTP or RTCP is done with. */
class Stream {
  readonly hmac: HmacSha1;
  readonly cipher: CounterCipher;
  #signed: Buffer;

  constructor({ key, authenticationKey, salt }: SessionKeys) {
    this.hmac = new HmacSha1(authenticationKey, maxPlainLength + 20);
    this.cipher = new CounterCipher(key, salt);
    this.#signed = this.hmac.message;
  }

  /** The HMAC of the first `messageLength` octets stands in their place from `tagAt` on; with what is before it. */
  signed(messageLength: number, tagAt: number, tagLength: number): Buffer {
    const digest = this.hmac.digest(messageLength);
    this.hmac.message.write(digest, tagAt, tagLength, 'latin1');
    const length = tagAt + tagLength;
    if (this.#signed.length !== length) this.#signed = this.hmac.message.subarray(0, length);
    return this.#signed;
  }
}

/** SSRC, and the index in two parts: the upper 32 bits and the lower 16. */
type Counter = readonly [ssrc: number, high: number, low: number];

/**
 * The key stream of a packet is made in one go, of all its counter blocks: to set up a cipher for each packet costs three times
 * as much as the work (5 µs instead of 1.6 for 160 octets).
 */
class CounterCipher {
  readonly #cipher: Cipher;
  readonly #salt: readonly [number, number, number, number];
  readonly #blocks = Buffer.alloc(Math.ceil(maxPlainLength / aesBlockLength) * aesBlockLength);
  readonly #view = new DataView(this.#blocks.buffer, this.#blocks.byteOffset, this.#blocks.length);
  /** As many blocks as the last packet had. */
  #used = this.#blocks;

  constructor(key: Buffer, salt: Buffer) {
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    const padded = Buffer.alloc(aesBlockLength);
    salt.copy(padded);
    this.#salt = [0, 4, 8, 12].map((at) => padded.readUInt32BE(at)) as [number, number, number, number];
  }

  /** Encrypts or decrypts in place what is from `start` to `end`. */
  crypt(packet: Buffer, start: number, end: number, [ssrc, high, low]: Counter): void {
    if (end <= start) return;
    const length = Math.ceil((end - start) / aesBlockLength) * aesBlockLength;
    const [salt0, salt1, salt2, salt3] = this.#salt;
    const word1 = salt1 ^ ssrc;
    const word2 = salt2 ^ high;
    const word3 = salt3 ^ (low << 16);
    const view = this.#view;
    for (let at = 0, counter = 0; at < length; at += aesBlockLength, counter++) {
      view.setUint32(at, salt0);
      view.setUint32(at + 4, word1);
      view.setUint32(at + 8, word2);
      view.setUint32(at + 12, word3 | counter);
    }
    if (this.#used.length !== length) this.#used = this.#blocks.subarray(0, length);
    const keyStream = this.#cipher.update(this.#used);
    for (let at = start, k = 0; at < end; at++, k++) packet[at] = packet[at]! ^ keyStream[k]!;
  }
}

/** Looks at all octets, however soon one differs: how long it takes says nothing of the tag. */
function isTag(digest: string, packet: Buffer, tagAt: number, tagLength: number): boolean {
  let difference = 0;
  for (let i = 0; i < tagLength; i++) difference |= digest.charCodeAt(i) ^ packet[tagAt + i]!;
  return difference === 0;
}

function writeUint32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
