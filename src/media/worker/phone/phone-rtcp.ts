/** The RTCP of one phone. */
import type { ReceptionStatistics } from '../rtp/reception-statistics.js';
import { compactNtp, formatRtcp, ntpTime, parseRtcp, type RtcpPacket } from '../rtp/rtcp.js';
import type { RtpOutput } from './rtp-output.js';

/** Makes a phone leg's RTCP reports and takes in the peer's (RFC 3550 §6). Knows no socket. */
export class RtcpSession {
  readonly #cname: string;
  #lastSenderReport = 0;
  #lastSenderReportMs = 0;
  #packetsAtReport = -1;

  /** @param cname Canonical name; says nothing about the person (RFC 7022). */
  constructor(cname: string) {
    this.#cname = cname;
  }

  /** Null where it is no RTCP at all; `goodbye` where the peer leaves with it (RFC 3550 §6.6). */
  onPacket(buffer: Buffer, nowMs: number): 'report' | 'goodbye' | null {
    const packets = parseRtcp(buffer);
    if (packets === null) return null;
    for (const packet of packets) {
      if (packet.type !== 'sender-report') continue;
      this.#lastSenderReport = compactNtp(packet.ntpSeconds, packet.ntpFraction);
      this.#lastSenderReportMs = nowMs;
    }
    return packets.some(({ type }) => type === 'bye') ? 'goodbye' : 'report';
  }

  /** SR when something was sent since the last report, else RR (RFC 3550 §6.4), with the canonical name. */
  report(output: RtpOutput, reception: ReceptionStatistics, nowMs: number, unixMs: number): Buffer {
    const delay =
      this.#lastSenderReport === 0 ? 0 : Math.round(((nowMs - this.#lastSenderReportMs) * 65536) / 1000);
    const block = reception.report(this.#lastSenderReport, delay);
    const reports = block === null ? [] : [block];
    const { ssrc, packets } = output;
    const hasSent = packets !== this.#packetsAtReport && packets > 0;
    this.#packetsAtReport = packets;
    const ntp = ntpTime(unixMs);
    const first: RtcpPacket = hasSent
      ? {
          type: 'sender-report',
          ssrc,
          ntpSeconds: ntp.seconds,
          ntpFraction: ntp.fraction,
          rtpTimestamp: output.timestampAt(nowMs),
          packetCount: packets,
          octetCount: output.octets,
          reports,
        }
      : { type: 'receiver-report', ssrc, reports };
    return formatRtcp([first, { type: 'source-description', chunks: [{ ssrc, cname: this.#cname }] }]);
  }

  /** The last report, with the goodbye (RFC 3550 §6.6). */
  goodbye(output: RtpOutput, reception: ReceptionStatistics, nowMs: number, unixMs: number): Buffer {
    const report = this.report(output, reception, nowMs, unixMs);
    return Buffer.concat([report, formatRtcp([{ type: 'bye', ssrcs: [output.ssrc] }])]);
  }
}
