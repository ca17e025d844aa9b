/** What comes from a phone: its voice, its keys, its reports; and what comes to its port from others. */
import { randomInt } from 'node:crypto';
import type { MediaAddress } from '../../../sdp/media-address.js';
import { DtmfDetector, type KeyListener } from '../codec/dtmf-detector.js';
import type { PhoneCodec } from '../codec/phone-codec.js';
import { parseTelephoneEvents } from '../codec/telephone-event.js';
import type { LegEvents, LegOptions } from '../leg.js';
import type { ReceptionStatistics } from '../rtp/reception-statistics.js';
import { isRtcp, RtpPacket } from '../rtp/rtp-packet.js';
import type { TrackKind } from '../source-track.js';
import type { AddressLatch } from './address-latch.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';
import type { PhoneLiveness } from './phone-liveness.js';
import type { PhoneRtcp } from './phone-rtcp.js';
import type { PhoneAgreement } from './phone-sdp.js';

/** Comfort noise (RFC 3389): a sign of life, without sound of its own here. */
const comfortNoisePayloadType = 13;

/**
 * So many packets in a row in another codec that was agreed on, and not sooner again, each time twice as long: the stream becomes
 * another then, of which everybody who hears it is told.
 */
const packetsOfOtherCodec = 3;
const otherCodecMs = 1000;
const longestOtherCodecMs = 60_000;

/** A view shared by all legs: a packet is dealt with before the next is read. */
const packet = new RtpPacket();

export interface PhoneInputOptions extends Pick<LegOptions, 'participantId' | 'mayPublish'> {
  readonly events: Pick<LegEvents, 'onConnected' | 'onKeyDown' | 'onDtmf' | 'onStreams'>;
  readonly latch: AddressLatch;
  readonly reception: ReceptionStatistics;
  readonly rtcp: PhoneRtcp;
  readonly liveness: PhoneLiveness;
}

/** Knows no socket and no clock: datagrams are handed in, with the time. */
export class PhoneInput {
  readonly #options: PhoneInputOptions;
  /** By the clock of the events. */
  readonly #dtmf = new Map<number, DtmfDetector>();
  readonly #keys: KeyListener;
  #agreement: PhoneAgreement | null = null;
  /** Clocks of telephone events by their payload types, those of earlier descriptions too: some phones never change theirs. */
  readonly #eventClocks = new Map<number, number>();
  #mayPublish: ReadonlySet<TrackKind>;
  #track: PhoneIncomingTrack | null = null;
  #nextStreamNumber = randomInt(1, 1_000_000_000);
  #fromStrangers = 0;
  #inOtherCodec = 0;
  #codecChangesFromMs = -Infinity;
  #codecPauseMs = otherCodecMs;

