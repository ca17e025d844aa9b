/** A phone’s leg in the media worker. */
import { randomBytes, randomInt } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import { addressTypeOf, literalAddress, type MediaAddress } from '../../../sdp/media-address.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { G711Law } from '../codec/g711.js';
import { DtmfDetector } from '../codec/dtmf-detector.js';
import { parseTelephoneEvents } from '../codec/telephone-event.js';
import type { Leg, LegConnection, LegOptions, LegStatistics } from '../leg.js';
import type { Mixes } from '../mix/mixes.js';
import { ReceptionStatistics } from '../rtp/reception-statistics.js';
import type { GatewayPorts } from '../rtp/gateway-ports.js';
import type { PortAllocator } from '../rtp/port-allocator.js';
import { isRtcp, RtpPacket } from '../rtp/rtp-packet.js';
import { openRtpSockets, type RtpSockets } from '../rtp/rtp-sockets.js';
import type { Playback, ToneSound } from '../sound/playback.js';
import type { Prompt, PromptSounds } from '../sound/prompt-sounds.js';
import type { SoundLibrary } from '../sound/sound-library.js';
import type { SoundLoop } from '../sound/sound-loop.js';
import type { SourceStream, TrackKind } from '../source-track.js';
import type { TickClock } from '../tick-clock.js';
import { AddressLatch } from './address-latch.js';
import { KeySender } from './key-sender.js';
import type { PhoneEndpoint } from './phone-endpoints.js';
import { PhoneOutgoingTrack } from './phone-outgoing-track.js';
import { PhonePlayer } from './phone-player.js';
import {
  formatAnswer,
  formatOffer,
  negotiateAnswer,
  negotiateOffer,
  type CodecPreferences,
  type LocalEndpoint,
  type PhoneAgreement,
} from './phone-sdp.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';
import { RtcpSession } from './rtcp-session.js';
import { RtpOutput } from './rtp-output.js';
import { WorkerRefusal } from '../worker-refusal.js';

export interface PhoneLegSettings {
  readonly ports: PortAllocator;
  /** One for each family, that for our own offers first. */
  readonly endpoints: readonly [PhoneEndpoint, ...PhoneEndpoint[]];
  /** The gateway's own: refused as a destination. Absent: none is. */
  readonly gatewayPorts?: GatewayPorts;
  readonly tickClock: TickClock;
  /** Shared by the worker's legs: what several hear alike is mixed once. Its options are the jitter buffer's. */
  readonly mixes: Mixes;
  /** Absent: prompts are silent. */
  readonly prompts?: PromptSounds;
  /** Where what is played comes from, shared by the worker's legs. */
  readonly sounds: SoundLibrary;
  /** What is heard on hold. Absent: the hold sound. */
  readonly hold?: SoundLoop;
  /** Neither RTP nor RTCP at all for this long ends the leg, unless the peer holds. Default 30 000. */
  readonly rtpTimeoutBeforeFirstMs?: number;
  /** Neither RTP nor RTCP any more for this long ends the leg, unless the peer holds. Default 15 000. */
  readonly rtpTimeoutMs?: number;
  /** Neither RTP nor RTCP from a peer that holds for this long ends the leg: it is gone. Default 7 200 000. */
  readonly holdTimeoutMs?: number;
  /** Own order of preference. Absent: PCMU and PCMA in the offerer's order. */
  readonly codecs?: readonly G711Law[];
  /** Default 5000 (RFC 3550 §6.2). */
  readonly rtcpIntervalMs?: number;
}

export type PhoneLegOptions = LegOptions & PhoneLegSettings;

/** A phone's RTP end (RFC 3550, RFC 4733): G.711 in and out over plain UDP. */
export interface PhoneLeg extends Leg, LegConnection {
  readonly kind: 'phone';
}

/** Makes a phone leg. It does no I/O before its first `answer` or `offer`, and none after `close`. */
export function createPhoneLeg(options: PhoneLegOptions): PhoneLeg {
  return new NativePhoneLeg(options);
}

/** Comfort noise (RFC 3389): a sign of life, without sound of its own here. */
const comfortNoisePayloadType = 13;

/** A view shared by all legs: a packet is dealt with before the next is read. */
const packet = new RtpPacket();

