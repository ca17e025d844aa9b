/** WAV files for tests, in formats that the product does not write itself. */
import { pcma, pcmu } from '../../src/media/worker/codec/g711.js';
import { formatWav } from '../../src/media/worker/sound/wav.js';
import { Tone } from '../../src/media/worker/sound/tone.js';

export type WavEncoding = 'pcm8' | 'pcm16' | 'pcm24' | 'pcm32' | 'float' | 'ulaw' | 'alaw';

interface Encoding {
  readonly tag: number;
  readonly bytes: number;
  write(data: Buffer, offset: number, sample: number): void;
}

const g711 = (codec: typeof pcmu) => (data: Buffer, offset: number, sample: number) =>
  void codec.encode(Int16Array.of(sample), data, offset);

const encodings: Readonly<Record<WavEncoding, Encoding>> = {
  pcm8: { tag: 1, bytes: 1, write: (data, offset, sample) => data.writeUInt8((sample >> 8) + 128, offset) },
  pcm16: { tag: 1, bytes: 2, write: (data, offset, sample) => data.writeInt16LE(sample, offset) },
  pcm24: { tag: 1, bytes: 3, write: (data, offset, sample) => data.writeIntLE(sample * 256, offset, 3) },
  pcm32: { tag: 1, bytes: 4, write: (data, offset, sample) => data.writeInt32LE(sample * 65_536, offset) },
  float: { tag: 3, bytes: 4, write: (data, offset, sample) => data.writeFloatLE(sample / 32_768, offset) },
  ulaw: { tag: 7, bytes: 1, write: g711(pcmu) },
  alaw: { tag: 6, bytes: 1, write: g711(pcma) },
};

export interface ToneFileOptions {
  readonly frequencyHz?: number;
  readonly ms?: number;
  readonly rateHz?: number;
  readonly channels?: number;
  readonly encoding?: WavEncoding;
  readonly amplitude?: number;
}

/** A tone, the same in every channel. */
export function toneFile({
  frequencyHz = 440,
  ms = 1000,
  rateHz = 8000,
  channels = 1,
  encoding = 'pcm16',
  amplitude = 8000,
}: ToneFileOptions = {}): Buffer {
  const mono = new Tone(frequencyHz, rateHz, amplitude).fill(new Int16Array((ms * rateHz) / 1000));
  const { tag, bytes, write } = encodings[encoding];
  const data = Buffer.alloc(mono.length * channels * bytes);
  for (let i = 0; i < mono.length * channels; i++) write(data, i * bytes, mono[Math.floor(i / channels)]!);
  const header = formatWav(new Int16Array(0), rateHz, channels);
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt16LE(tag, 20);
  header.writeUInt32LE(rateHz * channels * bytes, 28);
  header.writeUInt16LE(channels * bytes, 32);
  header.writeUInt16LE(bytes * 8, 34);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}
