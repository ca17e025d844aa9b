/** Reads what a far end's reports say of the audio that it is sent, and of what it sends itself. */
import { compactNtp, type RtcpPacket, type SenderReport } from '../rtp/rtcp.js';
import type { QualityMeter } from './quality-meter.js';
import type { RemoteReception, SentStream } from './remote-reception.js';

export type ReportedStream = SentStream & { readonly reception: RemoteReception };

export interface ReportedStreams {
  /** The audio that is sent under this SSRC; null: none is. */
  readonly streamOf: (ssrc: number) => ReportedStream | null;
  /** All there is, where that is one stream: a report without it is a report on it. */
  readonly only?: () => ReportedStream;
}

export class ReportReader {
  readonly #meter: Pick<QualityMeter, 'onSending' | 'onReported' | 'onReportWithoutUs'>;
  readonly #streams: ReportedStreams;
  #theirPacketCount = 0;

  constructor(
    meter: Pick<QualityMeter, 'onSending' | 'onReported' | 'onReportWithoutUs'>,
    streams: ReportedStreams,
  ) {
    this.#meter = meter;
    this.#streams = streams;
  }

  /** A sender report of ours goes out; `id`: what reports will name it by. */
  onSenderReport(ssrc: number, id: number, nowMs: number): void {
    this.#streams.streamOf(ssrc)?.reception.onSenderReport(id, nowMs);
  }

  /** One compound packet of the far end. */
  onPackets(packets: readonly RtcpPacket[], nowMs: number): void {
    let isReport = false;
    let namesUs = false;
    for (const packet of packets) {
      if (packet.type !== 'sender-report' && packet.type !== 'receiver-report') continue;
      isReport = true;
      if (packet.type === 'sender-report') this.#onTheirCount(packet.packetCount);
      for (const block of packet.reports) {
        const stream = this.#streams.streamOf(block.ssrc);
        if (stream === null) continue;
        namesUs = true;
        const { reception } = stream;
        const reported = reception.onBlock(block, stream, nowMs);
        this.#meter.onReported(reported, reception.isHeard, reception.roundTripMs);
      }
    }
    if (isReport && !namesUs) this.#onReportWithoutUs(nowMs);
  }

  /** Phones that always send sender reports have sent something only where the count has changed. */
  #onTheirCount(packetCount: number): void {
    if (packetCount !== this.#theirPacketCount) this.#meter.onSending();
    this.#theirPacketCount = packetCount;
  }

  #onReportWithoutUs(nowMs: number): void {
    const stream = this.#streams.only?.();
    if (stream?.reception.wasReported !== true) {
      this.#meter.onReportWithoutUs();
      return;
    }
    const reported = stream.reception.onAbsent(stream, nowMs);
    if (reported !== null) this.#meter.onReported(reported, false, null);
  }
}

/** What reports name a sender report by. */
export const idOfReport = ({ ntpSeconds, ntpFraction }: SenderReport): number =>
  compactNtp(ntpSeconds, ntpFraction);
