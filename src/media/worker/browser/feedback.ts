/** The RTCP a browser leg sends, as octets. Pure. */
import { formatRtcp, type ReportBlock, type RtcpPacket, type SenderReport } from '../rtp/rtcp.js';

/** Feedback goes out by itself (RFC 5506): every browser takes it so. */
export const formatPli = (senderSsrc: number, mediaSsrc: number): Buffer =>
  formatRtcp([{ type: 'pli', senderSsrc, mediaSsrc }]);

export const formatNack = (
  senderSsrc: number,
  mediaSsrc: number,
  sequenceNumbers: readonly number[],
): Buffer => formatRtcp([{ type: 'nack', senderSsrc, mediaSsrc, sequenceNumbers }]);

/** Asks for a report. Behind one of ours, so that it is a compound packet (RFC 3550 §6.1). */
export const formatReportRequest = (senderSsrc: number, mediaSsrc: number): Buffer =>
  formatRtcp([
    { type: 'receiver-report', ssrc: senderSsrc, reports: [] },
    { type: 'resynchronisation-request', senderSsrc, mediaSsrc },
  ]);

export interface Reports {
  /** Who reports on what was received. */
  readonly ownSsrc: number;
  readonly senders: readonly { readonly report: SenderReport; readonly cname: string }[];
  readonly receivers: readonly ReportBlock[];
  /** Video SSRCs whose sum of bitrates is held down to the cap for each. */
  readonly videos: readonly number[];
  readonly videoBitrateCapBps: number;
}

/** Sender reports per compound packet: with their names they fill about 1000 octets, well below any MTU. */
const sendersPerCompound = 10;
/** RFC 3550 §6.4.1 allows 31; these fit beside the senders. */
const receiversPerCompound = 8;

/** Everything there is to report, as compound packets that each fit a datagram; none where there is nothing. */
export function formatReports({
  ownSsrc,
  senders,
  receivers,
  videos,
  videoBitrateCapBps,
}: Reports): Buffer[] {
  const compounds: Buffer[] = [];
  const count = Math.max(
    Math.ceil(senders.length / sendersPerCompound),
    Math.ceil(receivers.length / receiversPerCompound),
  );
  for (let n = 0; n < count; n++) {
    const someSenders = senders.slice(n * sendersPerCompound, (n + 1) * sendersPerCompound);
    const reports = receivers.slice(n * receiversPerCompound, (n + 1) * receiversPerCompound);
    const packets: RtcpPacket[] = [];
    // RFC 3550 §6.1: a report first, the names after the reports.
    if (reports.length > 0 || someSenders.length === 0)
      packets.push({ type: 'receiver-report', ssrc: ownSsrc, reports });
    packets.push(...someSenders.map(({ report }) => report));
    packets.push({
      type: 'source-description',
      chunks: [
        ...(reports.length > 0 ? [{ ssrc: ownSsrc, cname: 'landbridge' }] : []),
        ...someSenders.map(({ report, cname }) => ({ ssrc: report.ssrc, cname })),
      ],
    });
    if (n === 0 && videos.length > 0)
      packets.push({
        type: 'remb',
        senderSsrc: ownSsrc,
        bitrateBps: videoBitrateCapBps * videos.length,
        ssrcs: videos,
      });
    compounds.push(formatRtcp(packets));
  }
  return compounds;
}
