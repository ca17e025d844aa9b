/** A process that plays browsers for the benchmarks: WebRTC far ends without a page, which time what they hear. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Encoder } from '@evan/opus';
import { pcmu } from '../src/media/worker/codec/g711.js';
import { OpusDecoder } from '../src/media/worker/codec/opus.js';
import { isRtcp, RtpPacket } from '../src/media/worker/rtp/rtp-packet.js';
import { FarEnd } from '../test/integration/far-end.js';
import { percentile } from './benchmark.js';
import type { BrowserBankQuestion, BrowserBankReport, OpenedPair } from './browser-bank.js';

const frameMs = 20;
const frameSamples = 160;
const samplesPerMs = 8;
const opusPayloadType = 111;
/** A frame of tone every 300 ms, the others silent: a delay below that is told without doubt. */
const framesPerBurst = 15;
const heardAmplitude = 4000;

/** One burst and the silence after it, in Opus. The codec has heard one such round before, as it has in every later one. */
const opusFrames = encodeBursts();
const codecDelaySamples = measureCodecDelay();

function encodeBursts(): Buffer[] {
  const encoder = new Encoder({ channels: 1, sample_rate: 48_000, application: 'audio' });
  const burst = Int16Array.from(
    { length: 960 },
    (_, i) => 25_000 * Math.sin((2 * Math.PI * 1000 * i) / 48_000),
  );
  const silence = new Int16Array(960);
  const rounds = Array.from({ length: 2 * framesPerBurst }, (_, i) =>
    Buffer.from(encoder.encode(i % framesPerBurst === 0 ? burst : silence)),
  );
  return rounds.slice(framesPerBurst);
}

/** Where the burst begins when decoded as the gateway does, in samples at 8 kHz. */
function measureCodecDelay(): number {
  const decoder = new OpusDecoder();
  const pcm = new Int16Array(framesPerBurst * frameSamples);
  for (let round = 0; round < 2; round += 1) {
    let at = 0;
    for (const frame of opusFrames) at += decoder.decode(frame, pcm, at);
  }
  return burstBegin(pcm);
}

function burstBegin(pcm: Int16Array): number {
  return pcm.findIndex((sample) => Math.abs(sample) > heardAmplitude);
}

class Pair {
  readonly phoneToBrowserMs: number[] = [];
  readonly browserToPhoneMs: number[] = [];
  readonly #ssrc: number;
  /** By sequence number, which the packet's payload carries: the gateway renumbers headers and forwards payloads as they are. */
  readonly #phoneSentMs = new Float64Array(256);
  #burstSentMs = -Infinity;
  #heardBurstOfMs = -Infinity;
  #gatewayPort = 0;
  #frame: number;
  readonly #phonePacket = Buffer.alloc(12 + frameSamples, 0xff);
  readonly #view = new RtpPacket();
  readonly #pcm = new Int16Array(frameSamples);

