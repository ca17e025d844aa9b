/**
 * RTCP as values: SR, RR, SDES, BYE (RFC 3550 §6), NACK and PLI (RFC 4585 §6), FIR (RFC 5104 §4.3.1), the request for an SR
 * (RFC 6051 §3.2) and REMB (draft-alvestrand-rmcat-remb-03). Pure: bytes in, values out, and back.
 */

export interface ReportBlock {
  readonly ssrc: number;
  /** The share of the packets since the last report that was lost, in 1/256. */
  readonly fractionLost: number;
  /** Signed, 24 bits. */
  readonly packetsLost: number;
  readonly highestSequence: number;
  /** In timestamp units. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last SR received, 0 before one. */
  readonly lastSenderReport: number;
  /** In 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

export interface SenderReport {
  readonly type: 'sender-report';
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  readonly reports: readonly ReportBlock[];
}
export interface ReceiverReport {
  readonly type: 'receiver-report';
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
}
export interface SourceDescription {
  readonly type: 'source-description';
  /** Only the canonical names (CNAME): other items are not kept. */
  readonly chunks: readonly { readonly ssrc: number; readonly cname: string }[];
}
export interface Bye {
  readonly type: 'bye';
  readonly ssrcs: readonly number[];
}
export interface Nack {
  readonly type: 'nack';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly sequenceNumbers: readonly number[];
}
/** Asks for a sender report at once. */
export interface RapidResynchronisationRequest {
  readonly type: 'resynchronisation-request';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}
export interface PictureLossIndication {
  readonly type: 'pli';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}
export interface FullIntraRequest {
  readonly type: 'fir';
  readonly senderSsrc: number;
  readonly entries: readonly { readonly ssrc: number; readonly commandSequence: number }[];
}
export interface ReceiverEstimatedMaximumBitrate {
  readonly type: 'remb';
  readonly senderSsrc: number;
  readonly bitrateBps: number;
  readonly ssrcs: readonly number[];
}
export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | Nack
  | RapidResynchronisationRequest
  | PictureLossIndication
  | FullIntraRequest
  | ReceiverEstimatedMaximumBitrate;

const senderReportType = 200;
const receiverReportType = 201;
const sourceDescriptionType = 202;
const goodbyeType = 203;
const transportFeedbackType = 205;
const payloadFeedbackType = 206;
const cnameItem = 1;
const rembIdentifier = 0x52454d42;

/**
 * Reads a compound packet. Packets of kinds not listed here are skipped, and so is a known one whose content is cut.
 * Null when the framing itself is broken: not version 2, or lengths that pass the end.
 */
export function parseRtcp(buffer: Buffer): RtcpPacket[] | null {
  const packets: RtcpPacket[] = [];
  let offset = 0;
  while (offset < buffer.length) {
    if (offset + 4 > buffer.length) return null;
    const first = buffer[offset]!;
    if (first >> 6 !== 2) return null;
    const end = offset + 4 + buffer.readUInt16BE(offset + 2) * 4;
    if (end > buffer.length) return null;
    const padding = first & 0x20 ? buffer[end - 1]! : 0;
    if (padding > end - offset - 4) return null;
    const body = buffer.subarray(offset + 4, end - padding);
    const packet = parseBody(buffer[offset + 1]!, first & 0x1f, body);
    if (packet !== null) packets.push(packet);
    offset = end;
  }
  return packets.length > 0 || offset > 0 ? packets : null;
}

function parseBody(type: number, count: number, body: Buffer): RtcpPacket | null {
  switch (type) {
    case senderReportType:
      if (body.length < 24) return null;
      return {
        type: 'sender-report',
        ssrc: body.readUInt32BE(0),
        ntpSeconds: body.readUInt32BE(4),
        ntpFraction: body.readUInt32BE(8),
        rtpTimestamp: body.readUInt32BE(12),
        packetCount: body.readUInt32BE(16),
        octetCount: body.readUInt32BE(20),
        reports: parseReports(body, 24, count),
      };
    case receiverReportType:
      if (body.length < 4) return null;
      return { type: 'receiver-report', ssrc: body.readUInt32BE(0), reports: parseReports(body, 4, count) };
    case sourceDescriptionType:
      return { type: 'source-description', chunks: parseChunks(body, count) };
    case goodbyeType:
      return { type: 'bye', ssrcs: readSsrcs(body, 0, count) };
    case transportFeedbackType:
      return body.length < 8 ? null : parseTransportFeedback(count, body);
    case payloadFeedbackType:
      return body.length < 8 ? null : parsePayloadFeedback(count, body);
    default:
      return null;
  }
}

