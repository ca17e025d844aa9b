/** SRTP and SRTCP as they come in under one master key (RFC 3711 §3.3, §3.4). */
import { estimateRollOver, ReplayWindow } from './packet-index.js';
import { clearLength } from './rtp-header-length.js';
import { createTransform } from './srtp-sealer.js';
import type { SrtpMasterKey } from './srtp-suite.js';
import {
  maxPlainLength,
  rtcpHeaderLength,
  rtcpIndexLength,
  type RtpPlace,
  type SrtpTransform,
} from './srtp-transform.js';

/**
 * Sources under one key of which is kept what was there. Only genuine packets make one, so nobody but the far end can fill this up;
 * then the one that was heard last the longest ago is forgotten.
 */
const maxSources = 128;

const maxRollOver = 0xffff_ffff;

/** `forged`: its tag is wrong, or it is too short to have one. `replayed`: it was there before, or is too old to tell. */
export type OpeningFailure = 'forged' | 'replayed';

export interface OpenerOptions {
  readonly key: SrtpMasterKey;
  /** The name that the far end gives its key in each packet (RFC 3711 §3.1: MKI). Null: none. */
  readonly mki?: Buffer | null;
  /**
   * The far end’s key before this one. Its roll-over counters may go on (RFC 3711 §3.3.1 wants it) or begin anew, as many do.
   */
  readonly before?: SrtpOpener | null;
}

/** Tells genuine packets from others and decrypts them. Tries of strangers change nothing in it. */
export class SrtpOpener {
  readonly #transform: SrtpTransform;
  readonly #mki: Buffer | null;
  readonly #rtp = new Map<number, ReplayWindow>();
  readonly #rtcp = new Map<number, ReplayWindow>();
  /** Packets opened so far: says which source was heard when. */
  #opened = 0;
  /** Roll-over counters of sources under the key before. */
  readonly #rollOversBefore: ReadonlyMap<number, number>;
  readonly #place: RtpPlace = { ssrc: 0, rollOver: 0, sequenceNumber: 0, headerLength: 0 };

  constructor({ key, mki = null, before = null }: OpenerOptions) {
    this.#transform = createTransform(key);
    this.#mki = mki;
    this.#rollOversBefore = before?.rollOvers() ?? new Map();
  }

  /** Where each source is, by its SSRC. */
  rollOvers(): ReadonlyMap<number, number> {
    const own = [...this.#rtp].map(([ssrc, { highest }]) => [ssrc, Math.floor(highest / 0x10000)] as const);
    return new Map([...this.#rollOversBefore, ...own].slice(-maxSources));
  }

  /** Decrypts in place; a view of the packet without its tag. */
  openRtp(packet: Buffer): Buffer | OpeningFailure {
    const length = this.#plainLength(packet);
    const headerLength = length > maxPlainLength ? -1 : clearLength(packet, length);
    if (headerLength < 0) return 'forged';
    const place = this.#place;
    place.ssrc = packet.readUInt32BE(8);
    place.sequenceNumber = packet.readUInt16BE(2);
    place.headerLength = headerLength;
    const source = this.#rtp.get(place.ssrc);
    if (source === undefined) return this.#openFirst(packet, length);
    place.rollOver = estimateRollOver(place.sequenceNumber, source.highest);
    const index = place.rollOver * 0x10000 + place.sequenceNumber;
    if (place.rollOver < 0 || !source.isNew(index)) return 'replayed';
    if (place.rollOver > maxRollOver || !this.#transform.openRtp(packet, length, place)) return 'forged';
    source.add(index);
    source.heardAt = ++this.#opened;
    return packet.subarray(0, length);
  }

  /** The same for SRTCP. */
  openRtcp(packet: Buffer): Buffer | OpeningFailure {
    const mkiLength = this.#mkiLengthIn(packet, this.#rtcpMkiEnd(packet));
    const overhead = this.#transform.rtcpTagLength + rtcpIndexLength + mkiLength;
    const plainLength = packet.length - overhead;
    if (plainLength < rtcpHeaderLength || plainLength > maxPlainLength || packet[0]! >>> 6 !== 2)
      return 'forged';
    const ssrc = packet.readUInt32BE(4);
    const index = packet.readUInt32BE(this.#rtcpIndexAt(packet, mkiLength)) & 0x7fff_ffff;
    const source = this.#rtcp.get(ssrc);
    if (source?.isNew(index) === false) return 'replayed';
    const length = this.#transform.openRtcp(packet, ssrc, mkiLength);
    if (length < 0) return 'forged';
    const heard = source ?? newSource(this.#rtcp, ssrc);
    heard.add(index);
    heard.heardAt = ++this.#opened;
    return packet.subarray(0, length);
  }

  /** A source that is not known yet: nothing says how often its sequence numbers have begun anew. */
  #openFirst(packet: Buffer, length: number): Buffer | OpeningFailure {
    const place = this.#place;
    const { ssrc, sequenceNumber } = place;
    const before = this.#rollOversBefore.get(ssrc) ?? 0;
    // The far end may have begun just below the wrap, and what was below it got lost.
    const candidates = new Set(sequenceNumber < 0x8000 ? [0, 1, before, before + 1] : [0, before]);
    for (const rollOver of candidates) {
      place.rollOver = rollOver;
      if (!this.#transform.openRtp(packet, length, place)) continue;
      const source = newSource(this.#rtp, ssrc);
      source.add(rollOver * 0x10000 + sequenceNumber);
      source.heardAt = ++this.#opened;
      return packet.subarray(0, length);
    }
    return 'forged';
  }

  /** Octets without tag and key’s name. */
  #plainLength(packet: Buffer): number {
    const { rtpTagLength, isTagBeforeMki } = this.#transform;
    const mkiEnd = isTagBeforeMki ? packet.length : packet.length - rtpTagLength;
    return packet.length - rtpTagLength - this.#mkiLengthIn(packet, mkiEnd);
  }

  #rtcpMkiEnd({ length }: Buffer): number {
    return this.#transform.isTagBeforeMki ? length : length - this.#transform.rtcpTagLength;
  }

  #rtcpIndexAt(packet: Buffer, mkiLength: number): number {
    return this.#rtcpMkiEnd(packet) - mkiLength - rtcpIndexLength;
  }

  /** Some announce a name and do not write it. */
  #mkiLengthIn(packet: Buffer, end: number): number {
    const mki = this.#mki;
    if (mki === null || end < mki.length) return 0;
    return packet.compare(mki, 0, mki.length, end - mki.length, end) === 0 ? mki.length : 0;
  }
}

function newSource(sources: Map<number, ReplayWindow>, ssrc: number): ReplayWindow {
  if (sources.size >= maxSources) {
    const [longestSilent] = [...sources].sort(([, a], [, b]) => a.heardAt - b.heardAt);
    if (longestSilent !== undefined) sources.delete(longestSilent[0]);
  }
  const source = new ReplayWindow();
  sources.set(ssrc, source);
  return source;
}
