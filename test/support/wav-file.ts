/** WAV files of silence in every form, for tests of those who read their heads. */
export interface WavFileOptions {
  readonly seconds: number;
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly bits?: number;
  /** 1 PCM, 3 float, 6 A-law, 7 μ-law. */
  readonly format?: number;
  readonly isExtensible?: boolean;
  /** What the head says of the sound's length; default the truth. */
  readonly declaredBytes?: number;
  /** Chunks before the sound. */
  readonly before?: Buffer;
}

export function wavFile(options: WavFileOptions): Buffer {
  const { seconds, sampleRateHz = 8000, channels = 1, bits = 16, format = 1, isExtensible = false } = options;
  const frameBytes = (channels * bits) / 8;
  const sound = Buffer.alloc(Math.round(seconds * sampleRateHz) * frameBytes);
  const body = Buffer.alloc(isExtensible ? 40 : 16);
  body.writeUInt16LE(isExtensible ? 0xfffe : format, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(sampleRateHz, 4);
  body.writeUInt32LE(sampleRateHz * frameBytes, 8);
  body.writeUInt16LE(frameBytes, 12);
  body.writeUInt16LE(bits, 14);
  if (isExtensible) {
    body.writeUInt16LE(22, 16);
    body.writeUInt16LE(bits, 18);
    body.writeUInt16LE(format, 24);
  }
  const head = (id: string, bytes: number) => {
    const chunk = Buffer.alloc(8);
    chunk.write(id, 'latin1');
    chunk.writeUInt32LE(bytes, 4);
    return chunk;
  };
  const data = head('data', options.declaredBytes ?? sound.length);
  const before = options.before ?? Buffer.alloc(0);
  const chunks = Buffer.concat([head('fmt ', body.length), body, before, data, sound]);
  return Buffer.concat([head('RIFF', chunks.length + 4), Buffer.from('WAVE', 'latin1'), chunks]);
}
