/** SRTP and SRTCP as they are sent under one master key (RFC 3711 §3.3, §3.4). */
import { CounterModeTransform } from './counter-mode.js';
import { GaloisCounterTransform } from './galois-counter-mode.js';
import { sessionKeysOf } from './key-derivation.js';
import { estimateRollOver, ReplayWindow } from './packet-index.js';
import { clearLength } from './rtp-header-length.js';
import type { SrtpMasterKey } from './srtp-suite.js';
import { maxPlainLength, rtcpHeaderLength, type RtpPlace, type SrtpTransform } from './srtp-transform.js';

/** Sources of one leg under one key: a leg takes another with another clock. None is forgotten: its indices are used up. */
const maxSources = 256;

const maxRollOver = 0xffff_ffff;
/** RFC 3711 §3.4: 31 bits. */
const maxRtcpIndex = 0x7fff_ffff;

export function createTransform(key: SrtpMasterKey): SrtpTransform {
  const keys = sessionKeysOf(key);
  return key.suite.mode === 'gcm'
    ? new GaloisCounterTransform(keys)
    : new CounterModeTransform(key.suite, keys);
}

/**
 * Encrypts and signs. No index is used twice: with the same key stream for two packets, both could be read (RFC 3711 §9.1), and
 * with GCM others could be forged (RFC 7714 §10.1).
 */
export class SrtpSealer {
  readonly #transform: SrtpTransform;
  readonly #sources = new Map<number, ReplayWindow>();
  readonly #place: RtpPlace = { ssrc: 0, rollOver: 0, sequenceNumber: 0, headerLength: 0 };
  #rtcpIndex = 0;

  constructor(key: SrtpMasterKey) {
    this.#transform = createTransform(key);
  }

  /** The packet as it may go out, valid until the next; null for one that was there before, and what is no RTP. */
  sealRtp(packet: Buffer): Buffer | null {
    const { length } = packet;
    const headerLength = length > maxPlainLength ? -1 : clearLength(packet, length);
    if (headerLength < 0) return null;
    const ssrc = packet.readUInt32BE(8);
    const sequenceNumber = packet.readUInt16BE(2);
    const sent = this.#sources.get(ssrc) ?? this.#newSource(ssrc);
    if (sent === null) return null;
    const rollOver = sent.highest < 0 ? 0 : estimateRollOver(sequenceNumber, sent.highest);
    if (rollOver < 0 || rollOver > maxRollOver) return null;
    const index = rollOver * 0x10000 + sequenceNumber;
    if (!sent.isNew(index)) return null;
    sent.add(index);
    const place = this.#place;
    place.ssrc = ssrc;
    place.rollOver = rollOver;
    place.sequenceNumber = sequenceNumber;
    place.headerLength = headerLength;
    return this.#transform.sealRtp(packet, place);
  }

  /** The same for a compound RTCP packet. */
  sealRtcp(packet: Buffer): Buffer | null {
    if (packet.length < rtcpHeaderLength || packet.length > maxPlainLength) return null;
    if (this.#rtcpIndex === maxRtcpIndex) return null;
    return this.#transform.sealRtcp(packet, packet.readUInt32BE(4), ++this.#rtcpIndex);
  }

  #newSource(ssrc: number): ReplayWindow | null {
    if (this.#sources.size >= maxSources) return null;
    const source = new ReplayWindow();
    this.#sources.set(ssrc, source);
    return source;
  }
}