function parseReports(body: Buffer, offset: number, count: number): ReportBlock[] {
  const reports: ReportBlock[] = [];
  for (let at = offset; reports.length < count && at + 24 <= body.length; at += 24) {
    reports.push({
      ssrc: body.readUInt32BE(at),
      fractionLost: body[at + 4]!,
      packetsLost: body.readIntBE(at + 5, 3),
      highestSequence: body.readUInt32BE(at + 8),
      jitter: body.readUInt32BE(at + 12),
      lastSenderReport: body.readUInt32BE(at + 16),
      delaySinceLastSenderReport: body.readUInt32BE(at + 20),
    });
  }
  return reports;
}

function parseChunks(body: Buffer, count: number): { ssrc: number; cname: string }[] {
  const chunks: { ssrc: number; cname: string }[] = [];
  let offset = 0;
  for (let n = 0; n < count && offset + 4 <= body.length; n++) {
    const ssrc = body.readUInt32BE(offset);
    offset += 4;
    while (offset < body.length && body[offset] !== 0) {
      const end = offset + 2 + (body[offset + 1] ?? 0);
      if (end > body.length) return chunks;
      if (body[offset] === cnameItem) chunks.push({ ssrc, cname: body.toString('utf8', offset + 2, end) });
      offset = end;
    }
    // At least one null octet ends the items, and the chunk fills up its last word.
    offset += 4 - (offset & 3);
  }
  return chunks;
}

function readSsrcs(body: Buffer, offset: number, count: number): number[] {
  const fitting = Math.max(0, Math.min(count, (body.length - offset) >> 2));
  return Array.from({ length: fitting }, (_, i) => body.readUInt32BE(offset + i * 4));
}

function parseTransportFeedback(format: number, body: Buffer): RtcpPacket | null {
  const [senderSsrc, mediaSsrc] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  if (format === 5) return { type: 'resynchronisation-request', senderSsrc, mediaSsrc };
  return format === 1 ? { type: 'nack', senderSsrc, mediaSsrc, sequenceNumbers: parseNackItems(body) } : null;
}

function parseNackItems(body: Buffer): number[] {
  const sequenceNumbers: number[] = [];
  for (let offset = 8; offset + 4 <= body.length; offset += 4) {
    const first = body.readUInt16BE(offset);
    const following = body.readUInt16BE(offset + 2);
    sequenceNumbers.push(first);
    for (let bit = 0; bit < 16; bit++) {
      if (following & (1 << bit)) sequenceNumbers.push((first + bit + 1) & 0xffff);
    }
  }
  return sequenceNumbers;
}

function parsePayloadFeedback(format: number, body: Buffer): RtcpPacket | null {
  const senderSsrc = body.readUInt32BE(0);
  switch (format) {
    case 1:
      return { type: 'pli', senderSsrc, mediaSsrc: body.readUInt32BE(4) };
    case 4: {
      const entries = Array.from({ length: (body.length - 8) >> 3 }, (_, i) => ({
        ssrc: body.readUInt32BE(8 + i * 8),
        commandSequence: body[12 + i * 8]!,
      }));
      return { type: 'fir', senderSsrc, entries };
    }
    case 15: {
      if (body.length < 16 || body.readUInt32BE(8) !== rembIdentifier) return null;
      const exponent = body[13]! >> 2;
      const mantissa = ((body[13]! & 3) << 16) | body.readUInt16BE(14);
      return {
        type: 'remb',
        senderSsrc,
        bitrateBps: mantissa * 2 ** exponent,
        ssrcs: readSsrcs(body, 16, body[12]!),
      };
    }
    default:
      return null;
  }
}

/** Writes packets one after another as a compound packet. A NACK's sequence numbers must be in ascending serial order. */
export function formatRtcp(packets: readonly RtcpPacket[]): Buffer {
  return Buffer.concat(packets.map(formatOne));
}

function frame(type: number, count: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head[0] = 0x80 | count;
  head[1] = type;
  head.writeUInt16BE(body.length / 4, 2);
  return Buffer.concat([head, body]);
}

function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => buffer.writeUInt32BE(value >>> 0, i * 4));
  return buffer;
}