  constructor(options: PhoneInputOptions) {
    this.#options = options;
    this.#mayPublish = options.mayPublish;
    this.#keys = {
      onKeyDown: () => options.events.onKeyDown(),
      onKey: (key, durationMs) => options.events.onDtmf(key, durationMs),
    };
  }

  get packetsFromStrangers(): number {
    return this.#fromStrangers;
  }

  /** What is received from now on. The stream is published by `publish`. */
  onAgreement(agreement: PhoneAgreement, nowMs: number): void {
    const before = this.#agreement;
    this.#agreement = agreement;
    const { events, ownEvents } = agreement;
    for (const { payloadType, clockRateHz } of events === null ? ownEvents : [events, ...ownEvents])
      this.#eventClocks.set(payloadType, clockRateHz);
    this.#options.latch.signal(agreement.remoteRtp, nowMs);
    if (before !== null && isTakenUp(before, agreement)) this.#options.latch.resume(nowMs);
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    this.publish();
  }

  /** Tells of the stream as it is agreed on and allowed, where it is another than before. */
  publish(): void {
    const { events } = this.#options;
    if (this.#agreement === null) return;
    if (!this.#mayPublish.has('audio')) {
      if (this.#track === null) return;
      this.#track = null;
      events.onStreams([]);
      return;
    }
    const { codec, receivable } = this.#agreement;
    const current = this.#track?.codec.name;
    // What the phone has chosen of our offer stays.
    const isAgreed = [...receivable.values()].some(({ name }) => name === current);
    if (!isAgreed) this.#replaceTrack(codec);
  }

  /** A key whose end was lost ends by itself. */
  onTick(nowMs: number): void {
    for (const detector of this.#dtmf.values()) if (detector.pressed) detector.expire(nowMs);
  }

  /** Nothing is handed on any more. */
  close(): void {
    this.#track = null;
  }

  onDatagram(buffer: Buffer, from: MediaAddress, isRtpSocket: boolean, nowMs: number): void {
    // Nobody can be answered at port 0, and nobody honest sends from there (RFC 768).
    if (from.port === 0) this.#fromStrangers++;
    else if (!isRtpSocket) this.#onRtcp(buffer, from, isRtpSocket, nowMs);
    else if (this.#agreement === null) return;
    // Some send it here that did not agree on it: it tells of life all the same.
    else if (isRtcp(buffer)) this.#onRtcp(buffer, from, isRtpSocket, nowMs);
    else this.#onRtp(this.#agreement, buffer, from, nowMs);
  }

  #onRtp(agreement: PhoneAgreement, buffer: Buffer, from: MediaAddress, nowMs: number): void {
    const { latch, rtcp, liveness, reception, events } = this.#options;
    if (!RtpPacket.parse(buffer, packet)) return this.#onOther(from, nowMs);
    const { payloadType } = packet;
    const codec = agreement.receivable.get(payloadType);
    const eventClock = codec === undefined ? this.#eventClocks.get(payloadType) : undefined;
    const isKnown =
      codec !== undefined || eventClock !== undefined || payloadType === comfortNoisePayloadType;
    // Something that is not even in an agreed format shall not win the lock.
    const verdict = isKnown || latch.isLockedOn(from) ? latch.onPacket(packet, from, nowMs) : 'stranger';
    if (verdict === 'stranger') {
      this.#fromStrangers++;
      return;
    }
    // Where the phone's RTP comes from, its RTCP teaches again where ours goes.
    if (verdict === 'locked') rtcp.forgetDestination();
    reception.onPacket(packet, nowMs, codec?.clockRateHz ?? null);
    if (liveness.onRtp(nowMs)) events.onConnected();
    // What comes while the peer holds is its hold music.
    const isMeant = agreement.peerSends && agreement.peerReceives;
    if (codec !== undefined && isMeant && packet.payloadLength > 0 && this.#isHeardIn(codec, nowMs)) {
      this.#track?.publish(packet, codec, nowMs);
      return;
    }
    this.#track?.leaveOut(packet, codec !== undefined);
    if (eventClock !== undefined) {
      const pressed = parseTelephoneEvents(buffer, packet.payloadOffset, packet.payloadLength);
      this.#detectorAt(eventClock).onPackets(pressed, packet, nowMs);
    }
  }

  #detectorAt(clockRateHz: number): DtmfDetector {
    let detector = this.#dtmf.get(clockRateHz);
    if (detector === undefined) {
      detector = new DtmfDetector(this.#keys, undefined, clockRateHz);
      this.#dtmf.set(clockRateHz, detector);
    }
    return detector;
  }

  /** Whether the stream is in this codec, or becomes so: a phone may send any that our offer named (RFC 3264 §6.1). */
  #isHeardIn(codec: PhoneCodec, nowMs: number): boolean {
    if (this.#track === null) return true;
    if (this.#track.takes(codec)) {
      this.#inOtherCodec = 0;
      return true;
    }
    const isMeant = ++this.#inOtherCodec >= packetsOfOtherCodec;
    if (!isMeant || nowMs < this.#codecChangesFromMs) return false;
    this.#codecChangesFromMs = nowMs + this.#codecPauseMs;
    this.#codecPauseMs = Math.min(2 * this.#codecPauseMs, longestOtherCodecMs);
    this.#replaceTrack(codec);
    return true;
  }

  #replaceTrack(codec: PhoneCodec): void {
    const { events, participantId } = this.#options;
    const streamId = `${participantId}.${this.#nextStreamNumber++}`;
    this.#inOtherCodec = 0;
    this.#track = new PhoneIncomingTrack(streamId, codec);
    events.onStreams([{ streamId, alias: 'microphone', audio: this.#track, video: null }]);
  }

  #onRtcp(buffer: Buffer, from: MediaAddress, isRtpSocket: boolean, nowMs: number): void {
    const content = this.#options.rtcp.onPacket(buffer, from, nowMs, isRtpSocket);
    if (content === 'stranger') this.#onOther(from, nowMs);
    else if (content === 'report') this.#options.liveness.onReport(nowMs);
  }

  /** Neither RTP nor RTCP: what keeps a NAT open while a phone is muted may be empty, STUN, or of another version (RFC 6263 §4). */
  #onOther(from: MediaAddress, nowMs: number): void {
    if (this.#options.rtcp.isOfPeer(from)) this.#options.liveness.onReport(nowMs);
    else this.#fromStrangers++;
  }
}

/** A phone that held speaks and hears again. */
function isTakenUp(before: PhoneAgreement, now: PhoneAgreement): boolean {
  return now.peerSends && now.peerReceives && !(before.peerSends && before.peerReceives);
}
