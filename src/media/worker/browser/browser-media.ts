/** The packets of one peer connection, in and out, and their RTCP. */
import { randomInt } from 'node:crypto';
import { DtmfDetector, type KeyListener } from '../codec/dtmf-detector.js';
import { parseTelephoneEvents } from '../codec/telephone-event.js';
import { isRtcp, RtpPacket } from '../rtp/rtp-packet.js';
import { parseRtcp, type RtcpPacket } from '../rtp/rtcp.js';
import { type AudioCounts, QualityMeter } from '../quality/quality-meter.js';
import { idOfReport, type ReportedStream, ReportReader } from '../quality/report-reader.js';
import type { LegStatistics } from '../leg.js';
import type { SourceStream, SourceTrack, TrackKind } from '../source-track.js';
import { isMediaKind, wantedKey, type Section } from './browser-sections.js';
import { formatNack, formatPli, formatReports } from './feedback.js';
import { IncomingDemux, type IncomingSlot } from './incoming-demux.js';
import { IncomingTrack } from './incoming-track.js';
import { OutgoingTrack, PacketScratch } from './outgoing-track.js';
import type { PublishedStreams } from './published-streams.js';
import { unwrapRetransmission } from './retransmission.js';
import { TransportFeedback } from './transport-feedback.js';

export interface BrowserMediaOptions {
  readonly send: (packet: Buffer) => boolean;
  /** A track changed its codec by itself: the streams are not what they were. */
  readonly onTracksChanged: () => void;
  /** A key press in the browser's audio (RFC 4733), at its end. */
  readonly keys: KeyListener;
  /** Held by REMB, per video track. */
  readonly videoBitrateCapBps: number;
  /** Octets of video kept for retransmission, per track sent. */
  readonly cacheOctets: number;
  readonly reportIntervalMs: number;
}

/** How long missing packets are collected before they are asked for. */
const nackIntervalMs = 10;
/** How often a browser is told when its packets came: what its estimate needs, at some 40 octets each. */
const arrivalsIntervalMs = 100;
/** A browser that changes its codec back and forth is followed no faster than this. */
const codecChangeIntervalMs = 1000;

/** RTP and RTCP of one browser: tells its packets apart, feeds the tracks, answers feedback, reports. */
export class BrowserMedia {
  readonly #options: BrowserMediaOptions;
  readonly #packet = new RtpPacket();
  readonly #scratch = new PacketScratch();
  readonly #demux = new IncomingDemux();
  /** By index of their section. */
  readonly #outgoing = new Map<number, OutgoingTrack>();
  readonly #outgoingBySsrc = new Map<number, OutgoingTrack>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Who reports, where it is not a track of ours. */
  readonly #ownSsrc = randomInt(1, 2 ** 32);
  #mayPublish: ReadonlySet<TrackKind> = new Set();
  #nackTimer: NodeJS.Timeout | null = null;
  readonly #arrivals = new TransportFeedback();
  #arrivalsTimer: NodeJS.Timeout | null = null;
  #reportTimer: NodeJS.Timeout | null = null;
  readonly #quality = new QualityMeter();
  readonly #reports = new ReportReader(this.#quality, { streamOf: (ssrc) => this.#reportedAudio(ssrc) });
  /** The audio of tracks that are no more. */
  #audioBefore = { packetsReceived: 0, packetsLost: 0, packetsSent: 0 };
  #packetsSentBefore = 0;
  #packetsReceivedBefore = 0;
  #packetsLostBefore = 0;
  #packetsUnknown = 0;
  #closed = false;

  constructor(options: BrowserMediaOptions) {
    this.#options = options;
  }

  /** The transport is up: reports begin. */
  start(): void {
    this.#reportTimer ??= setInterval(() => this.#report(), this.#options.reportIntervalMs);
  }

  readonly #now = (): number => performance.now();

  readonly #later = (run: () => void, delayMs: number): void => {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  };

  // --- what the browser sends ---