function formatOne(packet: RtcpPacket): Buffer {
  switch (packet.type) {
    case 'sender-report': {
      const { ssrc, ntpSeconds, ntpFraction, rtpTimestamp, packetCount, octetCount, reports } = packet;
      const sender = words(ssrc, ntpSeconds, ntpFraction, rtpTimestamp, packetCount, octetCount);
      return frame(senderReportType, reports.length, Buffer.concat([sender, ...reports.map(formatReport)]));
    }
    case 'receiver-report': {
      const { ssrc, reports } = packet;
      return frame(
        receiverReportType,
        reports.length,
        Buffer.concat([words(ssrc), ...reports.map(formatReport)]),
      );
    }
    case 'source-description':
      return frame(
        sourceDescriptionType,
        packet.chunks.length,
        Buffer.concat(packet.chunks.map(formatChunk)),
      );
    case 'bye':
      return frame(goodbyeType, packet.ssrcs.length, words(...packet.ssrcs));
    case 'nack':
      return frame(
        transportFeedbackType,
        1,
        words(packet.senderSsrc, packet.mediaSsrc, ...nackItems(packet.sequenceNumbers)),
      );
    case 'resynchronisation-request':
      return frame(transportFeedbackType, 5, words(packet.senderSsrc, packet.mediaSsrc));
    case 'pli':
      return frame(payloadFeedbackType, 1, words(packet.senderSsrc, packet.mediaSsrc));
    case 'fir': {
      const items = packet.entries.flatMap((entry) => [entry.ssrc, entry.commandSequence << 24]);
      return frame(payloadFeedbackType, 4, words(packet.senderSsrc, 0, ...items));
    }
    case 'remb': {
      const exponent = Math.max(0, Math.ceil(Math.log2((packet.bitrateBps + 1) / 0x40000)));
      const mantissa = Math.floor(packet.bitrateBps / 2 ** exponent);
      const size = (packet.ssrcs.length << 24) | (exponent << 18) | mantissa;
      return frame(
        payloadFeedbackType,
        15,
        words(packet.senderSsrc, 0, rembIdentifier, size, ...packet.ssrcs),
      );
    }
  }
}

function formatReport(report: ReportBlock): Buffer {
  const lost = Math.max(-0x800000, Math.min(0x7fffff, report.packetsLost)) & 0xffffff;
  return words(
    report.ssrc,
    (report.fractionLost << 24) | lost,
    report.highestSequence,
    report.jitter,
    report.lastSenderReport,
    report.delaySinceLastSenderReport,
  );
}

function formatChunk({ ssrc, cname }: { readonly ssrc: number; readonly cname: string }): Buffer {
  const text = Buffer.from(cname, 'utf8').subarray(0, 255);
  // RFC 3550 §6.5: one to four null octets end the chunk at a word.
  const chunk = Buffer.alloc(4 + ((2 + text.length + 4) & ~3));
  chunk.writeUInt32BE(ssrc, 0);
  chunk[4] = cnameItem;
  chunk[5] = text.length;
  text.copy(chunk, 6);
  return chunk;
}

function nackItems(sequenceNumbers: readonly number[]): number[] {
  const items: number[] = [];
  let first = -1;
  let following = 0;
  for (const sequenceNumber of sequenceNumbers) {
    const ahead = (sequenceNumber - first) & 0xffff;
    if (first >= 0 && ahead >= 1 && ahead <= 16) {
      following |= 1 << (ahead - 1);
      continue;
    }
    if (first >= 0) items.push(((first << 16) | following) >>> 0);
    first = sequenceNumber;
    following = 0;
  }
  if (first >= 0) items.push(((first << 16) | following) >>> 0);
  return items;
}

/** Seconds from the NTP epoch (1900) to the Unix epoch (1970). */
const ntpEpochOffset = 2_208_988_800;

/** Wall-clock time as NTP seconds and fraction (RFC 3550 §4). */
export function ntpTime(unixMs: number): { seconds: number; fraction: number } {
  const seconds = Math.floor(unixMs / 1000);
  return {
    seconds: (seconds + ntpEpochOffset) >>> 0,
    fraction: Math.floor(((unixMs - seconds * 1000) / 1000) * 0x1_0000_0000) >>> 0,
  };
}

/** The middle 32 bits of an NTP time, as reports quote it. */
export function compactNtp(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}