  constructor(
    readonly index: number,
    readonly browser: FarEnd,
    readonly phone: Socket,
  ) {
    this.#ssrc = 1000 + index;
    this.#frame = index * 7;
    browser.onRtp = (packet) => this.#atBrowser(packet);
    phone.on('message', (packet) => this.#atPhone(packet));
  }

  describe(setup: 'actpass' | 'passive'): string {
    return this.browser.describe(setup, [
      `m=audio 9 UDP/TLS/RTP/SAVPF ${opusPayloadType} 0`,
      'c=IN IP4 0.0.0.0',
      'a=mid:0',
      'a=sendrecv',
      `a=rtpmap:${opusPayloadType} opus/48000/2`,
      'a=msid:microphone microphone',
      `a=ssrc:${this.#ssrc} cname:bench`,
    ]);
  }

  talk(gatewayPort: number): void {
    this.#gatewayPort = gatewayPort;
  }

  send(): void {
    if (this.#gatewayPort === 0) return;
    const frame = this.#frame++;
    const sequenceNumber = frame & 0xffff;
    const isBurst = frame % framesPerBurst === 0;
    const opus = opusFrames[frame % framesPerBurst]!;
    const packet = this.#phonePacket;
    RtpPacket.writeHeader(packet, {
      payloadType: 0,
      marker: false,
      sequenceNumber,
      timestamp: (frame * frameSamples) >>> 0,
      ssrc: this.#ssrc,
    });
    packet[12] = frame & 0xff;
    this.#phoneSentMs[frame & 0xff] = performance.now();
    this.phone.send(packet, this.#gatewayPort, '127.0.0.1');
    if (isBurst) this.#burstSentMs = performance.now();
    this.browser.sendRtp(this.#ssrc, opusPayloadType, sequenceNumber, (frame * 960) >>> 0, opus);
  }

  #atBrowser(packet: Buffer): void {
    const arrivedMs = performance.now();
    if (!RtpPacket.parse(packet, this.#view) || this.#view.payloadLength !== frameSamples) return;
    const sentMs = this.#phoneSentMs[packet[this.#view.payloadOffset]!]!;
    if (sentMs > 0) this.phoneToBrowserMs.push(arrivedMs - sentMs);
  }

  #atPhone(packet: Buffer): void {
    const arrivedMs = performance.now();
    const sentMs = this.#burstSentMs;
    if (isRtcp(packet) || sentMs === this.#heardBurstOfMs || !RtpPacket.parse(packet, this.#view)) return;
    if (this.#view.payloadLength !== frameSamples) return;
    pcmu.decode(packet, this.#view.payloadOffset, frameSamples, this.#pcm);
    const at = burstBegin(this.#pcm);
    if (at < 0) return;
    this.#heardBurstOfMs = sentMs;
    this.browserToPhoneMs.push(arrivedMs - sentMs + (at - codecDelaySamples) / samplesPerMs);
  }
}

const pairs: Pair[] = [];
let latenessMs: number[] = [];
let beginMs = performance.now();
let slot = 0;

/** Each millisecond of the 20 has its pairs, so that the packets come spread as they do from real ones. */
function run(): void {
  const nowMs = performance.now();
  while (beginMs + slot <= nowMs) {
    latenessMs.push(nowMs - beginMs - slot);
    for (const pair of pairs) if ((pair.index * 7) % frameMs === slot % frameMs) pair.send();
    slot += 1;
  }
  setTimeout(run, Math.max(0, beginMs + slot - performance.now()));
}

async function open(count: number): Promise<OpenedPair[]> {
  const opened: OpenedPair[] = [];
  for (let i = 0; i < count; i += 1) {
    // Addresses are literal: resolving them would cost more than sending.
    const phone = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
    const listening = once(phone, 'listening');
    phone.bind(0, '127.0.0.1');
    await listening;
    const pair = new Pair(pairs.length, await FarEnd.open(), phone);
    pairs.push(pair);
    opened.push({ offer: pair.describe('actpass'), phonePort: phone.address().port });
  }
  return opened;
}

/** The answers belong to the pairs that were opened last. */
async function connect(answers: readonly string[]): Promise<null> {
  const opened = pairs.slice(-answers.length);
  opened.forEach(({ browser }, i) => browser.connect(answers[i]!));
  while (opened.some(({ browser }) => !browser.isConnected)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return null;
}

function report(): BrowserBankReport {
  const result = {
    phoneToBrowserMs: pairs.flatMap(({ phoneToBrowserMs }) => phoneToBrowserMs.splice(0)),
    browserToPhoneMs: pairs.flatMap(({ browserToPhoneMs }) => browserToPhoneMs.splice(0)),
    codecDelayMs: codecDelaySamples / samplesPerMs,
    sendLatenessP95Ms: percentile(latenessMs, 0.95),
  };
  latenessMs = [];
  return result;
}

async function handle(question: BrowserBankQuestion): Promise<unknown> {
  switch (question.do) {
    case 'open':
      return open(question.pairs);
    case 'connect':
      return connect(question.answers);
    case 'answer':
      return pairs[question.pair]!.describe('passive');
    case 'talk':
      pairs.forEach((pair, i) => pair.talk(question.gatewayPorts[i] ?? 0));
      return null;
    case 'report':
      return report();
  }
}

process.on('message', (question) => {
  void handle(question as BrowserBankQuestion).then((reply) => process.send?.(reply));
});
process.once('disconnect', () => process.exit(0));
beginMs = performance.now();
run();
