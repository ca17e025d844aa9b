/** The RTP side of a softphone’s call. */
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { phoneCodec, trackCodec, type PhoneCodec } from '../media/worker/codec/phone-codec.js';
import { createPayloadDecoder, type PayloadDecoder } from '../media/worker/mix/payload-decoder.js';
import { PhoneFrame } from '../media/worker/phone/phone-frame.js';
import { RtpPacket, isRtcp, rtpHeaderLength } from '../media/worker/rtp/rtp-packet.js';
import { SequenceExtender } from '../media/worker/rtp/sequence.js';
import { SrtpSession } from '../media/worker/srtp/srtp-session.js';
import { createAudioFeed, type AudioFeed, type AudioSource } from './audio-source.js';
import { DtmfReceiver, DtmfSender } from './dtmf-sender.js';
import { HeardAudio } from './heard-audio.js';
import type { NegotiatedAudio } from './sdp.js';

export interface PhoneMediaOptions {
  readonly address: string;
  readonly source: AudioSource;
  /** How much of what is heard is kept. Default 30 s. */
  readonly keepSeconds?: number;
}

export interface MediaStatistics {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Expected by their sequence numbers, and not there (RFC 3550 §A.3). */
  readonly packetsLost: number;
  /** Interarrival jitter (RFC 3550 §A.8). */
  readonly jitterMs: number;
  /** Not RTP, or of a payload type that was not agreed on. */
  readonly packetsIgnored: number;
  /** SRTP found them forged or sent again. */
  readonly packetsNotGenuine: number;
}

const packetMs = 20;
/** Sound is made and heard at 8 kHz here, whatever it is sent in. */
const packetSamples = 160;
/** After a pause of the process longer than this the missed packets are left out: a burst of them would help nobody. */
const longestCatchUpMs = 200;
/** The longest packet that makes sense on a telephone. */
const longestPacketMs = 200;

/** The RTP of one call: sends a packet every 20 ms of a monotonic clock, and listens. */
export class PhoneMedia {
  readonly localAddress: string;
  readonly localPort: number;
  readonly heard: HeardAudio;
  /** Its own keys, and those agreed on. */
  readonly srtp = new SrtpSession();
  onKey: ((key: string) => void) | undefined;
  readonly #socket: Socket;
  readonly #feed: AudioFeed;
  readonly #dtmf = new DtmfSender();
  readonly #dtmfReceiver = new DtmfReceiver();
  readonly #block = new Int16Array(packetSamples);
  readonly #decoded = new Int16Array(longestPacketMs * 8);
  readonly #packet = new RtpPacket();
  readonly #extender = new SequenceExtender();
  readonly #ssrc = randomInt(2 ** 32);
  readonly #firstTimestamp = randomInt(2 ** 32);
  #sequenceNumber = randomInt(2 ** 16);
  #remote: NegotiatedAudio | undefined;
  #codec: PhoneCodec | undefined;
  #frame: PhoneFrame | undefined;
  #decoder: PayloadDecoder | null = null;
  #isSending = true;
  #startMs = 0;
  /** Packet times gone by since the start, sent or not; the next is due at `#startMs + #ticks · 20`. */
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;
  #marker = true;
  #closed: Promise<void> | undefined;
  #sent = 0;
  #received = 0;
  #ignored = 0;
  #remoteSsrc: number | undefined;
  #firstSequence = 0;
  #lossBefore = 0;
  #receivedOfSsrc = 0;
  #transit: number | undefined;
  /** The last timestamp as it came, and as it goes on without an end. */
  #lastTimestamp: number | undefined;
  #heardUnits = 0;
  #jitter = 0;

  private constructor(socket: Socket, options: PhoneMediaOptions) {
    const { address, port } = socket.address();
    this.#socket = socket;
    this.localAddress = address;
    this.localPort = port;
    this.heard = new HeardAudio(options.keepSeconds);
    this.#feed = createAudioFeed(options.source);
    socket.on('message', (bytes) => this.#receive(bytes));
    // An unreachable port: the far end may open it yet, and signalling tells when it does not.
    socket.on('error', () => {});
  }

  static async open(options: PhoneMediaOptions): Promise<PhoneMedia> {
    const socket = createSocket({ type: isIPv6(options.address) ? 'udp6' : 'udp4' });
    socket.bind(0, options.address);
    await once(socket, 'listening');
    return new PhoneMedia(socket, options);
  }

  get statistics(): MediaStatistics {
    const expected = this.#remoteSsrc === undefined ? 0 : this.#extender.newest - this.#firstSequence + 1;
    return {
      packetsSent: this.#sent,
      packetsReceived: this.#received,
      packetsLost: this.#lossBefore + Math.max(0, expected - this.#receivedOfSsrc),
      jitterMs: this.#jitter / this.#unitsPerMs,
      packetsIgnored: this.#ignored,
      packetsNotGenuine: this.srtp.packetsForged + this.srtp.packetsReplayed,
    };
  }

  get #unitsPerMs(): number {
    return (this.#codec?.clockRateHz ?? 8000) / 1000;
  }

  /** What was agreed on last has the far end talk. */
  get remoteSends(): boolean {
    return this.#remote?.remoteSends === true;
  }

  /** Takes what was agreed on and begins to send, or goes on as newly agreed. */
  agree(audio: NegotiatedAudio): void {
    this.#remote = audio;
    this.srtp.onAgreement(audio.srtp, performance.now());
    if (this.#codec?.name !== audio.codec) {
      const codec = phoneCodec(audio);
      this.#codec = codec;
      this.#frame = new PhoneFrame(codec);
      this.#decoder = createPayloadDecoder(trackCodec(codec), 8000);
    }
    if (this.#timer || this.#closed) return;
    this.#startMs = performance.now();
    this.#tick();
  }

  /** False holds our side: no packets go out, but time goes on. */
  setSending(isSending: boolean): void {
    // RFC 3551 §4.1: the marker bit begins a talk spurt.
    if (isSending && !this.#isSending) this.#marker = true;
    this.#isSending = isSending;
  }

  /** Rejects when the far end takes no events, or for what is no key. */
  async press(keys: string): Promise<void> {
    if (this.#remote?.eventPayloadType === undefined) throw new Error('the far end takes no RFC 4733 events');
    await this.#dtmf.press(keys);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      clearTimeout(this.#timer);
      this.#dtmf.close();
      this.#socket.close(() => resolve());
    });
    return this.#closed;
  }

  /** Sends what is due and sets the timer for the next; lateness of one timer is not inherited by the next. */
  #tick(): void {
    const elapsedMs = performance.now() - this.#startMs;
    if (elapsedMs - this.#ticks * packetMs > longestCatchUpMs) this.#ticks = Math.floor(elapsedMs / packetMs);
    while (this.#ticks * packetMs <= elapsedMs) {
      this.#sendPacket((this.#firstTimestamp + this.#ticks * packetMs * this.#unitsPerMs) >>> 0);
      this.#ticks += 1;
    }
    const nextMs = this.#startMs + this.#ticks * packetMs - performance.now();
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, nextMs));
  }