  /** Makes the incoming tracks what was negotiated; those that stay are not disturbed. */
  applyIncoming(sections: readonly Section[], published: PublishedStreams): void {
    const slots: IncomingSlot[] = [];
    for (const { streamId, sections: indexes } of published.streams) {
      for (const index of [indexes.audio, indexes.video]) {
        const section = index === undefined ? undefined : sections[index];
        const preferred = section?.codecs[0];
        if (index === undefined || section === undefined || preferred === undefined) continue;
        const { incoming, codecs, telephoneEvents, mid, kind } = section;
        const { midExtensionId, transportSequenceId } = section;
        if (incoming === null || !isMediaKind(kind)) continue;
        const existing = this.#demux.slots.find((s) => s.index === index && s.track.streamId === streamId);
        const stays =
          existing !== undefined &&
          codecs.some(
            (c) => c.payloadType === existing.track.payloadType && c.codec.name === existing.track.codec.name,
          );
        slots.push({
          index,
          mid,
          midExtensionId,
          transportSequenceId,
          ssrcs: incoming.ssrcs,
          repairs: incoming.repairs,
          codecs,
          telephoneEvents,
          dtmf: existing?.dtmf ?? null,
          codecChangedMs: existing?.codecChangedMs ?? -Infinity,
          track: stays ? existing.track : this.#newTrack(streamId, kind, preferred),
        });
      }
    }
    for (const { track } of this.#demux.slots)
      if (!slots.some((slot) => slot.track === track)) this.#retire(track);
    this.#demux.replace(slots);
    this.setMayPublish(this.#mayPublish);
  }

  #newTrack(streamId: string, kind: TrackKind, negotiated: IncomingSlot['codecs'][number]): IncomingTrack {
    const track = new IncomingTrack({
      streamId,
      kind,
      negotiated,
      now: this.#now,
      sendPli: (ssrc) => this.#options.send(formatPli(this.#ownSsrc, ssrc)),
      later: this.#later,
    });
    track.muted = !this.#mayPublish.has(kind);
    return track;
  }

  #retire(track: IncomingTrack): void {
    this.#packetsReceivedBefore += track.packetsReceived;
    this.#packetsLostBefore += track.packetsLost;
    if (track.kind === 'audio') {
      this.#audioBefore.packetsReceived += track.packetsReceived;
      this.#audioBefore.packetsLost += track.packetsLost;
    }
    track.close();
  }

  /** What may not be published is not handed on, whoever listens. */
  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    for (const { track } of this.#demux.slots) track.muted = !mayPublish.has(track.kind);
  }

  /** The published streams with their tracks, cut to what may be published. */
  streams(published: PublishedStreams): SourceStream[] {
    return published.streams.flatMap(({ streamId, alias }) => {
      const track = (kind: TrackKind): IncomingTrack | null =>
        this.#mayPublish.has(kind)
          ? (this.#demux.slots.find((s) => s.track.streamId === streamId && s.track.kind === kind)?.track ??
            null)
          : null;
      const [audio, video] = [track('audio'), track('video')];
      return audio === null && video === null ? [] : { streamId, alias, audio, video };
    });
  }

