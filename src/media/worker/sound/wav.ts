import { pcma, pcmu } from '../codec/g711.js';
import { resample } from './resample.js';

/** What a WAV file holds: interleaved samples. */
export interface WavSound {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly samples: Int16Array;
}

const formatPcm = 1;
const formatALaw = 6;
const formatMuLaw = 7;
const formatExtensible = 0xfffe;

/** Reads a RIFF/WAVE file of PCM16, μ-law or A-law samples. Throws an Error that says what is wrong with it. */
export function parseWav(file: Buffer): WavSound {
  if (
    file.length < 12 ||
    file.toString('latin1', 0, 4) !== 'RIFF' ||
    file.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new Error('not a WAV file');
  }
  let format = 0;
  let channels = 0;
  let sampleRateHz = 0;
  let bitsPerSample = 0;
  for (let offset = 12; offset + 8 <= file.length;) {
    const id = file.toString('latin1', offset, offset + 4);
    const body = offset + 8;
    // Recorders that were cut off, or that stream, leave a length of 0 or 2^32-1: take what is there.
    const declared = file.readUInt32LE(offset + 4);
    const left = file.length - body;
    const length = declared > left || (id === 'data' && declared === 0) ? left : declared;
    if (id === 'fmt ' && length >= 16) {
      format = file.readUInt16LE(body);
      channels = file.readUInt16LE(body + 2);
      sampleRateHz = file.readUInt32LE(body + 4);
      bitsPerSample = file.readUInt16LE(body + 14);
      if (format === formatExtensible && length >= 26) format = file.readUInt16LE(body + 24);
    } else if (id === 'data') {
      if (channels < 1 || sampleRateHz < 1) throw new Error('WAV file without a usable format chunk');
      const samples = readSamples(file.subarray(body, body + length), format, bitsPerSample);
      return { sampleRateHz, channels, samples };
    }
    offset = body + length + (length & 1);
  }
  throw new Error('WAV file without a data chunk');
}

function readSamples(data: Buffer, format: number, bitsPerSample: number): Int16Array {
  if (format === formatPcm && bitsPerSample === 16) {
    return Int16Array.from({ length: data.length >> 1 }, (_, i) => data.readInt16LE(i * 2));
  }
  if ((format === formatMuLaw || format === formatALaw) && bitsPerSample === 8) {
    const samples = new Int16Array(data.length);
    (format === formatMuLaw ? pcmu : pcma).decode(data, 0, data.length, samples);
    return samples;
  }
  throw new Error(
    `WAV format ${format} with ${bitsPerSample} bits is not supported: use PCM16, μ-law or A-law`,
  );
}

/** Writes interleaved 16-bit samples as a WAV file. */
export function formatWav(samples: Int16Array, sampleRateHz = 8000, channels = 1): Buffer {
  const dataLength = samples.length * 2;
  const file = Buffer.alloc(44 + dataLength);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + dataLength, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(formatPcm, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(sampleRateHz, 24);
  file.writeUInt32LE(sampleRateHz * channels * 2, 28);
  file.writeUInt16LE(channels * 2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(dataLength, 40);
  samples.forEach((sample, i) => file.writeInt16LE(sample, 44 + i * 2));
  return file;
}

/** Reads a WAV file of any rate and channel count as mono samples at `sampleRateHz`. */
export function readWavMono(file: Buffer, sampleRateHz = 8000): Int16Array {
  const wav = parseWav(file);
  return resample(downmix(wav), wav.sampleRateHz, sampleRateHz);
}

function downmix({ samples, channels }: WavSound): Int16Array {
  if (channels === 1) return samples;
  return Int16Array.from({ length: Math.floor(samples.length / channels) }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += samples[frame * channels + channel]!;
    return Math.round(sum / channels);
  });
}
