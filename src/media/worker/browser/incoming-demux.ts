/** Which track a browser’s packet belongs to. */
import type { RtpPacket } from '../rtp/rtp-packet.js';
import type { DtmfDetector } from '../codec/dtmf-detector.js';
import type { NegotiatedCodec, TelephoneEventFormat } from './browser-codecs.js';
import type { IncomingTrack } from './incoming-track.js';

/** A section in which the browser sends, and the track that takes it. */
export interface IncomingSlot {
  /** Which section it is, from 0. */
  readonly index: number;
  readonly mid: string | null;
  readonly midExtensionId: number;
  /** 0: its packets are not counted by the transport. */
  readonly transportSequenceId: number;
  readonly ssrcs: readonly number[];
  /** What SSRCs of retransmissions repair, as far as it was announced. */
  readonly repairs: ReadonlyMap<number, number>;
  readonly codecs: readonly NegotiatedCodec[];
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  /** From the first key press on. */
  dtmf: DtmfDetector | null;
  track: IncomingTrack;
  codecChangedMs: number;
}

/** SSRCs remembered beyond those announced: a browser needs one per section, a stranger would use any number. */
const maxLearntSsrcs = 256;

/** Tells which section of a BUNDLE a packet belongs to (RFC 9143 §9.2): by SSRC, else mid, else payload type. */
export class IncomingDemux {
  #slots: readonly IncomingSlot[] = [];
  readonly #bySsrc = new Map<number, IncomingSlot>();

  get slots(): readonly IncomingSlot[] {
    return this.#slots;
  }

  replace(slots: readonly IncomingSlot[]): void {
    this.#slots = slots;
    this.#bySsrc.clear();
    for (const slot of slots)
      for (const ssrc of [...slot.ssrcs, ...slot.repairs.keys()]) this.#bySsrc.set(ssrc, slot);
  }

  bySsrc(ssrc: number): IncomingSlot | null {
    return this.#bySsrc.get(ssrc) ?? null;
  }

  /** Null for a packet of no section. */
  find(packet: RtpPacket): IncomingSlot | null {
    const known = this.#bySsrc.get(packet.ssrc);
    if (known !== undefined) return known;
    const found = this.#byMid(packet) ?? this.#byPayloadType(packet.payloadType);
    if (found !== null && this.#bySsrc.size < maxLearntSsrcs) this.#bySsrc.set(packet.ssrc, found);
    return found;
  }

  #byMid(packet: RtpPacket): IncomingSlot | null {
    if (packet.extensionProfile < 0) return null;
    for (const slot of this.#slots) {
      if (slot.mid === null || slot.midExtensionId === 0) continue;
      const value = packet.extensionElement(slot.midExtensionId);
      if (value !== null && value.toString('utf8') === slot.mid) return slot;
    }
    return null;
  }

  /** Only where the browser announced no SSRCs, and only one section has the payload type. */
  #byPayloadType(payloadType: number): IncomingSlot | null {
    const fitting = this.#slots.filter(
      ({ ssrcs, codecs }) =>
        ssrcs.length === 0 &&
        codecs.some((c) => c.payloadType === payloadType || c.rtxPayloadType === payloadType),
    );
    return fitting.length === 1 ? (fitting[0] ?? null) : null;
  }
}
