/** Reads the head of a WAV file. */
import { pcma, pcmu } from '../codec/g711.js';

/** How the samples of a WAV file are written. */
export interface WavFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bytesPerSample: number;
  /** A sample on the scale of 16 bits, with fractions where it has more; above it where a float is above 1. */
  readonly read: (data: Buffer, offset: number) => number;
}

export interface WavData {
  readonly format: WavFormat;
  /** Where the samples begin, in octets from the start of the file. */
  readonly offset: number;
  readonly length: number;
}

const extensible = 0xfffe;

function byTable(codec: typeof pcmu): WavFormat['read'] {
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  const linear = new Int16Array(256);
  codec.decode(octets, 0, 256, linear);
  return (data, offset) => linear[data[offset]!]!;
}

/** By format tag (1 PCM, 3 float, 6 A-law, 7 μ-law) and bits. PCM of 8 bits has its zero at 128. */
const readers: Readonly<Record<string, WavFormat['read']>> = {
  '1 8': (data, offset) => (data[offset]! - 128) * 256,
  '1 16': (data, offset) => data.readInt16LE(offset),
  '1 24': (data, offset) => data.readIntLE(offset, 3) / 256,
  '1 32': (data, offset) => data.readInt32LE(offset) / 65_536,
  // What is not a number is silence.
  '3 32': (data, offset) => data.readFloatLE(offset) * 32_768 || 0,
  '6 8': byTable(pcma),
  '7 8': byTable(pcmu),
};

/**
 * Finds the samples of a RIFF/WAVE file of PCM (8, 16, 24, 32 bit), float or G.711. `head` is as much of its beginning as
 * there is, `fileLength` the length of all. Throws an Error that says what is wrong with it.
 */
export function findWavData(head: Buffer, fileLength = head.length): WavData {
  if (
    head.length < 12 ||
    head.toString('latin1', 0, 4) !== 'RIFF' ||
    head.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new Error('not a WAV file');
  }
  let format: WavFormat | null = null;
  for (let offset = 12; offset + 8 <= head.length;) {
    const id = head.toString('latin1', offset, offset + 4);
    const body = offset + 8;
    // Recorders that were cut off, or that stream, leave a length of 0 or 2^32-1: take what is there.
    const declared = head.readUInt32LE(offset + 4);
    const left = fileLength - body;
    const length = declared > left || (id === 'data' && declared === 0) ? left : declared;
    if (id === 'fmt ' && length >= 16 && body + Math.min(length, 26) <= head.length) {
      format = readFormat(head.subarray(body, body + length));
    } else if (id === 'data') {
      if (format === null) throw new Error('WAV file without a usable format chunk');
      return { format, offset: body, length };
    }
    offset = body + length + (length & 1);
  }
  throw new Error('WAV file without a data chunk');
}

function readFormat(chunk: Buffer): WavFormat | null {
  const tag = chunk.readUInt16LE(0);
  const channels = chunk.readUInt16LE(2);
  const sampleRateHz = chunk.readUInt32LE(4);
  const bits = chunk.readUInt16LE(14);
  if (channels < 1 || sampleRateHz < 1) return null;
  const encoding = tag === extensible && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag;
  const read = readers[`${encoding} ${bits}`];
  if (read === undefined) {
    throw new Error(
      `WAV format ${encoding} with ${bits} bits is not supported: use PCM of 8, 16, 24 or 32 bits, float, μ-law or A-law`,
    );
  }
  return { sampleRateHz, channels, bytesPerSample: bits / 8, read };
}

/** Reads whole frames, the mean of their channels, into `into`; returns how many. */
export function readMono(format: WavFormat, data: Buffer, into: Float32Array): number {
  const { channels, bytesPerSample, read } = format;
  const frameLength = channels * bytesPerSample;
  const frames = Math.min(Math.floor(data.length / frameLength), into.length);
  for (let frame = 0, offset = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, offset += bytesPerSample) sum += read(data, offset);
    into[frame] = sum / channels;
  }
  return frames;
}
