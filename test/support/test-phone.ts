/** A phone's RTP end for tests of media, without SIP. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { createFrameEncoder, phoneCodec, trackCodec } from '../../src/media/worker/codec/phone-codec.js';
import { createPayloadDecoder } from '../../src/media/worker/mix/payload-decoder.js';
import { isRtcp, RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import { formatRtcp, type RtcpPacket } from '../../src/media/worker/rtp/rtcp.js';
import { SrtpSession } from '../../src/media/worker/srtp/srtp-session.js';
import { tickSamples } from '../../src/media/worker/sound/sample-rate.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import { codecFormat, usualUse, type PhoneCodecName } from '../../src/sdp/phone-codecs.js';
import { within } from './wait-for.js';

export interface HeardPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/** The far end of a phone leg: a UDP socket that sends RTP and keeps what it hears. */
export class TestPhone {
  readonly heard: HeardPacket[] = [];
  readonly rtcp: Buffer[] = [];
  readonly #socket: Socket;
  readonly #name: PhoneCodecName;
  readonly #codec: ReturnType<typeof phoneCodec>;
  readonly #host: string;
  readonly #gatewayHost: string;
  readonly #waiters = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  sequenceNumber = 1000;
  timestamp = 160_000;
  ssrc = Math.floor(Math.random() * 0xffffffff);
  /** Encrypts what it sends and opens what it hears, once keys are agreed on. */
  readonly srtp = new SrtpSession();

  private constructor(socket: Socket, name: PhoneCodecName, host: string, gatewayHost: string) {
    this.#host = host;
    this.#gatewayHost = gatewayHost;
    this.#socket = socket;
    this.#name = name;
    this.#codec = phoneCodec(usualUse(name));
    socket.on('message', (datagram) => {
      const packet = new RtpPacket();
      const kind = isRtcp(datagram) ? 'rtcp' : 'rtp';
      const buffer = this.srtp.open(datagram, kind, performance.now());
      if (buffer === null) return;
      if (isRtcp(buffer)) this.rtcp.push(buffer);
      else if (RtpPacket.parse(buffer, packet)) {
        const { sequenceNumber, timestamp, ssrc, payloadType, marker, payload } = packet;
        this.heard.push({ sequenceNumber, timestamp, ssrc, payloadType, marker, payload });
      }
      for (const waiter of this.#waiters) waiter();
    });
  }

  /** `host`: the literal address that it is at; `gatewayHost`: that which it sends to. */
  static async open(
    codec: PhoneCodecName = 'PCMU',
    host = '127.0.0.1',
    gatewayHost = host,
  ): Promise<TestPhone> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new TestPhone(socket, codec, host, gatewayHost);
  }

  /** The rate of what it says and hears. */
  get rateHz(): number {
    return this.#codec.rateHz;
  }

