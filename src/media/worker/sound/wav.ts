/** WAV files in memory, read and written. */
import { resample } from './resample.js';
import { findWavData, readMono } from './wav-format.js';

const formatPcm = 1;
/** Octets before the first sample, in what is written here. */
export const wavHeaderLength = 44;

/** The header of a WAV file of 16-bit samples that take `dataLength` octets. */
export function formatWavHeader(dataLength: number, sampleRateHz = 8000, channels = 1): Buffer {
  const header = Buffer.alloc(wavHeaderLength);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(wavHeaderLength - 8 + dataLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(formatPcm, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataLength, 40);
  return header;
}

/** Writes interleaved 16-bit samples as a WAV file. */
export function formatWav(samples: Int16Array, sampleRateHz = 8000, channels = 1): Buffer {
  const data = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => data.writeInt16LE(sample, i * 2));
  return Buffer.concat([formatWavHeader(data.length, sampleRateHz, channels), data]);
}

/** Reads a WAV file of any rate and channel count as mono samples at `sampleRateHz`. */
export function readWavMono(file: Buffer, sampleRateHz = 8000): Int16Array {
  const { format, offset, length } = findWavData(file);
  const mono = new Float32Array(Math.floor(length / format.bytesPerSample / format.channels));
  readMono(format, file.subarray(offset, offset + length), mono);
  return resample(mono, format.sampleRateHz, sampleRateHz);
}
