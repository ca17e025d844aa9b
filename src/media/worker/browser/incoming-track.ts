/** What a browser sends of one stream. */
import type { Codec } from '../codec/codec.js';
import { ReceptionStatistics } from '../rtp/reception-statistics.js';
import { compactNtp, type ReportBlock, type SenderReport } from '../rtp/rtcp.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { ThinnedSequence } from '../rtp/thinned-sequence.js';
import type { PacketSink, SenderClock, SourceTrack, TrackKind } from '../source-track.js';
import type { NegotiatedCodec } from './browser-codecs.js';
import { NackGenerator } from './nack-generator.js';

/** At most one key frame request to a browser in this time: each costs its bitrate. */
const keyFrameIntervalMs = 500;
/** Seconds from 1900 to 1970 (RFC 5905 §6). */
const ntpEpochOffsetS = 2_208_988_800;

export interface IncomingTrackOptions {
  readonly streamId: string;
  readonly kind: TrackKind;
  readonly negotiated: NegotiatedCodec;
  readonly now: () => number;
  /** Sends a PLI for this SSRC. */
  readonly sendPli: (ssrc: number) => void;
  /** Runs `run` after a delay, once; the leg's timer. */
  readonly later: (run: () => void, delayMs: number) => void;
}

/** One track that a browser publishes: counts, asks for what is missing, hands everything else on as it comes. */
export class IncomingTrack implements SourceTrack {
  readonly streamId: string;
  readonly kind: TrackKind;
  readonly codec: Codec;
  readonly payloadType: number;
  /** May not be published (any more): nothing is handed on. */
  muted = false;

  readonly #options: IncomingTrackOptions;
  readonly #statistics: ReceptionStatistics;
  readonly #nack: NackGenerator | null;
  readonly #sequence = new ThinnedSequence();
  /** Replaced, never changed: a sink may leave while it is called. */
  #sinks: readonly PacketSink[] = [];
  #ssrc = -1;
  #senderClock: SenderClock | null = null;
  #lastReport = 0;
  #keyFrameAskedMs = -Infinity;
  #keyFramePending = false;
  #closed = false;

  constructor(options: IncomingTrackOptions) {
    this.streamId = options.streamId;
    this.kind = options.kind;
    this.codec = options.negotiated.codec;
    this.payloadType = options.negotiated.payloadType;
    this.#options = options;
    this.#statistics = new ReceptionStatistics(this.codec.clockRateHz);
    this.#nack = options.negotiated.feedback.includes('nack') ? new NackGenerator() : null;
  }

  /** The source of the packets that come in now; -1 before the first. */
  get ssrc(): number {
    return this.#ssrc;
  }

  get senderClock(): SenderClock | null {
    return this.#senderClock;
  }

  get packetsReceived(): number {
    return this.#statistics.packetsReceived;
  }

  get packetsLost(): number {
    return this.#statistics.packetsLost;
  }

  get jitterMs(): number {
    return this.#statistics.jitterMs;
  }

  get missesPackets(): boolean {
    return this.#nack !== null && this.#nack.missingCount > 0;
  }

  addSink(sink: PacketSink): void {
    if (!this.#closed && !this.#sinks.includes(sink)) this.#sinks = [...this.#sinks, sink];
  }

  removeSink(sink: PacketSink): void {
    this.#sinks = this.#sinks.filter((s) => s !== sink);
  }

  /** A packet of the same source that nobody is to hear, a telephone event: it came, and is not missing in what is heard. */
  leaveOut(packet: RtpPacket, arrivalMs: number): void {
    this.#statistics.onPacket(packet, arrivalMs, null);
    this.#sequence.takeOut(packet);
  }

  /** `isRepeated`: it was sent again on a source of its own, and says nothing of loss and jitter (RFC 4588 §4). */
  onPacket(packet: RtpPacket, arrivalMs: number, isRepeated = false): void {
    if (isRepeated && packet.ssrc !== this.#ssrc) return;
    if (packet.ssrc !== this.#ssrc) {
      this.#ssrc = packet.ssrc;
      this.#senderClock = null;
      this.#lastReport = 0;
      this.#nack?.reset();
      // Somebody waits for video already: the request went to an SSRC not known yet, or to the one before.
      if (this.#sinks.length > 0) this.requestKeyFrame();
    }
    if (!isRepeated) this.#statistics.onPacket(packet, arrivalMs);
    const arrival = this.#nack?.onPacket(packet.sequenceNumber, arrivalMs);
    if (this.#nack?.takeGaveUp() === true) this.requestKeyFrame();
    // Without payload: a probe of the sender's bandwidth estimation. It is forwarded too, or sequence numbers would have gaps.
    if (this.muted || arrival === 'duplicate') return;
    if (this.kind === 'audio') packet.renumber(this.#sequence.numberOf(packet));
    for (const sink of this.#sinks) sink.onPacket(packet, arrivalMs);
  }

  /** The sequence numbers to ask the browser for now. */
  missing(nowMs: number): readonly number[] {
    const due = this.#nack?.due(nowMs) ?? [];
    if (this.#nack?.takeGaveUp() === true) this.requestKeyFrame();
    return due;
  }

  requestKeyFrame(): void {
    if (this.kind !== 'video' || this.#closed || this.#ssrc < 0 || this.#keyFramePending) return;
    const wait = this.#keyFrameAskedMs + keyFrameIntervalMs - this.#options.now();
    if (wait > 0) {
      // A request that comes too early is not lost: whoever asked came after the key frame that is on its way.
      this.#keyFramePending = true;
      this.#options.later(() => {
        this.#keyFramePending = false;
        this.requestKeyFrame();
      }, wait);
      return;
    }
    this.#keyFrameAskedMs = this.#options.now();
    this.#options.sendPli(this.#ssrc);
  }

  onSenderReport(report: SenderReport, arrivalMs: number): void {
    const { ntpSeconds, ntpFraction, rtpTimestamp } = report;
    const unixMs = (ntpSeconds - ntpEpochOffsetS) * 1000 + (ntpFraction / 0x1_0000_0000) * 1000;
    this.#senderClock = { unixMs, rtpTimestamp, arrivalMs };
    this.#lastReport = compactNtp(ntpSeconds, ntpFraction);
  }

  /** What to report to the browser about this track (RFC 3550 §6.4.1); null before its first packet. */
  report(nowMs: number): ReportBlock | null {
    const since = this.#senderClock === null ? 0 : nowMs - this.#senderClock.arrivalMs;
    return this.#statistics.report(this.#lastReport, Math.round((since * 65_536) / 1000) >>> 0);
  }

  /** Idempotent: no sink hears of it any more. */
  close(): void {
    this.#closed = true;
    this.#sinks = [];
  }
}