  get #payloadType(): number {
    return usualUse(this.#name).payloadType;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** A session description of this phone. */
  sdp({
    attributes = ['a=sendrecv'],
    port = this.port,
    address = this.#host,
    protocol = 'RTP/AVP',
  } = {}): string {
    const { payloadType, clockRateHz, channels } = codecFormat(this.#name);
    const encoding = `${this.#name}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`;
    const family = address.includes(':') ? 'IP6' : 'IP4';
    const lines = [
      ...['v=0', `o=- 1 1 IN ${family} ${address}`, 's=-', `c=IN ${family} ${address}`, 't=0 0'],
      `m=audio ${port} ${protocol} ${payloadType} 101`,
      ...[
        `a=rtpmap:${payloadType} ${encoding}`,
        `a=rtpmap:101 telephone-event/${clockRateHz}`,
        'a=fmtp:101 0-15',
      ],
      ...attributes,
    ];
    return lines.join('\r\n') + '\r\n';
  }

  /** Sends one packet of `payload`, which lasts `samples` of RTP's clock. */
  send(
    to: number,
    payload: Uint8Array,
    { payloadType = this.#payloadType, samples = this.#codec.clockRateHz / 50, marker = false } = {},
  ): void {
    const packet = Buffer.alloc(12 + payload.length);
    RtpPacket.writeHeader(packet, {
      payloadType,
      marker,
      sequenceNumber: this.sequenceNumber,
      timestamp: this.timestamp,
      ssrc: this.ssrc,
    });
    packet.set(payload, 12);
    this.sequenceNumber = (this.sequenceNumber + 1) & 0xffff;
    this.timestamp = (this.timestamp + samples) >>> 0;
    // Sent later than it is made: the next is sealed in the same place.
    this.#socket.send(Buffer.from(this.srtp.sealRtp(packet)!), to, this.#gatewayHost);
  }

  /** Anything at all. */
  sendBytes(to: number, bytes: Uint8Array): void {
    this.#socket.send(bytes, to, this.#gatewayHost);
  }

  sendRtcp(to: number, packets: readonly RtcpPacket[]): void {
    this.#socket.send(Buffer.from(this.srtp.sealRtcp(formatRtcp(packets))!), to, this.#gatewayHost);
  }

  /** The same phone at another port, as a NAT would have it: its stream goes on there. */
  async rebound(): Promise<TestPhone> {
    this.hush();
    const moved = await TestPhone.open(this.#name, this.#host, this.#gatewayHost);
    const { ssrc, sequenceNumber, timestamp } = this;
    return Object.assign(moved, { ssrc, sequenceNumber, timestamp });
  }

  /** Talks from now on: a tone, a packet every 20 ms. */
  talk(to: number, frequencyHz: number, amplitude = 8000): void {
    const say = this.voice(to, frequencyHz, amplitude);
    let due = performance.now();
    const next = (): void => {
      say();
      due += 20;
      this.#timer = setTimeout(next, Math.max(0, due - performance.now()));
    };
    next();
  }

  /** A tone, of which each call sends the next packet. */
  voice(to: number, frequencyHz: number, amplitude = 8000): () => void {
    const { rateHz } = this.#codec;
    const tone = new Tone(frequencyHz, rateHz, amplitude);
    const pcm = new Int16Array(tickSamples(rateHz));
    const encoder = createFrameEncoder(this.#codec);
    return () => this.send(to, encoder.encode(tone.fill(pcm)));
  }

  hush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Resolves when `fact` holds, which is looked at after every packet; rejects where it does not for long. */
  async until(fact: () => boolean): Promise<void> {
    if (fact()) return;
    let waiter = (): void => undefined;
    const holds = new Promise<void>((resolve) => {
      waiter = () => {
        if (fact()) resolve();
      };
      this.#waiters.add(waiter);
    });
    try {
      await within('what the phone waits to hear', holds);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** What comes in the next `packets` packets, decoded; what waits in the socket already was sent before. */
  async listen(packets: number): Promise<Int16Array> {
    await turnOfSockets();
    const from = this.heard.length;
    await this.until(() => this.heard.length >= from + packets);
    return this.#decode(this.heard.slice(from, from + packets));
  }

  #decode(packets: readonly HeardPacket[]): Int16Array {
    const decoder = createPayloadDecoder(trackCodec(this.#codec), this.#codec.rateHz)!;
    const samples = packets.map(({ payload }) => decoder.samplesOf(payload, 0, payload.length));
    const pcm = new Int16Array(samples.reduce((sum, count) => sum + count, 0));
    let at = 0;
    for (const { payload } of packets) at += decoder.decode(payload, payload.length, pcm, at);
    return pcm;
  }

  close(): void {
    this.hush();
    this.#socket.close();
  }
}

/** Two turns of the event loop, the second of which reads whatever was there in the first. */
async function turnOfSockets(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

export function portOf(sdp: string): number {
  return Number(/m=audio (\d+)/.exec(sdp)?.[1]);
}
