/** Recordings as WAV. */
import { tickSamples } from '../sound/sample-rate.js';
import { formatWavHeader, wavHeaderLength } from '../sound/wav.js';
import { recordedRateHz } from './recording.js';
import type { Completion, OctetSink, Patch, RecordingEncoder } from './recording-encoder.js';

const sampleBytes = 2;
const bytesPerMs = 8 * sampleBytes;
const frameBytes = tickSamples(recordedRateHz) * sampleBytes;

/** WAV of 16-bit PCM. */
export class WavEncoder implements RecordingEncoder {
  readonly maxGrowth = frameBytes;
  readonly #sink: OctetSink;
  readonly #frame = Buffer.alloc(frameBytes);

  constructor(sink: OctetSink) {
    this.#sink = sink;
    sink.append(formatWavHeader(0));
  }

  get endedLength(): number {
    return this.#sink.length;
  }

  add(frame: Int16Array): void {
    for (let i = 0; i < frame.length; i++) this.#frame.writeInt16LE(frame[i]!, i * sampleBytes);
    this.#sink.append(this.#frame);
  }

  end(): void {
    // Nothing is held back.
  }

  refresh(): Patch {
    return this.completeAt(this.#sink.length).patch;
  }

  onWritten(): void {
    // The header says it all.
  }

  completeAt(written: number): Completion & { patch: Patch } {
    const dataLength = Math.max(0, Math.floor((written - wavHeaderLength) / sampleBytes)) * sampleBytes;
    return {
      length: wavHeaderLength + dataLength,
      durationMs: Math.floor(dataLength / bytesPerMs),
      patch: { position: 0, bytes: formatWavHeader(dataLength) },
    };
  }
}
