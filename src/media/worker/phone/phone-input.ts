/** What comes from a phone: its voice, its keys, its reports; and what comes to its port from others. */
import { randomInt } from 'node:crypto';
import type { MediaAddress } from '../../../sdp/media-address.js';
import { DtmfDetector } from '../codec/dtmf-detector.js';
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
  readonly #dtmf: DtmfDetector;
  #agreement: PhoneAgreement | null = null;
  /** Payload types of telephone events, those of earlier descriptions too: some phones never change theirs. */
  readonly #eventPayloadTypes = new Set<number>();
  #mayPublish: ReadonlySet<TrackKind>;
  #track: PhoneIncomingTrack | null = null;
  #nextStreamNumber = randomInt(1, 1_000_000_000);
  #fromStrangers = 0;

  constructor(options: PhoneInputOptions) {
    this.#options = options;
    this.#mayPublish = options.mayPublish;
    this.#dtmf = new DtmfDetector({
      onKeyDown: () => options.events.onKeyDown(),
      onKey: (key, durationMs) => options.events.onDtmf(key, durationMs),
    });
  }

  get packetsFromStrangers(): number {
    return this.#fromStrangers;
  }

  /** What is received from now on. The stream is published by `publish`. */
  onAgreement(agreement: PhoneAgreement, nowMs: number): void {
    const before = this.#agreement;
    this.#agreement = agreement;
    for (const payloadType of [agreement.eventPayloadType, agreement.ownEventPayloadType])
      if (payloadType !== null) this.#eventPayloadTypes.add(payloadType);
    this.#options.latch.signal(agreement.remoteRtp, nowMs);
    if (before !== null && isTakenUp(before, agreement)) this.#options.latch.resume(nowMs);
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    this.publish();
  }

  /** Tells of the stream as it is agreed on and allowed, where it is another than before. */
  publish(): void {
    const { events, participantId } = this.#options;
    if (this.#agreement === null) return;
    const { law } = this.#agreement;
    if (!this.#mayPublish.has('audio')) {
      if (this.#track === null) return;
      this.#track = null;
      events.onStreams([]);
      return;
    }
    if (this.#track?.law === law) return;
    const streamId = `${participantId}.${this.#nextStreamNumber++}`;
    this.#track = new PhoneIncomingTrack(streamId, law);
    events.onStreams([{ streamId, alias: 'microphone', audio: this.#track, video: null }]);
  }

  /** A key whose end was lost ends by itself. */
  onTick(nowMs: number): void {
    if (this.#dtmf.pressed) this.#dtmf.expire(nowMs);
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
    const law = agreement.receivable.get(payloadType);
    const isEvent = law === undefined && this.#eventPayloadTypes.has(payloadType);
    const isKnown = law !== undefined || isEvent || payloadType === comfortNoisePayloadType;
    // Something that is not even in an agreed format shall not win the lock.
    const verdict = isKnown || latch.isLockedOn(from) ? latch.onPacket(packet, from, nowMs) : 'stranger';
    if (verdict === 'stranger') {
      this.#fromStrangers++;
      return;
    }
    // Where the phone's RTP comes from, its RTCP teaches again where ours goes.
    if (verdict === 'locked') rtcp.forgetDestination();
    reception.onPacket(packet, nowMs, law !== undefined);
    if (liveness.onRtp(nowMs)) events.onConnected();
    // What comes while the peer holds is its hold music.
    const isMeant = agreement.peerSends && agreement.peerReceives;
    if (law !== undefined && isMeant && packet.payloadLength > 0) {
      this.#track?.publish(packet, law, nowMs);
      return;
    }
    this.#track?.leaveOut(packet, law !== undefined);
    if (isEvent) {
      const pressed = parseTelephoneEvents(buffer, packet.payloadOffset, packet.payloadLength);
      this.#dtmf.onPackets(pressed, packet, nowMs);
    }
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