  /** One packet from the transport. */
  onPacket(buffer: Buffer): void {
    if (this.#closed) return;
    if (isRtcp(buffer)) {
      this.#onRtcp(buffer);
      return;
    }
    const packet = this.#packet;
    const slot = RtpPacket.parse(buffer, packet) ? this.#demux.find(packet) : null;
    if (slot === null) {
      this.#packetsUnknown++;
      return;
    }
    const nowMs = this.#now();
    if (slot.transportSequenceId > 0) this.#noteArrival(slot, packet, nowMs);
    if (packet.payloadType !== slot.track.payloadType && this.#takeOther(slot, packet, nowMs)) return;
    slot.track.onPacket(packet, nowMs);
    if (this.#nackTimer === null && slot.track.missesPackets)
      this.#nackTimer = setTimeout(() => this.#requestMissing(), nackIntervalMs);
  }

  #noteArrival({ transportSequenceId, track }: IncomingSlot, packet: RtpPacket, nowMs: number): void {
    const offset = packet.extensionElementOffset(transportSequenceId);
    if (offset < 0 || packet.extensionElementLength(offset) !== 2) return;
    this.#arrivals.onPacket(packet.buffer.readUInt16BE(offset), nowMs);
    this.#arrivalsTimer ??= setTimeout(() => {
      this.#arrivalsTimer = null;
      for (const report of this.#arrivals.reports(this.#ownSsrc, Math.max(track.ssrc, 0)))
        this.#options.send(report);
    }, arrivalsIntervalMs);
  }

  /** A packet that is not in the codec of its track. False where it is the first of another, which the track has now. */
  #takeOther(slot: IncomingSlot, packet: RtpPacket, nowMs: number): boolean {
    if (this.#takeTelephoneEvent(slot, packet, nowMs)) return true;
    const repeated = slot.codecs.find(({ rtxPayloadType }) => rtxPayloadType === packet.payloadType);
    if (repeated !== undefined) this.#takeRepeated(slot, packet, repeated.payloadType, nowMs);
    else if (this.#changeCodec(slot, packet.payloadType, nowMs)) return false;
    else this.#packetsUnknown++;
    return true;
  }

  /** Key presses are told, not handed on: no listener has negotiated them. */
  #takeTelephoneEvent(slot: IncomingSlot, packet: RtpPacket, nowMs: number): boolean {
    const format = slot.telephoneEvents.find(({ payloadType }) => payloadType === packet.payloadType);
    if (format === undefined) return false;
    slot.track.leaveOut(packet, nowMs);
    const events = parseTelephoneEvents(packet.buffer, packet.payloadOffset, packet.payloadLength);
    slot.dtmf ??= new DtmfDetector(this.#options.keys, undefined, format.clockRateHz);
    slot.dtmf.onPackets(events, packet, nowMs);
    return true;
  }

  /** A packet that was missing comes on a source of its own. */
  #takeRepeated(
    { track, repairs }: IncomingSlot,
    packet: RtpPacket,
    payloadType: number,
    nowMs: number,
  ): void {
    const ssrc = repairs.get(packet.ssrc) ?? track.ssrc;
    if (payloadType !== track.payloadType || ssrc !== track.ssrc) return;
    if (unwrapRetransmission(packet, { payloadType, ssrc })) track.onPacket(packet, nowMs, true);
  }

  /** Any negotiated codec may be used at any time (RFC 3264 §5.1): the track is replaced by one of the new codec. */
  #changeCodec(slot: IncomingSlot, payloadType: number, nowMs: number): boolean {
    const negotiated = slot.codecs.find((c) => c.payloadType === payloadType);
    if (negotiated === undefined || nowMs - slot.codecChangedMs < codecChangeIntervalMs) return false;
    const { streamId, kind } = slot.track;
    this.#retire(slot.track);
    slot.track = this.#newTrack(streamId, kind, negotiated);
    slot.codecChangedMs = nowMs;
    this.#options.onTracksChanged();
    return true;
  }

