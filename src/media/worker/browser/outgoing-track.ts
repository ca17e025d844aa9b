/** What a browser is sent of one stream: rewritten packets, sent again on request. */
import { type RtpHeader, RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { ntpTime, type SenderReport } from '../rtp/rtcp.js';
import { RemoteReception } from '../quality/remote-reception.js';
import type { PacketSink, SourceTrack, TrackKind } from '../source-track.js';
import type { NegotiatedCodec } from './browser-codecs.js';
import { beginsKeyFrame } from './key-frame.js';
import { PacketCache } from './packet-cache.js';
import { originalNumberLength, writeRetransmission } from './retransmission.js';
import { RtpRewriter } from './rtp-rewriter.js';

/** Longest RTP packet that is forwarded; what does not fit a common MTU would not arrive. */
export const maxPacketLength = 1500;

export interface OutgoingTrackOptions {
  readonly kind: TrackKind;
  readonly ssrc: number;
  /** The source of what is sent again, where the codec is negotiated with RFC 4588; null: the same. */
  readonly rtxSsrc: number | null;
  readonly codecs: readonly NegotiatedCodec[];
  /** Sends one packet, which it copies before it returns. */
  readonly send: (packet: Buffer) => boolean;
  /** Views of one buffer by length, shared by all tracks of a leg. */
  readonly scratch: PacketScratch;
  /** Octets of video kept for retransmission. */
  readonly cacheOctets: number;
  readonly firstSequenceNumber: number;
  readonly firstTimestamp: number;
  readonly firstRtxSequenceNumber: number;
}

/** One buffer to write outgoing packets in, with its views by length kept: no allocation per packet. */
export class PacketScratch {
  readonly #octets = Buffer.allocUnsafeSlow(maxPacketLength + originalNumberLength);
  readonly #views: (Buffer | undefined)[] = [];

  view(length: number): Buffer {
    return (this.#views[length] ??= this.#octets.subarray(0, length));
  }
}

/** A retransmission is not repeated within this time: NACKs for one loss come in bursts. */
const minRetransmissionIntervalMs = 20;
/** Retransmissions per second and track, so that NACKs cannot multiply traffic. */
const maxRetransmissionsPerSecond = 500;
/** How often a key frame is asked for while none comes. */
const keyFrameRetryMs = 500;

/**
 * Sends one source, or one after another, as one SSRC of a browser's: headers rewritten, payload untouched, extensions
 * left out (none is negotiated). Video begins at a key frame, and what is lost is sent again from a cache.
 */
export class OutgoingTrack implements PacketSink {
  readonly kind: TrackKind;
  readonly ssrc: number;
  packetsSent = 0;
  packetsNotSent = 0;
  packetsRetransmitted = 0;
  /** What the browser reports of it. */
  readonly reported = new RemoteReception();

  readonly #options: OutgoingTrackOptions;
  readonly #rewriter: RtpRewriter;
  /** Header of the packet that is being written. */
  readonly #header: RtpHeader;
  #codecs: readonly NegotiatedCodec[];
  #cache: PacketCache | null = null;
  #source: SourceTrack | null = null;
  #payloadType = -1;
  #clockRateHz = 0;
  #retransmits = false;
  #rtxPayloadType: number | null = null;
  #rtxSequenceNumber: number;
  #awaitsKeyFrame = false;
  #keyFrameAskedMs = -Infinity;
  #octetsSent = 0;
  #lastTimestamp = 0;
  #lastArrivalMs = -1;
  #retransmissionsLeft = maxRetransmissionsPerSecond;
  #retransmissionsFilledMs = 0;

  constructor(options: OutgoingTrackOptions) {
    this.kind = options.kind;
    this.ssrc = options.ssrc;
    this.#options = options;
    this.#codecs = options.codecs;
    this.#rtxSequenceNumber = options.firstRtxSequenceNumber;
    this.#header = { payloadType: 0, marker: false, sequenceNumber: 0, timestamp: 0, ssrc: options.ssrc };
    this.#rewriter = new RtpRewriter(options.firstSequenceNumber, options.firstTimestamp);
  }

  get source(): SourceTrack | null {
    return this.#source;
  }

  get clockRateHz(): number {
    return this.#clockRateHz;
  }

  /** False where the browser lacks the codec of the source, which is then not sent. */
  get isSendable(): boolean {
    return this.#payloadType >= 0;
  }

  /** Forwards `source` from now on, or nothing. */
  setSource(source: SourceTrack | null): void {
    if (source === this.#source) return;
    this.#source?.removeSink(this);
    this.#source = source;
    this.#rewriter.switchSource();
    this.#lastArrivalMs = -1;
    this.#choosePayloadType();
    this.#awaitsKeyFrame = this.kind === 'video';
    this.#keyFrameAskedMs = -Infinity;
    if (source === null) return;
    source.addSink(this);
    if (this.#awaitsKeyFrame && this.isSendable) source.requestKeyFrame();
  }

  setCodecs(codecs: readonly NegotiatedCodec[]): void {
    this.#codecs = codecs;
    this.#choosePayloadType();
  }

  #choosePayloadType(): void {
    const name = this.#source?.codec.name;
    const negotiated = this.#codecs.find(({ codec }) => codec.name === name);
    this.#payloadType = negotiated?.payloadType ?? -1;
    this.#clockRateHz = negotiated?.codec.clockRateHz ?? 0;
    this.#retransmits = negotiated?.feedback.includes('nack') ?? false;
    this.#rtxPayloadType = negotiated?.rtxPayloadType ?? null;
  }

  onPacket(packet: RtpPacket, arrivalMs: number): void {
    const source = this.#source;
    if (source === null || this.#payloadType < 0) return;
    if (this.#awaitsKeyFrame) {
      if (!beginsKeyFrame(source.codec, packet)) {
        if (arrivalMs - this.#keyFrameAskedMs >= keyFrameRetryMs) {
          this.#keyFrameAskedMs = arrivalMs;
          source.requestKeyFrame();
        }
        return;
      }
      this.#awaitsKeyFrame = false;
    }
    const length = rtpHeaderLength + packet.payloadLength;
    if (length > maxPacketLength) {
      this.packetsNotSent++;
      return;
    }
    const rewriter = this.#rewriter;
    const begins = !rewriter.isMapped && this.kind === 'audio';
    if (!rewriter.map(packet, arrivalMs, this.#clockRateHz)) return;
    const out = this.#options.scratch.view(length);
    const { sequenceNumber, timestamp } = rewriter;
    const header = this.#header;
    header.payloadType = this.#payloadType;
    header.marker = packet.marker || begins;
    header.sequenceNumber = sequenceNumber;
    header.timestamp = timestamp;
    RtpPacket.writeHeader(out, header);
    packet.buffer.copy(
      out,
      rtpHeaderLength,
      packet.payloadOffset,
      packet.payloadOffset + packet.payloadLength,
    );
    if (this.#options.send(out)) {
      this.packetsSent++;
      this.#octetsSent += packet.payloadLength;
    } else this.packetsNotSent++;
    this.#lastTimestamp = timestamp;
    this.#lastArrivalMs = arrivalMs;
    if (this.#retransmits) {
      this.#cache ??= new PacketCache(this.#options.cacheOctets);
      this.#cache.store(sequenceNumber, out, arrivalMs);
    }
  }

  /** Sends again what the browser misses (RFC 4585 §6.2.1), as far as it is still there. */
  onNack(sequenceNumbers: readonly number[], nowMs: number): void {
    if (this.#cache === null || this.#source === null) return;
    if (nowMs - this.#retransmissionsFilledMs >= 1000) {
      this.#retransmissionsFilledMs = nowMs;
      this.#retransmissionsLeft = maxRetransmissionsPerSecond;
    }
    for (const sequenceNumber of sequenceNumbers) {
      if (this.#retransmissionsLeft === 0) return;
      const packet = this.#cache.take(sequenceNumber, nowMs, minRetransmissionIntervalMs);
      if (packet === null) continue;
      this.#retransmissionsLeft--;
      if (this.#options.send(this.#asRetransmission(packet))) this.packetsRetransmitted++;
    }
  }

  #asRetransmission(packet: Buffer): Buffer {
    const { rtxSsrc, scratch } = this.#options;
    const payloadType = this.#rtxPayloadType;
    if (rtxSsrc === null || payloadType === null) return packet;
    const out = scratch.view(packet.length + originalNumberLength);
    const sequenceNumber = this.#rtxSequenceNumber;
    this.#rtxSequenceNumber = (sequenceNumber + 1) & 0xffff;
    writeRetransmission(out, packet, { payloadType, sequenceNumber, ssrc: rtxSsrc });
    return out;
  }

  /** PLI or FIR of the browser. */
  onKeyFrameRequest(): void {
    if (this.isSendable) this.#source?.requestKeyFrame();
  }

  /**
   * The report that ties our timestamps to a clock, which is the publisher's own where it tells it: audio and video of one
   * publisher then share it, and lips are in sync. Null while there is nothing to report yet.
   */
  senderReport(nowMs: number, unixMsOfZero: number): SenderReport | null {
    const source = this.#source;
    if (source === null || this.#lastArrivalMs < 0) return null;
    let unixMs: number;
    let rtpTimestamp: number;
    if (source.senderClock === undefined) {
      unixMs = unixMsOfZero + nowMs;
      rtpTimestamp = this.#lastTimestamp + this.#ticks(nowMs - this.#lastArrivalMs);
    } else {
      const clock = source.senderClock;
      if (clock === null || !this.#rewriter.isMapped) return null;
      const age = nowMs - clock.arrivalMs;
      unixMs = clock.unixMs + age;
      rtpTimestamp = this.#rewriter.mapTimestamp(clock.rtpTimestamp) + this.#ticks(age);
    }
    const { seconds, fraction } = ntpTime(unixMs);
    return {
      type: 'sender-report',
      ssrc: this.ssrc,
      ntpSeconds: seconds,
      ntpFraction: fraction,
      rtpTimestamp: rtpTimestamp >>> 0,
      packetCount: this.packetsSent >>> 0,
      octetCount: this.#octetsSent >>> 0,
      reports: [],
    };
  }

  #ticks(ms: number): number {
    return Math.round((ms * this.#clockRateHz) / 1000);
  }

  /** Idempotent: forwards nothing any more. */
  close(): void {
    this.setSource(null);
    this.#cache = null;
  }
}
