/** Opus, decoded straight to the rate that is wanted, and encoded from it. */
import { Decoder, Encoder } from '@evan/opus';
import type { SampleRate } from '../sound/sample-rate.js';

/** Samples at 8 kHz of one Opus frame by TOC configuration number (RFC 6716 §3.1, table 2). */
const frameSamples: readonly number[] = Array.from({ length: 32 }, (_, configuration) => {
  if (configuration < 12) return [80, 160, 320, 480][configuration & 3]!;
  if (configuration < 16) return [80, 160][configuration & 1]!;
  return [20, 40, 80, 160][configuration & 3]!;
});

/** The longest packet, 120 ms (RFC 6716 §3.2.5), in samples at 8 kHz. */
const maxOpusSamples = 960;

/** Samples that a packet holds, by default at 8 kHz, read from its table of contents (RFC 6716 §3.1); 0 when it is malformed. */
export function opusSamples(
  payload: Uint8Array,
  offset: number,
  length: number,
  rateHz: SampleRate = 8000,
): number {
  if (length < 1) return 0;
  const toc = payload[offset]!;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : length < 2 ? 0 : payload[offset + 1]! & 0x3f;
  const samples = frames * frameSamples[toc >> 3]!;
  return samples > maxOpusSamples ? 0 : (samples * rateHz) / 8000;
}

/** Decodes Opus straight to mono at the rate that is wanted, whatever the encoder's rate and channels. */
export class OpusDecoder {
  readonly #decoder: Decoder;
  readonly #lostPacket = new Uint8Array(1);

  constructor(rateHz: SampleRate = 8000) {
    this.#decoder = new Decoder({ channels: 1, sample_rate: rateHz });
  }

  /** Decodes a packet, as far as `into` has room from `at`; returns the number of samples, 0 when it is not Opus. */
  decode(packet: Uint8Array, into: Int16Array, at = 0): number {
    if (opusSamples(packet, 0, packet.length) === 0) return 0;
    // The configuration (and the stereo bit) with "one frame" and no frame after it.
    this.#lostPacket[0] = packet[0]! & 0xfc;
    return this.#run(packet, into, at);
  }

  /**
   * Makes up for one lost packet by the decoder's own concealment: a packet of nothing but the table of contents is how
   * Opus spells "this frame was not transmitted" (RFC 6716 §3.2.1). Returns the samples written, 0 before the first packet.
   */
  conceal(into: Int16Array, at = 0): number {
    return this.#lostPacket[0] === 0 ? 0 : this.#run(this.#lostPacket, into, at);
  }

  #run(packet: Uint8Array, into: Int16Array, at: number): number {
    let bytes: Uint8Array;
    try {
      bytes = this.#decoder.decode(packet);
    } catch {
      return 0;
    }
    const count = Math.min(bytes.byteLength >> 1, into.length - at);
    into.set(new Int16Array(bytes.buffer, bytes.byteOffset, count), at);
    return count;
  }
}

export interface OpusEncoderOptions {
  readonly bitrateBps: number;
  /** From 0 (cheap) to 10 (good). */
  readonly complexity: number;
  /** Default 8000. */
  readonly rateHz?: SampleRate;
  /** Some of each frame once more in the next, for those that get lost (RFC 6716 §2.1.7). Default false. */
  readonly inbandFec?: boolean;
  /** The loss that it is made for. Default 0. */
  readonly packetLossPercent?: number;
}

/** OPUS_GET_LOOKAHEAD of the codec's interface. */
const getLookahead = 4027;

/** Encodes mono speech. */
export class OpusEncoder {
  readonly #encoder: Encoder;

  constructor(options: OpusEncoderOptions) {
    const { bitrateBps, complexity, rateHz = 8000, inbandFec = false, packetLossPercent = 0 } = options;
    this.#encoder = new Encoder({ channels: 1, sample_rate: rateHz, application: 'voip' });
    this.#encoder.bitrate = bitrateBps;
    this.#encoder.complexity = complexity as Encoder['complexity'];
    if (inbandFec) this.#encoder.inband_fec = true;
    if (packetLossPercent > 0) this.#encoder.packet_loss = packetLossPercent;
  }

  /** Samples by which what is decoded lags behind what was encoded. */
  get lookaheadSamples(): number {
    return this.#encoder.ctl(getLookahead);
  }

  /** One packet of a frame of 2.5 to 60 ms. */
  encode(pcm: Int16Array): Uint8Array {
    return this.#encoder.encode(pcm);
  }
}
