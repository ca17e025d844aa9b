/** What the head of a WAV file says, without reading its sound. */
import type { FileHandle } from 'node:fs/promises';

export interface WavHeader {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** How long the audio lasts that is really in the file. */
  readonly durationMs: number;
}

const formatPcm = 1;
const formatFloat = 3;
const formatALaw = 6;
const formatMuLaw = 7;
const formatExtensible = 0xfffe;
/** Chunks that are read before the audio; files have a handful. */
const maxChunks = 100;

const bitsOf: ReadonlyMap<number, readonly number[]> = new Map([
  [formatPcm, [8, 16, 24, 32]],
  [formatFloat, [32]],
  [formatALaw, [8]],
  [formatMuLaw, [8]],
]);

/**
 * Throws an Error that says what cannot be played: anything but PCM, 32-bit float or G.711 of 8 to 48 kHz, mono or stereo. A
 * length of 0 or beyond the end, as a recorder leaves it that was cut off, means what is there.
 */
export async function readWavHeader(file: FileHandle): Promise<WavHeader> {
  const { size } = await file.stat();
  const head = Buffer.alloc(40);
  const read = async (position: number, length: number) =>
    (await file.read(head.fill(0), 0, length, position)).bytesRead;
  if (
    (await read(0, 12)) < 12 ||
    head.toString('latin1', 0, 4) !== 'RIFF' ||
    head.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new Error('it is no WAV file');
  }
  let format: Format | null = null;
  let offset = 12;
  for (let chunk = 0; chunk < maxChunks && offset + 8 <= size; chunk += 1) {
    await read(offset, 8);
    const id = head.toString('latin1', 0, 4);
    const declared = head.readUInt32LE(4);
    const left = size - offset - 8;
    const length = declared > left || (id === 'data' && declared === 0) ? left : declared;
    if (id === 'fmt ' && length >= 16) {
      await read(offset + 8, Math.min(length, 40));
      format = readFormat(head);
    } else if (id === 'data') {
      if (format === null) break;
      const { sampleRateHz, channels, frameBytes } = format;
      const frames = Math.floor(length / frameBytes);
      if (frames === 0) throw new Error('it holds no sound');
      return { sampleRateHz, channels, durationMs: Math.round((frames * 1000) / sampleRateHz) };
    }
    offset += 8 + length + (length & 1);
  }
  throw new Error('it is a WAV file without a sound');
}

interface Format {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly frameBytes: number;
}

function readFormat(chunk: Buffer): Format {
  const tag = chunk.readUInt16LE(0);
  const channels = chunk.readUInt16LE(2);
  const sampleRateHz = chunk.readUInt32LE(4);
  const bits = chunk.readUInt16LE(14);
  const format = tag === formatExtensible ? chunk.readUInt16LE(24) : tag;
  if (bitsOf.get(format)?.includes(bits) !== true) {
    throw new Error('it must be PCM, 32-bit float, μ-law or A-law');
  }
  if (channels < 1 || channels > 2) throw new Error('it must be mono or stereo');
  if (sampleRateHz < 8000 || sampleRateHz > 48_000) throw new Error('its rate must be 8 to 48 kHz');
  return { sampleRateHz, channels, frameBytes: (channels * bits) / 8 };
}
