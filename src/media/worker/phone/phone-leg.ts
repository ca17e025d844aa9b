/** A phone’s leg in the media worker. */
import { randomInt } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import { literalAddress } from '../../../sdp/media-address.js';
import type { PhoneCodecName } from '../../../sdp/phone-codecs.js';
import type { ConnectionPast, Leg, LegConnection, LegOptions, LegStatistics } from '../leg.js';
import type { Mixes } from '../mix/mixes.js';
import { type AudioCounts, QualityMeter } from '../quality/quality-meter.js';
import { RemoteReception } from '../quality/remote-reception.js';
import { type ReportedStream, ReportReader } from '../quality/report-reader.js';
import { ReceptionStatistics } from '../rtp/reception-statistics.js';
import type { GatewayPorts } from '../rtp/gateway-ports.js';
import type { PortAllocator } from '../rtp/port-allocator.js';
import type { Playback, ToneSound } from '../sound/playback.js';
import type { Prompt, PromptSounds } from '../sound/prompt-sounds.js';
import type { SoundLibrary } from '../sound/sound-library.js';
import type { SoundLoop } from '../sound/sound-loop.js';
import type { SourceStream, TrackKind } from '../source-track.js';
import type { TickClock } from '../tick-clock.js';
import { AddressLatch } from './address-latch.js';
import { KeySender } from './key-sender.js';
import type { PhoneEndpoint } from './phone-endpoints.js';
import { PhoneInput } from './phone-input.js';
import { PhoneLiveness } from './phone-liveness.js';
import { PhoneOutgoingTrack } from './phone-outgoing-track.js';
import { PhonePlayer } from './phone-player.js';
import { PhoneRtcp } from './phone-rtcp.js';
import {
  formatAnswer,
  formatOffer,
  negotiateAnswer,
  negotiateOffer,
  ownPastOf,
  preferencesOf,
  type CodecPreferences,
  type LocalEndpoint,
  type PhoneAgreement,
} from './phone-sdp.js';
import { SrtpSession } from '../srtp/srtp-session.js';
import type { SrtpPolicy } from '../srtp/srtp-negotiation.js';
import { isRtcp } from '../rtp/rtp-packet.js';
import { PhoneSockets } from './phone-sockets.js';
import { anyTerms } from './phone-terms.js';
import { RtpOutput } from './rtp-output.js';
import { WorkerRefusal } from '../worker-refusal.js';

export interface PhoneLegSettings {
  readonly ports: PortAllocator;
  /** One for each family, that for our own offers first. */
  readonly endpoints: readonly [PhoneEndpoint, ...PhoneEndpoint[]];
  /** The gateway's own: refused as a destination. Absent: none is. */
  readonly gatewayPorts?: GatewayPorts;
  readonly tickClock: TickClock;
  /** Where the terms name none: those that may be used, the preferred first. Default: all, in the order of whoever offers. */
  readonly codecs?: readonly PhoneCodecName[] | null;
  /** Where the terms say nothing: whether phones' audio is encrypted. Default `allow`. */
  readonly srtp?: SrtpPolicy;
  /** Shared by the worker's legs: what several hear alike is mixed once. Its options are the jitter buffer's. */
  readonly mixes: Mixes;
  /** Absent: prompts are silent. */
  readonly prompts?: PromptSounds;
  /** Where what is played comes from, shared by the worker's legs. */
  readonly sounds: SoundLibrary;
  /** What is heard on hold, shared by the worker's legs. */
  readonly hold: SoundLoop;
  /** Neither RTP nor RTCP at all for this long ends the leg, unless the peer holds. Default 30 000. */
  readonly rtpTimeoutBeforeFirstMs?: number;
  /** Neither RTP nor RTCP any more for this long ends the leg, unless the peer holds. Default 15 000. */
  readonly rtpTimeoutMs?: number;
  /** Neither RTP nor RTCP from a peer that holds for this long ends the leg: it is gone. Default 7 200 000. */
  readonly holdTimeoutMs?: number;
  /** Default 5000 (RFC 3550 §6.2). */
  readonly rtcpIntervalMs?: number;
}

export type PhoneLegOptions = LegOptions & PhoneLegSettings;

/** A phone's RTP end (RFC 3550, RFC 4733) over UDP, encrypted (RFC 3711) or not. */
export interface PhoneLeg extends Leg, LegConnection {
  readonly kind: 'phone';
}

/** Makes a phone leg. It does no I/O before its first `answer` or `offer`, and none after `close`. */
export function createPhoneLeg(options: PhoneLegOptions): PhoneLeg {
  return new NativePhoneLeg(options);
}

class NativePhoneLeg implements PhoneLeg {
  readonly kind = 'phone';
  /** A phone has one description: the leg is its own connection. */
  readonly connections: ReadonlyMap<string, LegConnection> = new Map([['main', this]]);
  readonly legId: string;
  readonly #options: PhoneLegOptions;
  #preferences: CodecPreferences;
  readonly #clock: TickClock;

  #sessionId = String(randomInt(1, 2 ** 47));
  #version = 0;
  #localDescription = '';
  #agreement: PhoneAgreement | null = null;
  /** What a leg that is lost had agreed on: our descriptions go on from it. */
  #past: PhoneAgreement | null = null;
  #offerOutstanding = false;