class NativePhoneLeg implements PhoneLeg {
  readonly kind = 'phone';
  /** A phone has one description: the leg is its own connection. */
  readonly connections: ReadonlyMap<string, LegConnection> = new Map([['main', this]]);
  readonly legId: string;
  readonly #options: PhoneLegOptions;
  readonly #preferences: CodecPreferences;
  readonly #clock: TickClock;
  readonly #timeoutBeforeFirstMs: number;
  readonly #timeoutMs: number;
  readonly #holdTimeoutMs: number;
  readonly #rtcpIntervalMs: number;

  readonly #sessionId = String(randomInt(1, 2 ** 47));
  #version = 0;
  #localDescription = '';
  #agreement: PhoneAgreement | null = null;
  #offerOutstanding = false;

  /** Where it is reached: one family for the whole call. */
  #endpoint: PhoneEndpoint | null = null;
  #sockets: RtpSockets | null = null;
  #opening: Promise<RtpSockets> | null = null;
  #closed = false;

  readonly #latch: AddressLatch;
  #rtcpDestination: MediaAddress | null = null;
  readonly #reception = new ReceptionStatistics(8000);
  readonly #output = new RtpOutput((datagram) => this.#sendRtp(datagram));
  readonly #rtcp = new RtcpSession(randomBytes(12).toString('base64'));
  readonly #outgoing: PhoneOutgoingTrack;
  /** Null until something is played. */
  #player: PhonePlayer | null = null;
  readonly #dtmf: DtmfDetector;
  readonly #keys: KeySender;

  #mayPublish: ReadonlySet<TrackKind>;
  #incoming: PhoneIncomingTrack | null = null;
  #nextStreamNumber = randomInt(1, 1_000_000_000);

  #connected = false;
  /** Since when RTP or RTCP is waited for: the last packet, the answer, or the end of a hold. */
  #waitingSinceMs = 0;
  /** When anything last came from the peer: RTP, RTCP or a description. */
  #heardMs = 0;
  #nextCheckMs = 0;
  #nextReportMs = 0;
  #fromStrangers = 0;

