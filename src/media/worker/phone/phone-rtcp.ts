/** The RTCP of one phone: its reports, ours, and where ours go (RFC 3550 §6). */
import { randomBytes } from 'node:crypto';
import type { MediaAddress } from '../../../sdp/media-address.js';
import type { ReceptionStatistics } from '../rtp/reception-statistics.js';
import { compactNtp, formatRtcp, ntpTime, parseRtcp, type RtcpPacket } from '../rtp/rtcp.js';
import type { ReportReader } from '../quality/report-reader.js';
import type { AddressLatch } from './address-latch.js';
import type { PhoneAgreement } from './phone-sdp.js';
import type { RtpOutput } from './rtp-output.js';

export interface PhoneRtcpOptions {
  /** Mean time between two reports. */
  readonly intervalMs: number;
  readonly latch: AddressLatch;
  readonly output: Pick<RtpOutput, 'ssrc' | 'packets' | 'octets' | 'timestampAt'>;
  readonly reception: ReceptionStatistics;
  /** Learns what the phone reports. Default: nobody does. */
  readonly quality?: Pick<ReportReader, 'onPackets' | 'onSenderReport'>;
  /** Sends a datagram: from the port of RTP where both share it (RFC 5761), else from that of RTCP. */
  readonly send: (datagram: Buffer, destination: MediaAddress, isMuxed: boolean) => void;
}

/** Knows no socket and no clock: everything is told when it is. */
export class PhoneRtcp {
  readonly #options: PhoneRtcpOptions;
  /** Canonical name: says nothing about the person (RFC 7022). */
  readonly #cname = randomBytes(12).toString('base64');
  /** Null before anything was agreed on. */
  #agreement: Pick<PhoneAgreement, 'rtcpMux' | 'remoteRtcp'> | null = null;
  /** Where reports go that have a port of their own. Null: not known. */
  #destination: MediaAddress | null = null;
  /** A report came from there, not only the SDP says so. */
  #isLearned = false;
  #nextReportMs = 0;
  #lastSenderReport = 0;
  #lastSenderReportMs = 0;
  #packetsAtReport = -1;

  constructor(options: PhoneRtcpOptions) {
    this.#options = options;
  }

  onAgreement(agreement: Pick<PhoneAgreement, 'rtcpMux' | 'remoteRtcp'>, nowMs: number): void {
    // Half the interval for the first (RFC 3550 §6.2).
    if (this.#agreement === null) this.#nextReportMs = nowMs + this.#options.intervalMs / 2;
    this.#agreement = agreement;
    this.forgetDestination();
  }

  /** Back to what the SDP says: what was learned may have been a stranger's. */
  forgetDestination(): void {
    this.#destination = this.#agreement?.rtcpMux === false ? this.#agreement.remoteRtcp : null;
    this.#isLearned = false;
  }

  /** Whether that is the peer's address and port, of RTP or RTCP. Until its first RTP: the host of either. */
  isOfPeer(from: MediaAddress): boolean {
    const { latch } = this.#options;
    if (!latch.isHostOfPeer(from.address)) return false;
    return !latch.locked || latch.isLockedOn(from) || isSame(this.#destination, from);
  }

  /**
   * What came in: no RTCP of the peer's, its report, or its goodbye (RFC 3550 §6.6). The peer's comes from its host, and from the port
   * that RTP or RTCP came from before, unless it names one of the call's sources: anybody may write any address. `isRtpSocket`: where
   * audio comes in; only from where RTCP comes to its own port is it learned where ours should go.
   */
  onPacket(
    buffer: Buffer,
    from: MediaAddress,
    nowMs: number,
    isRtpSocket: boolean,
  ): 'stranger' | 'report' | 'goodbye' {
    const packets = this.#options.latch.isHostOfPeer(from.address) ? parseRtcp(buffer) : null;
    if (packets === null) return 'stranger';
    // Behind a NAT the port of RTCP may be any, and another one later.
    const hasOwnPort = this.#agreement?.rtcpMux === false && !isRtpSocket;
    const isFirst = hasOwnPort && !this.#isLearned;
    if (!isFirst && !this.isOfPeer(from) && !this.#namesSource(packets)) return 'stranger';
    this.#options.quality?.onPackets(packets, nowMs);
    for (const packet of packets) {
      if (packet.type !== 'sender-report') continue;
      this.#lastSenderReport = compactNtp(packet.ntpSeconds, packet.ntpFraction);
      this.#lastSenderReportMs = nowMs;
    }
    if (hasOwnPort) {
      this.#destination = { address: from.address, port: from.port };
      this.#isLearned = true;
    }
    return packets.some(({ type }) => type === 'bye') ? 'goodbye' : 'report';
  }

  /** Sends a report where one is due. To be called once a second or more often. */
  onTick(nowMs: number): void {
    if (nowMs < this.#nextReportMs) return;
    // Between half and one and a half intervals, so that a thousand legs do not report together (RFC 3550 §6.2).
    this.#nextReportMs = nowMs + this.#options.intervalMs * (0.5 + Math.random());
    this.#send(() => this.#report(nowMs));
  }

  /** The last report, with the goodbye (RFC 3550 §6.6); nobody leaves who was never heard (§6.3.7). */
  leave(nowMs: number): void {
    const { ssrc, packets } = this.#options.output;
    if (packets === 0) return;
    this.#send(() => Buffer.concat([this.#report(nowMs), formatRtcp([{ type: 'bye', ssrcs: [ssrc] }])]));
  }

  /** Nobody knows these numbers who does not hear the call. */
  #namesSource(packets: readonly RtcpPacket[]): boolean {
    const { output, reception } = this.#options;
    return packets.some((packet) => {
      if (packet.type !== 'sender-report' && packet.type !== 'receiver-report') return false;
      const isTheirs = reception.packetsReceived > 0 && packet.ssrc === reception.ssrc;
      return isTheirs || packet.reports.some(({ ssrc }) => ssrc === output.ssrc);
    });
  }

  #send(make: () => Buffer): void {
    const isMuxed = this.#agreement?.rtcpMux === true;
    const destination = isMuxed ? this.#options.latch.destination : this.#destination;
    if (destination !== null) this.#options.send(make(), destination, isMuxed);
  }

  /** SR when something was sent since the last report, else RR (RFC 3550 §6.4), with the canonical name. */
  #report(nowMs: number): Buffer {
    const { output, reception } = this.#options;
    const delay =
      this.#lastSenderReport === 0 ? 0 : Math.round(((nowMs - this.#lastSenderReportMs) * 65536) / 1000);
    const block = reception.report(this.#lastSenderReport, delay);
    const reports = block === null ? [] : [block];
    const { ssrc, packets } = output;
    const hasSent = packets !== this.#packetsAtReport && packets > 0;
    this.#packetsAtReport = packets;
    const ntp = ntpTime(Date.now());
    if (hasSent) this.#options.quality?.onSenderReport(ssrc, compactNtp(ntp.seconds, ntp.fraction), nowMs);
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
}

function isSame(a: MediaAddress | null, b: MediaAddress): boolean {
  return a?.address === b.address && a.port === b.port;
}
