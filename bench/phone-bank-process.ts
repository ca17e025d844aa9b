/** A process that plays phones for the benchmarks: RTP out and in, with the delay of what is heard. */
import { createSocket, type Socket } from 'node:dgram';
import { pcmu } from '../src/media/worker/codec/g711.js';
import { RtpPacket } from '../src/media/worker/rtp/rtp-packet.js';
import { Tone } from '../src/media/worker/sound/tone.js';
import { percentile } from './benchmark.js';
import type { PhoneBankReport, PhoneBankRequest, PhoneTask } from './phone-bank.js';

const frameMs = 20;
const frameSamples = 160;
const samplesPerMs = 8;
/** A click every half second, so that a delay below that is told without doubt. */
const framesPerClick = 25;
const clickSamples = 16;
const clickAmplitude = 30_000;
const clickThreshold = 8000;

const silence = Buffer.from(encode(new Int16Array(frameSamples)));
const click = Buffer.from(encode(new Int16Array(frameSamples).fill(clickAmplitude, 0, clickSamples)));

function encode(pcm: Int16Array): Uint8Array {
  const payload = new Uint8Array(pcm.length);
  pcmu.encode(pcm, payload);
  return payload;
}

class Phone {
  /** When the first sample of the latest click went out. */
  clickedAtMs = -Infinity;
  received = 0;
  sent = 0;
  readonly delaysMs: number[] = [];
  #task: PhoneTask | null = null;
  #source: Phone | null = null;
  #heardClickOfMs = -Infinity;
  #tones: readonly Buffer[] = [];
  #frame: number;
  readonly #buffer = Buffer.alloc(12 + frameSamples);
  readonly #view = new RtpPacket();
  readonly #pcm = new Int16Array(frameSamples);

  constructor(
    readonly socket: Socket,
    readonly index: number,
  ) {
    this.#frame = index * 7;
    socket.on('message', (packet) => this.#hear(packet));
  }

  do(task: PhoneTask, source: Phone | null): void {
    const tone = new Tone(300 + ((this.index * 37) % 1500), 8000, task.sends === 'tone' ? 8000 : 300);
    // A second of sound, repeated: what it costs to make is not what is measured.
    this.#tones = Array.from({ length: 50 }, () =>
      Buffer.from(encode(tone.fill(new Int16Array(frameSamples)))),
    );
    this.#source = source;
    this.#task = task;
  }

  send(): void {
    if (this.#task === null) return;
    const frame = this.#frame++;
    const isClick = this.#task.sends === 'clicks' && frame % framesPerClick === 0;
    const payload = isClick
      ? click
      : this.#task.sends === 'clicks'
        ? silence
        : this.#tones[frame % this.#tones.length]!;
    RtpPacket.writeHeader(this.#buffer, {
      payloadType: 0,
      marker: false,
      sequenceNumber: frame & 0xffff,
      timestamp: (frame * frameSamples) >>> 0,
      ssrc: 1000 + this.index,
    });
    payload.copy(this.#buffer, 12);
    if (isClick) this.clickedAtMs = performance.now();
    this.socket.send(this.#buffer, this.#task.port, '127.0.0.1');
    this.sent += 1;
  }

  #hear(packet: Buffer): void {
    const arrivedMs = performance.now();
    this.received += 1;
    const sentMs = this.#source?.clickedAtMs ?? -Infinity;
    if (sentMs === -Infinity || sentMs === this.#heardClickOfMs || !RtpPacket.parse(packet, this.#view))
      return;
    if (this.#view.payloadLength !== frameSamples) return;
    pcmu.decode(packet, this.#view.payloadOffset, frameSamples, this.#pcm);
    const at = this.#pcm.findIndex((sample) => Math.abs(sample) > clickThreshold);
    if (at < 0) return;
    this.#heardClickOfMs = sentMs;
    this.delaysMs.push(arrivedMs + at / samplesPerMs - sentMs);
  }
}

const phones: Phone[] = [];
let latenessMs: number[] = [];
let beginMs = performance.now();
let slot = 0;

/** Each millisecond of the 20 has its phones, so that the packets come spread as they do from real ones. */
function run(): void {
  const nowMs = performance.now();
  while (beginMs + slot <= nowMs) {
    latenessMs.push(nowMs - beginMs - slot);
    for (let i = slot % frameMs; i < phones.length; i += frameMs) phones[i]!.send();
    slot += 1;
  }
  setTimeout(run, Math.max(0, beginMs + slot - performance.now()));
}

async function open(count: number): Promise<number[]> {
  const opened = await Promise.all(
    Array.from({ length: count }, async () => {
      // Addresses are literal: resolving them would cost more than sending.
      const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
      return socket;
    }),
  );
  for (const socket of opened) phones.push(new Phone(socket, phones.length));
  return opened.map((socket) => socket.address().port);
}

function report(): PhoneBankReport {
  const result = {
    sent: phones.reduce((sum, { sent }) => sum + sent, 0),
    received: phones.reduce((sum, { received }) => sum + received, 0),
    delaysMs: phones.flatMap(({ delaysMs }) => delaysMs.splice(0)),
    sendLatenessP95Ms: percentile(latenessMs, 0.95),
  };
  for (const phone of phones) phone.sent = phone.received = 0;
  latenessMs = [];
  return result;
}

async function handle(request: PhoneBankRequest): Promise<unknown> {
  switch (request.do) {
    case 'open':
      return open(request.phones);
    case 'talk':
      for (const task of request.tasks)
        phones[task.phone]!.do(task, phones[task.hearsClicksOf ?? -1] ?? null);
      return null;
    case 'report':
      return report();
  }
}

process.on('message', (request) => {
  void handle(request as PhoneBankRequest).then((reply) => process.send?.({ reply }));
});
process.once('disconnect', () => process.exit(0));
beginMs = performance.now();
run();