  #sendPacket(timestamp: number): void {
    const { remoteReceives, payloadType, eventPayloadType, eventClockRateHz } = this.#remote ?? {};
    if (!this.#frame || payloadType === undefined || remoteReceives !== true || !this.#isSending) {
      this.#marker = true;
      return;
    }
    const event = eventPayloadType === undefined ? 'sound' : this.#dtmf.next(timestamp, eventClockRateHz);
    if (event === 'pause') return;
    if (event !== 'sound') {
      for (let copy = 0; copy < event.copies; copy += 1) {
        const bytes = Buffer.allocUnsafe(rtpHeaderLength + event.payload.length);
        event.payload.copy(bytes, rtpHeaderLength);
        this.#transmit(bytes, eventPayloadType ?? 0, event.marker, event.timestamp);
      }
      return;
    }
    this.#feed.fill(this.#block);
    const payload = this.#frame.ofSound(this.#block);
    const bytes = Buffer.allocUnsafe(rtpHeaderLength + payload.length);
    bytes.set(payload, rtpHeaderLength);
    this.#transmit(bytes, payloadType, this.#marker, timestamp);
    this.#marker = false;
  }

  #transmit(bytes: Buffer, payloadType: number, marker: boolean, timestamp: number): void {
    const { remoteAddress, remotePort } = this.#remote ?? {};
    RtpPacket.writeHeader(bytes, {
      payloadType,
      marker,
      sequenceNumber: this.#sequenceNumber,
      timestamp,
      ssrc: this.#ssrc,
    });
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#sent += 1;
    const sealed = this.srtp.sealRtp(bytes);
    // Names are looked up before anything goes out, and the buffer is used again meanwhile.
    if (sealed !== null) this.#socket.send(Buffer.from(sealed), remotePort, remoteAddress, () => {});
  }

  #receive(datagram: Buffer): void {
    const packet = this.#packet;
    const bytes = this.srtp.open(datagram, isRtcp(datagram) ? 'rtcp' : 'rtp', performance.now());
    if (bytes === null) return;
    const isOurs = this.#remote && !isRtcp(bytes) && RtpPacket.parse(bytes, packet);
    if (!isOurs || !this.#remote || !this.#decoder) {
      this.#ignored += 1;
      return;
    }
    const isSound = packet.payloadType === this.#remote.payloadType;
    if (!isSound && packet.payloadType !== this.#remote.eventPayloadType) {
      this.#ignored += 1;
      return;
    }
    this.#count(packet);
    if (!isSound) {
      const key = this.#dtmfReceiver.receive(packet.payload, packet.timestamp);
      if (key !== null) this.onKey?.(key);
      return;
    }
    const count = this.#decoder.decode(packet.payload, packet.payloadLength, this.#decoded, 0);
    const pcm = this.#decoded.subarray(0, count);
    this.heard.write(pcm, this.#samplesAt(packet), packet.ssrc);
    this.#feed.hear(pcm);
    this.#measureJitter(packet.timestamp);
  }

  /** When a packet is to be heard, in samples at 8 kHz. */
  #samplesAt({ timestamp }: RtpPacket): number {
    this.#heardUnits += (timestamp - (this.#lastTimestamp ?? timestamp)) | 0;
    this.#lastTimestamp = timestamp;
    return Math.round(this.#heardUnits / (this.#unitsPerMs / 8)) >>> 0;
  }

  #count(packet: RtpPacket): void {
    this.#received += 1;
    if (packet.ssrc !== this.#remoteSsrc) {
      this.#lossBefore = this.statistics.packetsLost;
      this.#remoteSsrc = packet.ssrc;
      this.#extender.reset();
      this.#firstSequence = this.#extender.extend(packet.sequenceNumber);
      this.#receivedOfSsrc = 1;
      this.#transit = undefined;
      return;
    }
    this.#extender.extend(packet.sequenceNumber);
    this.#receivedOfSsrc += 1;
  }

  #measureJitter(timestamp: number): void {
    const transit = (performance.now() * this.#unitsPerMs - timestamp) | 0;
    if (this.#transit !== undefined) {
      this.#jitter += (Math.abs((transit - this.#transit) | 0) - this.#jitter) / 16;
    }
    this.#transit = transit;
  }
}