  constructor(options: PhoneLegOptions) {
    this.legId = options.legId;
    this.#options = options;
    const { codecs } = options;
    this.#preferences = codecs ? { codecs, order: 'own' } : { codecs: ['PCMU', 'PCMA'], order: 'offerer' };
    this.#clock = options.tickClock;
    this.#timeoutBeforeFirstMs = options.rtpTimeoutBeforeFirstMs ?? 30_000;
    this.#timeoutMs = options.rtpTimeoutMs ?? 15_000;
    this.#holdTimeoutMs = options.holdTimeoutMs ?? 7_200_000;
    this.#rtcpIntervalMs = options.rtcpIntervalMs ?? 5000;
    this.#mayPublish = options.mayPublish;
    this.#latch = new AddressLatch(literalAddress(options.signallingAddress ?? ''));
    this.#dtmf = new DtmfDetector((key, durationMs) => options.events.onDtmf(key, durationMs));
    this.#keys = new KeySender(this.#output);
    this.#outgoing = new PhoneOutgoingTrack({
      mixes: options.mixes,
      ...(options.prompts && { prompts: options.prompts }),
      ...(options.hold && { hold: options.hold }),
      output: this.#output,
      now: () => this.#clock.now(),
    });
  }

  async answer(offer: string): Promise<string> {
    if (this.#offerOutstanding) throw new Error('an offer of our own is outstanding');
    // Refusals come before sockets.
    const agreement = negotiateOffer(offer, this.#preferences, this.#agreement);
    await this.#options.gatewayPorts?.refuse(agreement.remoteRtp, agreement.remoteRtcp);
    const local = await this.#open(this.#endpointFor(agreement));
    const text = this.#describe((version) => formatAnswer(agreement, local, version));
    this.#agree(agreement);
    return text;
  }

  async offer(): Promise<string> {
    if (this.#offerOutstanding) throw new Error('an offer is outstanding');
    this.#offerOutstanding = true;
    try {
      const local = await this.#open(this.#endpoint ?? this.#options.endpoints[0]);
      return this.#describe((version) => formatOffer(this.#preferences, this.#agreement, local, version));
    } catch (error) {
      this.#offerOutstanding = false;
      throw error;
    }
  }

  async accept(answer: string): Promise<void> {
    if (!this.#offerOutstanding) throw new Error('no offer is outstanding');
    if (this.#closed) throw new Error('the leg is closed');
    this.#offerOutstanding = false;
    const agreement = negotiateAnswer(answer, this.#preferences, this.#agreement);
    await this.#options.gatewayPorts?.refuse(agreement.remoteRtp, agreement.remoteRtcp);
    this.#endpointFor(agreement);
    if (this.#closed) throw new Error('the leg was closed meanwhile');
    this.#agree(agreement);
  }

  rollback(): void {
    this.#offerOutstanding = false;
  }

  receive(streams: readonly SourceStream[], holdSound: boolean): void {
    if (!this.#closed) this.#outgoing.receive(streams, holdSound);
  }

  prompt(prompt: Prompt | null): void {
    if (!this.#closed) this.#outgoing.prompt(prompt);
  }

  async play(playback: Playback): Promise<void> {
    if (!this.#closed) await this.#needPlayer().play(playback);
  }

  stopPlaying(playbackId: string): void {
    this.#player?.stop(playbackId);
  }

  tone(sound: ToneSound): void {
    if (!this.#closed) this.#needPlayer().tone(sound);
  }

  async sendDtmf(keys: string, durationMs: number, gapMs: number): Promise<void> {
    if (this.#closed) throw new Error('the leg is closed');
    const obstacle = obstacleToKeys(this.#agreement);
    if (obstacle !== null) throw obstacle;
    await this.#keys.press(keys, durationMs, gapMs);
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    if (!this.#closed && this.#agreement !== null) this.#publish(this.#agreement.law);
  }

  statistics(): LegStatistics {
    return {
      packetsReceived: this.#reception.packetsReceived,
      packetsSent: this.#output.packets,
      packetsLost: this.#reception.packetsLost,
      packetsFromStrangers: this.#fromStrangers,
      jitterMs: this.#reception.jitterMs,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.remove(this);
    // RFC 3550 §6.3.7: nobody leaves who was never heard.
    if (this.#output.packets > 0) this.#sendReport(this.#clock.now(), 'goodbye');
    this.#keys.fail(new Error('the leg is closed'));
    this.#player?.close();
    this.#outgoing.close();
    this.#incoming = null;
    this.#sockets?.close();
    this.#sockets = null;
  }

  onTick(tick: number, nowMs: number): void {
    try {
      this.#onTick(tick, nowMs);
    } catch (error) {
      this.#options.events.onFault(error);
    }
  }

  #onTick(tick: number, nowMs: number): void {
    const eventPayloadType = this.#agreement?.eventPayloadType ?? null;
    this.#outgoing.isInterrupted = eventPayloadType !== null && this.#keys.onTick(eventPayloadType, nowMs);
    this.#outgoing.onTick(tick, nowMs);
    if (this.#dtmf.pressed) this.#dtmf.expire(nowMs);
    // A key press may have been answered by closing the leg.
    if (!this.#closed && nowMs >= this.#nextCheckMs) this.#check(nowMs);
  }

  #needPlayer(): PhonePlayer {
    if (this.#player === null) {
      this.#player = new PhonePlayer({
        sounds: this.#options.sounds,
        onPlayed: (playbackId, how) => this.#options.events.onPlayed(playbackId, how),
        onChanged: () => this.#outgoing.playingChanged(),
      });
      this.#outgoing.attach(this.#player);
    }
    return this.#player;
  }

  /** The one in use, else the first, of the family that the peer is in. Throws SdpRefusal `no-common-codec` where there is none. */
  #endpointFor({ addressType }: PhoneAgreement): PhoneEndpoint {
    const candidates = this.#endpoint === null ? this.#options.endpoints : [this.#endpoint];
    const found = candidates.find(
      ({ bindAddress }) => addressType === null || addressTypeOf(bindAddress) === addressType,
    );
    if (found === undefined)
      throw new SdpRefusal(
        'no-common-codec',
        `the media is in ${addressType}, where the gateway has no address`,
      );
    return found;
  }

  async #open(endpoint: PhoneEndpoint): Promise<LocalEndpoint> {
    if (this.#closed) throw new Error('the leg is closed');
    this.#endpoint ??= endpoint;
    const { bindAddress, advertisedAddress } = this.#endpoint;
    this.#opening ??= openRtpSockets(this.#options.ports, bindAddress);
    const sockets = await this.#opening.catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    if (this.#closed) {
      sockets.close();
      throw new Error('the leg was closed meanwhile');
    }
    if (this.#sockets === null) {
      this.#sockets = sockets;
      sockets.rtp.on('message', (buffer, from) => this.#received(buffer, from, true));
      sockets.rtcp.on('message', (buffer, from) => this.#received(buffer, from, false));
    }
    const told = this.#options.advertisedAddress ?? null;
    const isReachable = told !== null && addressTypeOf(told) === addressTypeOf(bindAddress);
    return {
      address: isReachable ? told : advertisedAddress,
      rtpPort: sockets.port,
      sessionId: this.#sessionId,
    };
  }

  /** A description that differs from the last has a version one higher (RFC 3264 §8); one that does not is the same. */
  #describe(format: (version: number) => string): string {
    if (this.#version === 0 || format(this.#version) !== this.#localDescription) {
      this.#localDescription = format(++this.#version);
    }
    return this.#localDescription;
  }

  #agree(agreement: PhoneAgreement): void {
    const nowMs = this.#clock.now();
    const before = this.#agreement;
    this.#agreement = agreement;
    this.#latch.signal(agreement.remoteRtp, nowMs);
    this.#rtcpDestination = agreement.rtcpMux ? null : agreement.remoteRtcp;
    if (before === null) {
      this.#clock.add(this);
      this.#nextCheckMs = nowMs;
      // Half the interval for the first (RFC 3550 §6.2).
      this.#nextReportMs = nowMs + this.#rtcpIntervalMs / 2;
    }
    if (before === null || (agreement.peerSends && !before.peerSends)) this.#waitingSinceMs = nowMs;
    this.#heardMs = nowMs;
    const obstacle = this.#keys.isBusy ? obstacleToKeys(agreement) : null;
    if (obstacle !== null) this.#keys.fail(obstacle);
    this.#output.maxPacketMs = agreement.maxPacketMs;
    this.#outgoing.start(agreement.law, agreement.payloadType, !agreement.peerReceives);
    if (agreement.peerReceives !== (before?.peerReceives ?? true))
      this.#options.events.onHeld(!agreement.peerReceives);
    this.#publish(agreement.law);
  }

  #publish(law: G711Law): void {
    if (!this.#mayPublish.has('audio')) {
      if (this.#incoming === null) return;
      this.#incoming = null;
      this.#options.events.onStreams([]);
      return;
    }
    if (this.#incoming?.law === law) return;
    const streamId = `${this.#options.participantId}.${this.#nextStreamNumber++}`;
    this.#incoming = new PhoneIncomingTrack(streamId, law);
    this.#options.events.onStreams([{ streamId, alias: 'microphone', audio: this.#incoming, video: null }]);
  }

  /**
   * What fails here is this leg's, and ends no other: nobody else would catch it. Nobody can be answered at port 0, and nobody
   * honest sends from there (RFC 768): such a datagram is a stranger's.
   */
  #received(buffer: Buffer, from: RemoteInfo, isRtpSocket: boolean): void {
    try {
      if (from.port === 0) this.#fromStrangers++;
      else if (isRtpSocket) this.#onRtp(buffer, from);
      else this.#onRtcp(buffer, from);
    } catch (error) {
      this.#options.events.onFault(error);
    }
  }

  #onRtp(buffer: Buffer, from: RemoteInfo): void {
    const agreement = this.#agreement;
    if (agreement === null) return;
    if (isRtcp(buffer)) {
      if (agreement.rtcpMux) this.#onRtcp(buffer, from);
      return;
    }
    if (!RtpPacket.parse(buffer, packet)) {
      this.#fromStrangers++;
      return;
    }
    const { payloadType } = packet;
    const law = agreement.receivable.get(payloadType);
    const isEvent =
      law === undefined &&
      (payloadType === agreement.eventPayloadType || payloadType === agreement.ownEventPayloadType);
    const isKnown = law !== undefined || isEvent || payloadType === comfortNoisePayloadType;
    const nowMs = this.#clock.now();
    // Something that is not even in an agreed format shall not win the lock.
    if (!isKnown && !this.#latch.isLockedOn(from)) {
      this.#fromStrangers++;
      return;
    }
    const verdict = this.#latch.onPacket(packet, from, nowMs);
    if (verdict === 'stranger') {
      this.#fromStrangers++;
      return;
    }
    // What RTCP taught before may have been a stranger's; where the phone's comes from, it teaches again.
    if (verdict === 'locked') this.#rtcpDestination = agreement.rtcpMux ? null : agreement.remoteRtcp;
    this.#waitingSinceMs = nowMs;
    this.#heardMs = nowMs;
    this.#reception.onPacket(packet, nowMs, law !== undefined);
    if (!this.#connected) {
      this.#connected = true;
      this.#options.events.onConnected();
    }
    // What comes while the peer holds is its hold music.
    const isMeant = agreement.peerSends && agreement.peerReceives;
    if (law !== undefined && isMeant && packet.payloadLength > 0) {
      this.#incoming?.publish(packet, law, nowMs);
      return;
    }
    this.#incoming?.leaveOut(packet, law !== undefined);
    if (isEvent) {
      const events = parseTelephoneEvents(buffer, packet.payloadOffset, packet.payloadLength);
      this.#dtmf.onPackets(events, packet, nowMs);
    }
  }

  #onRtcp(buffer: Buffer, from: RemoteInfo): void {
    const nowMs = this.#clock.now();
    // RTCP comes from the host that RTP comes from; its port may be another, and behind a NAT any.
    const isOfPeer = this.#latch.isHostOfPeer(from.address);
    const content = isOfPeer ? this.#rtcp.onPacket(buffer, nowMs) : null;
    if (content === null) {
      this.#fromStrangers++;
      return;
    }
    if (this.#agreement?.rtcpMux === false)
      this.#rtcpDestination = { address: from.address, port: from.port };
    if (content === 'goodbye') return;
    // Who reports is there, though it may send no RTP: muted, or without comfort noise while nobody speaks.
    this.#heardMs = nowMs;
    this.#waitingSinceMs = nowMs;
  }

  #sendRtp(datagram: Buffer): void {
    this.#send(this.#sockets?.rtp, datagram, this.#latch.destination);
  }

  /** Once a second: has the phone fallen silent, is a report due? */
  #check(nowMs: number): void {
    this.#nextCheckMs = nowMs + 1000;
    if (nowMs >= this.#nextReportMs) {
      // Between half and one and a half intervals, so that a thousand legs do not report together (RFC 3550 §6.2).
      this.#nextReportMs = nowMs + this.#rtcpIntervalMs * (0.5 + Math.random());
      this.#sendReport(nowMs);
    }
    if (this.#isGone(nowMs)) {
      this.close();
      this.#options.events.onEnded('media-timeout');
    }
  }

  #isGone(nowMs: number): boolean {
    if (this.#agreement?.peerSends !== true) return nowMs - this.#heardMs >= this.#holdTimeoutMs;
    const limitMs = this.#connected ? this.#timeoutMs : this.#timeoutBeforeFirstMs;
    return nowMs - this.#waitingSinceMs >= limitMs;
  }

  #sendReport(nowMs: number, kind: 'report' | 'goodbye' = 'report'): void {
    const isMuxed = this.#agreement?.rtcpMux === true;
    const destination = isMuxed ? this.#latch.destination : this.#rtcpDestination;
    if (destination === null) return;
    const report = this.#rtcp[kind](this.#output, this.#reception, nowMs, Date.now());
    this.#send(isMuxed ? this.#sockets?.rtp : this.#sockets?.rtcp, report, destination);
  }

  /** Others' packets come here, too, as they are passed through: what fails is not their leg's. */
  #send(socket: Socket | undefined, datagram: Buffer, destination: MediaAddress | null): void {
    if (destination === null) return;
    try {
      socket?.send(datagram, destination.port, destination.address);
    } catch (error) {
      this.#options.events.onFault(error);
    }
  }
}

function obstacleToKeys(agreement: PhoneAgreement | null): WorkerRefusal | null {
  if (agreement === null || agreement.eventPayloadType === null)
    return new WorkerRefusal('no-telephone-event', 'the phone takes no telephone events');
  return agreement.peerReceives ? null : new WorkerRefusal('on-hold', 'the phone holds the call');
}