  readonly #sockets: PhoneSockets;
  readonly #srtp = new SrtpSession();
  readonly #latch: AddressLatch;
  readonly #reception = new ReceptionStatistics(8000);
  readonly #output = new RtpOutput((datagram) => this.#sendRtp(datagram));
  readonly #quality = new QualityMeter();
  readonly #rtcp: PhoneRtcp;
  readonly #liveness: PhoneLiveness;
  readonly #input: PhoneInput;
  readonly #outgoing: PhoneOutgoingTrack;
  /** Null until something is played. */
  #player: PhonePlayer | null = null;
  readonly #keys: KeySender;
  #nextCheckMs = 0;
  /** The peer may be sent to: RTP and RTCP. */
  #maySend: boolean;
  #closed = false;

  constructor(options: PhoneLegOptions) {
    this.legId = options.legId;
    this.#maySend = options.sendsOnceConfirmed !== true;
    this.#options = options;
    const terms = options.phoneTerms ?? anyTerms;
    this.#preferences = preferencesOf({
      ...terms,
      codecs: terms.codecs ?? options.codecs ?? null,
      srtp: terms.srtp ?? options.srtp ?? null,
    });
    this.#clock = options.tickClock;
    this.#sockets = new PhoneSockets({
      ports: options.ports,
      endpoints: options.endpoints,
      advertisedAddress: options.advertisedAddress ?? null,
      onDatagram: (buffer, from, isRtpSocket) => this.#onDatagram(buffer, from, isRtpSocket),
      onFault: (error) => options.events.onFault(error),
    });
    this.#latch = new AddressLatch(literalAddress(options.signallingAddress ?? ''));
    this.#rtcp = new PhoneRtcp({
      intervalMs: options.rtcpIntervalMs ?? 5000,
      latch: this.#latch,
      output: this.#output,
      reception: this.#reception,
      quality: this.#reportReader(),
      send: (datagram, destination, isMuxed) => {
        const sealed = this.#maySend ? this.#srtp.sealRtcp(datagram) : null;
        if (sealed !== null) this.#sockets[isMuxed ? 'sendRtp' : 'sendRtcp'](sealed, destination);
      },
    });
    this.#liveness = new PhoneLiveness({
      beforeFirstMs: options.rtpTimeoutBeforeFirstMs ?? 30_000,
      silentMs: options.rtpTimeoutMs ?? 15_000,
      holdMs: options.holdTimeoutMs ?? 7_200_000,
    });
    this.#input = new PhoneInput({
      participantId: options.participantId,
      mayPublish: options.mayPublish,
      events: options.events,
      latch: this.#latch,
      reception: this.#reception,
      rtcp: this.#rtcp,
      liveness: this.#liveness,
    });
    this.#keys = new KeySender(this.#output);
    this.#outgoing = new PhoneOutgoingTrack({
      mixes: options.mixes,
      ...(options.prompts && { prompts: options.prompts }),
      hold: options.hold,
      output: this.#output,
      now: () => this.#clock.now(),
    });
  }

  resume({ description, isEncrypted }: ConnectionPast): void {
    const { identity, agreement } = ownPastOf(description);
    if (isEncrypted) this.#preferences = { ...this.#preferences, srtp: 'require' };
    this.#sessionId = identity.sessionId;
    this.#version = identity.version;
    this.#localDescription = description;
    this.#past = agreement;
  }

  async answer(offer: string): Promise<string> {
    if (this.#offerOutstanding) throw new Error('an offer of our own is outstanding');
    // Refusals come before sockets.
    const agreement = negotiateOffer(offer, this.#preferences, this.#agreement ?? this.#past);
    await this.#options.gatewayPorts?.refuse(agreement.remoteRtp, agreement.remoteRtcp);
    const local = await this.#open(this.#sockets.endpointFor(agreement.addressType));
    const text = this.#describe((version) => formatAnswer(agreement, local, version));
    this.#agree(agreement);
    return text;
  }

  async offer(): Promise<string> {
    if (this.#offerOutstanding) throw new Error('an offer is outstanding');
    this.#offerOutstanding = true;
    try {
      const before = this.#agreement ?? this.#past;
      const local = await this.#open(this.#sockets.endpointFor(this.#past?.addressType ?? null));
      return this.#describe((version) => formatOffer(this.#preferences, before, local, version));
    } catch (error) {
      this.#offerOutstanding = false;
      throw error;
    }
  }

  async accept(answer: string): Promise<void> {
    if (!this.#offerOutstanding) throw new Error('no offer is outstanding');
    if (this.#closed) throw new Error('the leg is closed');
    this.#offerOutstanding = false;
    const agreement = negotiateAnswer(answer, this.#preferences, this.#agreement ?? this.#past);
    await this.#options.gatewayPorts?.refuse(agreement.remoteRtp, agreement.remoteRtcp);
    this.#sockets.endpointFor(agreement.addressType);
    if (this.#closed) throw new Error('the leg was closed meanwhile');
    this.#agree(agreement);
  }

  rollback(): void {
    this.#offerOutstanding = false;
  }

  confirm(): void {
    if (this.#closed || this.#maySend) return;
    this.#maySend = true;
    if (this.#agreement !== null) this.#startSending(this.#agreement);
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
    if (!this.#closed) this.#input.setMayPublish(mayPublish);
  }

  statistics(): LegStatistics {
    return {
      packetsReceived: this.#reception.packetsReceived,
      packetsSent: this.#output.packetsInAll,
      packetsLost: this.#reception.packetsLost,
      packetsFromStrangers: this.#input.packetsFromStrangers,
      jitterMs: this.#reception.jitterMs,
      audio: this.#quality.quality(this.#counts),
      packetsNotGenuine: this.#srtp.packetsForged + this.#srtp.packetsReplayed,
      encryption: this.#srtp.suite === null ? 'none' : 'sdes',
    };
  }

  get #counts(): AudioCounts {
    const { packetsReceived, packetsLost, jitterMs } = this.#reception;
    return { packetsReceived, packetsLost, jitterMs, packetsSent: this.#output.packetsInAll };
  }

  #reportReader(): ReportReader {
    const reception = new RemoteReception();
    const output = this.#output;
    return new ReportReader(this.#quality, {
      streamOf: (ssrc) => (ssrc === output.ssrc ? this.#sentStream(reception) : null),
      only: () => this.#sentStream(reception),
    });
  }

  #sentStream(reception: RemoteReception): ReportedStream {
    const { packets, unitsPerMs } = this.#output;
    return { reception, packets, clockRateHz: unitsPerMs * 1000 };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.remove(this);
    this.#rtcp.leave(this.#clock.now());
    this.#keys.fail(new Error('the leg is closed'));
    this.#player?.close();
    this.#outgoing.close();
    this.#input.close();
    this.#sockets.close();
  }

  onTick(tick: number, nowMs: number): void {
    try {
      this.#onTick(tick, nowMs);
    } catch (error) {
      this.#options.events.onFault(error);
    }
  }

  #onTick(tick: number, nowMs: number): void {
    const events = this.#agreement?.events ?? null;
    this.#outgoing.isInterrupted = events !== null && this.#keys.onTick(events, nowMs);
    this.#outgoing.onTick(tick, nowMs);
    this.#input.onTick(nowMs);
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

  async #open(endpoint: PhoneEndpoint): Promise<LocalEndpoint> {
    return { ...(await this.#sockets.open(endpoint)), sessionId: this.#sessionId, srtpKeys: this.#srtp };
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
    this.#srtp.onAgreement(agreement.srtp, nowMs);
    this.#input.onAgreement(agreement, nowMs);
    this.#rtcp.onAgreement(agreement, nowMs);
    this.#liveness.onAgreement(agreement.peerSends, nowMs);
    if (before === null) {
      this.#clock.add(this);
      this.#nextCheckMs = nowMs;
    }
    const obstacle = this.#keys.isBusy ? obstacleToKeys(agreement) : null;
    if (obstacle !== null) this.#keys.fail(obstacle);
    this.#output.maxPacketMs = agreement.maxPacketMs;
    this.#startSending(agreement);
    if (agreement.peerReceives !== (before?.peerReceives ?? true))
      this.#options.events.onHeld(!agreement.peerReceives);
    this.#input.publish();
  }

  #startSending({ codec, payloadType, peerReceives }: PhoneAgreement): void {
    this.#outgoing.start(codec, payloadType, !peerReceives || !this.#maySend);
  }

  #sendRtp(datagram: Buffer): void {
    const { destination } = this.#latch;
    if (destination === null || !this.#maySend) return;
    const sealed = this.#srtp.sealRtp(datagram);
    if (sealed !== null) this.#sockets.sendRtp(sealed, destination);
  }

  /** What is not genuine goes no further: it wins no lock, and is no sign of life. */
  #onDatagram(datagram: Buffer, from: RemoteInfo, isRtpSocket: boolean): void {
    const nowMs = this.#clock.now();
    const kind = isRtpSocket && !isRtcp(datagram) ? 'rtp' : 'rtcp';
    const opened = this.#srtp.open(datagram, kind, nowMs);
    if (opened !== null) this.#input.onDatagram(opened, from, isRtpSocket, nowMs);
  }

  /** Once a second: is a report due, has the phone fallen silent? */
  #check(nowMs: number): void {
    this.#nextCheckMs = nowMs + 1000;
    const isMutual = this.#agreement?.peerSends === true && this.#agreement.peerReceives;
    this.#quality.onCounts(this.#counts, isMutual, nowMs);
    if (this.#maySend) this.#rtcp.onTick(nowMs);
    if (!this.#liveness.isGone(nowMs)) return;
    this.close();
    this.#options.events.onEnded('media-timeout');
  }
}

function obstacleToKeys(agreement: PhoneAgreement | null): WorkerRefusal | null {
  if (agreement === null || agreement.events === null)
    return new WorkerRefusal('no-telephone-event', 'the phone takes no telephone events');
  return agreement.peerReceives ? null : new WorkerRefusal('on-hold', 'the phone holds the call');
}
