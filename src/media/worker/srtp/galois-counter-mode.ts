/** AES in Galois/counter mode (RFC 7714 §8, §9). */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { SessionKeys, SrtpSessionKeys } from './key-derivation.js';
import {
  isEncrypted,
  maxPlainLength,
  rtcpHeaderLength,
  rtcpIndexLength,
  type RtpPlace,
  type SrtpTransform,
} from './srtp-transform.js';

const tagLength = 16;
const ivLength = 12;
const nothing = Buffer.alloc(0);

export class GaloisCounterTransform implements SrtpTransform {
  readonly rtpTagLength = tagLength;
  readonly rtcpTagLength = tagLength;
  readonly isTagBeforeMki = true;
  readonly #rtp: GaloisCipher;
  readonly #rtcp: GaloisCipher;
  readonly #sealed = Buffer.alloc(maxPlainLength + tagLength + rtcpIndexLength);
  /** What is signed of an SRTCP packet that is encrypted: its header, the E bit and the index. */
  readonly #rtcpSigned = Buffer.alloc(rtcpHeaderLength + rtcpIndexLength);

  constructor({ rtp, rtcp }: SrtpSessionKeys) {
    this.#rtp = new GaloisCipher(rtp);
    this.#rtcp = new GaloisCipher(rtcp);
  }

  sealRtp(packet: Buffer, place: Readonly<RtpPlace>): Buffer {
    const { headerLength } = place;
    const { length } = packet;
    this.#placeIv(place);
    const signed = packet.subarray(0, headerLength);
    signed.copy(this.#sealed);
    this.#rtp.seal(signed, packet.subarray(headerLength), this.#sealed, headerLength);
    return this.#sealed.subarray(0, length + tagLength);
  }

  openRtp(packet: Buffer, length: number, place: Readonly<RtpPlace>): boolean {
    const { headerLength } = place;
    this.#placeIv(place);
    // The tag belongs to the encrypted part: a key’s name comes after it (RFC 7714 §8.1).
    const tag = packet.subarray(length, length + tagLength);
    return this.#rtp.open(packet.subarray(0, headerLength), packet.subarray(headerLength, length), tag);
  }

  sealRtcp(packet: Buffer, ssrc: number, index: number): Buffer {
    const { length } = packet;
    this.#rtcp.setIv(ssrc, 0, index);
    packet.copy(this.#rtcpSigned, 0, 0, rtcpHeaderLength);
    const word = (0x8000_0000 | index) >>> 0;
    this.#rtcpSigned.writeUInt32BE(word, rtcpHeaderLength);
    packet.copy(this.#sealed, 0, 0, rtcpHeaderLength);
    this.#rtcp.seal(this.#rtcpSigned, packet.subarray(rtcpHeaderLength), this.#sealed, rtcpHeaderLength);
    const end = this.#sealed.writeUInt32BE(word, length + tagLength);
    return this.#sealed.subarray(0, end);
  }

  openRtcp(packet: Buffer, ssrc: number, mkiLength: number): number {
    const wordAt = packet.length - mkiLength - rtcpIndexLength;
    const length = wordAt - tagLength;
    const tag = packet.subarray(length, wordAt);
    const word = packet.readUInt32BE(wordAt);
    this.#rtcp.setIv(ssrc, 0, word & 0x7fff_ffff);
    const signedLength = isEncrypted(word) ? rtcpHeaderLength : length;
    const signed = Buffer.concat([
      packet.subarray(0, signedLength),
      packet.subarray(wordAt, wordAt + rtcpIndexLength),
    ]);
    return this.#rtcp.open(signed, packet.subarray(signedLength, length), tag) ? length : -1;
  }

  #placeIv({ ssrc, rollOver, sequenceNumber }: Readonly<RtpPlace>): void {
    // Four octets of roll-over counter and two of sequence number (RFC 7714 §8.1), in three pairs.
    this.#rtp.setIv(ssrc, rollOver >>> 16, ((rollOver << 16) | sequenceNumber) >>> 0);
  }
}

class GaloisCipher {
  readonly #algorithm: 'aes-128-gcm' | 'aes-256-gcm';
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  readonly #iv = Buffer.alloc(ivLength);

  constructor({ key, salt }: SessionKeys) {
    this.#algorithm = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
    // A key that was taken in once: a third less for each packet.
    this.#key = createSecretKey(key);
    this.#salt = salt;
  }

  /** Two octets of zeros, the source, two octets and four; with the salt over it (RFC 7714 §8.1, §9.1). */
  setIv(ssrc: number, middle: number, last: number): void {
    const iv = this.#iv;
    iv.writeUInt16BE(0, 0);
    iv.writeUInt32BE(ssrc, 2);
    iv.writeUInt16BE(middle, 6);
    iv.writeUInt32BE(last, 8);
    for (let i = 0; i < ivLength; i++) iv[i] = iv[i]! ^ this.#salt[i]!;
  }

  /** Writes what is encrypted and its tag into `into`. */
  seal(signed: Buffer, plain: Buffer, into: Buffer, at: number): void {
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#iv, { authTagLength: tagLength });
    cipher.setAAD(signed);
    const length = cipher.update(plain).copy(into, at);
    cipher.final();
    cipher.getAuthTag().copy(into, at + length);
  }

  /** Decrypts in place; false, and nothing done, where the tag is wrong. */
  open(signed: Buffer, encrypted: Buffer, tag: Buffer): boolean {
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#iv, { authTagLength: tagLength });
    decipher.setAAD(signed).setAuthTag(tag);
    const plain = encrypted.length === 0 ? nothing : decipher.update(encrypted);
    try {
      decipher.final();
    } catch {
      return false;
    }
    plain.copy(encrypted);
    return true;
  }
}