  #requestMissing(): void {
    this.#nackTimer = null;
    const nowMs = this.#now();
    let more = false;
    for (const { track } of this.#demux.slots) {
      if (!track.missesPackets) continue;
      const missing = track.missing(nowMs);
      if (missing.length > 0) this.#options.send(formatNack(this.#ownSsrc, track.ssrc, missing));
      more ||= track.missesPackets;
    }
    if (more) this.#nackTimer = setTimeout(() => this.#requestMissing(), nackIntervalMs);
  }

  // --- what the browser receives ---

  /** Forwards in each section what was negotiated there, as far as it is among the sources; ends everything else at once. */
  applyOutgoing(sections: readonly Section[], sources: ReadonlyMap<string, SourceTrack>): void {
    for (const [index, track] of this.#outgoing) {
      if (sections[index]?.outgoing?.ssrc === track.ssrc) continue;
      this.#packetsSentBefore += track.packetsSent;
      if (track.kind === 'audio') this.#audioBefore.packetsSent += track.packetsSent;
      track.close();
      this.#outgoing.delete(index);
      this.#outgoingBySsrc.delete(track.ssrc);
    }
    sections.forEach(({ kind, outgoing, codecs }, index) => {
      if (outgoing === null || !isMediaKind(kind)) return;
      const source = sources.get(wantedKey({ streamId: outgoing.streamId, kind })) ?? null;
      let track = this.#outgoing.get(index);
      if (track === undefined) {
        track = new OutgoingTrack({
          kind,
          ssrc: outgoing.ssrc,
          rtxSsrc: outgoing.rtxSsrc,
          codecs,
          send: this.#options.send,
          scratch: this.#scratch,
          cacheOctets: this.#options.cacheOctets,
          // Below 2^15, so that no packet is lost to a wrap before SRTP has seen the first (RFC 3711 §3.3.1).
          firstSequenceNumber: randomInt(0, 2 ** 15),
          firstTimestamp: randomInt(0, 2 ** 32),
          firstRtxSequenceNumber: randomInt(0, 2 ** 15),
        });
        this.#outgoing.set(index, track);
        this.#outgoingBySsrc.set(track.ssrc, track);
      } else track.setCodecs(codecs);
      track.setSource(outgoing.active ? source : null);
    });
  }

  /** Tracks that have a source which the browser has no codec for. */
  get tracksLeftOut(): number {
    return [...this.#outgoing.values()].filter((t) => t.source !== null && !t.isSendable).length;
  }

  // --- RTCP ---

  #onRtcp(buffer: Buffer): void {
    const packets = parseRtcp(buffer);
    if (packets === null) {
      this.#packetsUnknown++;
      return;
    }
    const nowMs = this.#now();
    this.#reports.onPackets(packets, nowMs);
    for (const packet of packets) this.#onRtcpPacket(packet, nowMs);
  }

  #onRtcpPacket(packet: RtcpPacket, nowMs: number): void {
    switch (packet.type) {
      case 'sender-report':
        this.#demux.bySsrc(packet.ssrc)?.track.onSenderReport(packet, nowMs);
        break;
      case 'nack':
        this.#outgoingBySsrc.get(packet.mediaSsrc)?.onNack(packet.sequenceNumbers, nowMs);
        break;
      case 'pli':
        this.#outgoingBySsrc.get(packet.mediaSsrc)?.onKeyFrameRequest();
        break;
      case 'fir':
        for (const { ssrc } of packet.entries) this.#outgoingBySsrc.get(ssrc)?.onKeyFrameRequest();
        break;
      default:
      // Receiver reports, names and the browser's own estimates change nothing here.
    }
  }

  #report(): void {
    const nowMs = this.#now();
    for (const { dtmf } of this.#demux.slots) if (dtmf?.pressed === true) dtmf.expire(nowMs);
    const senders = [...this.#outgoing.values()].flatMap((track) => {
      const report = track.senderReport(nowMs, performance.timeOrigin);
      if (report !== null) this.#reports.onSenderReport(report.ssrc, idOfReport(report), nowMs);
      return report === null || track.source === null ? [] : { report, cname: track.source.streamId };
    });
    const receivers = this.#demux.slots.flatMap(({ track }) => track.report(nowMs) ?? []);
    const videos = this.#demux.slots.flatMap(({ track }) =>
      track.kind === 'video' && track.ssrc >= 0 ? [track.ssrc] : [],
    );
    for (const compound of formatReports({
      ownSsrc: this.#ownSsrc,
      senders,
      receivers,
      videos,
      videoBitrateCapBps: this.#options.videoBitrateCapBps,
    }))
      this.#options.send(compound);
    this.#quality.onCounts(this.#audioCounts(), true, nowMs);
  }

  #reportedAudio(ssrc: number): ReportedStream | null {
    const track = this.#outgoingBySsrc.get(ssrc);
    if (track === undefined || track.kind !== 'audio' || track.clockRateHz === 0) return null;
    return { reception: track.reported, packets: track.packetsSent, clockRateHz: track.clockRateHz };
  }

  #audioCounts(): AudioCounts {
    let { packetsReceived, packetsLost, packetsSent } = this.#audioBefore;
    let jitterMs = 0;
    for (const { track } of this.#demux.slots) {
      if (track.kind !== 'audio') continue;
      packetsReceived += track.packetsReceived;
      packetsLost += track.packetsLost;
      jitterMs = Math.max(jitterMs, track.jitterMs);
    }
    for (const track of this.#outgoing.values()) if (track.kind === 'audio') packetsSent += track.packetsSent;
    return { packetsReceived, packetsLost, jitterMs, packetsSent };
  }

  statistics(): LegStatistics {
    let packetsReceived = this.#packetsReceivedBefore;
    let packetsLost = this.#packetsLostBefore;
    let packetsSent = this.#packetsSentBefore;
    let jitterMs = 0;
    for (const { track } of this.#demux.slots) {
      packetsReceived += track.packetsReceived;
      packetsLost += track.packetsLost;
      jitterMs = Math.max(jitterMs, track.jitterMs);
    }
    for (const track of this.#outgoing.values()) packetsSent += track.packetsSent;
    return {
      packetsReceived,
      packetsSent,
      packetsLost,
      packetsFromStrangers: this.#packetsUnknown,
      jitterMs,
      audio: this.#quality.quality(this.#audioCounts()),
    };
  }

  /** Idempotent: timers end, sinks leave their sources. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#nackTimer !== null) clearTimeout(this.#nackTimer);
    if (this.#arrivalsTimer !== null) clearTimeout(this.#arrivalsTimer);
    if (this.#reportTimer !== null) clearInterval(this.#reportTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const { track } of this.#demux.slots) track.close();
    for (const track of this.#outgoing.values()) track.close();
  }
}
