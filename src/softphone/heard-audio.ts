/** What a softphone hears: received audio in the order of its time, and what is measured of it. */
import { dominantFrequencyHz, levelAt, overallLevel } from '../media/worker/sound/dominant-frequency.js';
import { timestampDistance } from '../media/worker/rtp/sequence.js';

const sampleRateHz = 8_000;
const samplesPerMs = sampleRateHz / 1_000;
/** Packets come every 20 ms; after this long without one the line is silent, whatever was heard last. */
const silentAfterMs = 60;
/** A jump of the RTP timestamp beyond this is a new beginning, not a gap to be filled with silence. */
const longestGap = sampleRateHz;

/**
 * Keeps the last seconds of what was heard, on the sender's own time line: lost packets are silence, packets out of
 * order stand where they belong.
 */
export class HeardAudio {
  readonly #ring: Int16Array;
  readonly #nowMs: () => number;
  /** Samples on the time line so far; the ring holds the last of them. */
  #length = 0;
  #lastWriteMs = -Infinity;
  /** The RTP timestamp that follows the end of the time line. */
  #nextTimestamp: number | undefined;
  #ssrc: number | undefined;

  /** @param keepSeconds Default 30. @param nowMs A monotonic clock. */
  constructor(keepSeconds = 30, nowMs: () => number = () => performance.now()) {
    this.#ring = new Int16Array(Math.max(1, Math.ceil(keepSeconds * sampleRateHz)));
    this.#nowMs = nowMs;
  }

  /** Milliseconds heard so far, silence of lost packets included. */
  get durationMs(): number {
    return this.#length / samplesPerMs;
  }

  /** Puts the samples of one packet where its timestamp says. */
  write(pcm: Int16Array, timestamp: number, ssrc: number): void {
    this.#lastWriteMs = this.#nowMs();
    let offset = 0;
    if (this.#nextTimestamp !== undefined && ssrc === this.#ssrc) {
      const distance = timestampDistance(timestamp, this.#nextTimestamp);
      if (Math.abs(distance) <= longestGap) offset = distance;
    }
    this.#ssrc = ssrc;
    for (; offset > 0; offset -= 1) this.#put(this.#length++, 0);
    for (let index = 0; index < pcm.length; index += 1) {
      const position = this.#length + offset;
      // A late packet fills its gap; only what goes beyond the end makes the time line longer.
      if (offset < 0) {
        if (position >= 0 && position >= this.#length - this.#ring.length)
          this.#put(position, pcm[index] ?? 0);
        offset += 1;
      } else this.#put(this.#length++, pcm[index] ?? 0);
    }
    if (offset >= 0) this.#nextTimestamp = (timestamp + pcm.length) >>> 0;
  }

  /** The last `windowMs` up to now, oldest sample first; shorter when less has been heard. */
  window(windowMs: number): Int16Array {
    const wanted = Math.round(windowMs * samplesPerMs);
    const quietMs = this.#nowMs() - this.#lastWriteMs - silentAfterMs;
    const silent = quietMs > 0 ? Math.min(wanted, Math.round(quietMs * samplesPerMs)) : 0;
    const heard = this.#last(wanted - silent);
    if (silent === 0 || this.#length === 0) return heard;
    const window = new Int16Array(heard.length + silent);
    window.set(heard);
    return window;
  }

  /** All that is kept, as heard: without silence after its end. */
  recording(): Int16Array {
    return this.#last(this.#ring.length);
  }

  /** Level in dBFS (a full-scale sine is 0); −Infinity for silence. */
  levelDbfs(windowMs = 1_000): number {
    return overallLevel(this.window(windowMs));
  }

  /** The strongest frequency; null when there is nothing but silence. */
  dominantFrequencyHz(windowMs = 1_000): number | null {
    return dominantFrequencyHz(this.window(windowMs), sampleRateHz);
  }

  /** Whether a tone of that frequency is in what is heard, louder than `aboveDbfs` (default −40), among others or alone. */
  hears(frequencyHz: number, windowMs = 500, aboveDbfs = -40): boolean {
    const window = this.window(windowMs);
    return (
      window.length >= windowMs * samplesPerMs * 0.5 && levelAt(window, sampleRateHz, frequencyHz) > aboveDbfs
    );
  }

  #put(position: number, sample: number): void {
    this.#ring[position % this.#ring.length] = sample;
  }

  #last(count: number): Int16Array {
    const available = Math.max(0, Math.min(count, this.#length, this.#ring.length));
    const samples = new Int16Array(available);
    const start = this.#length - available;
    for (let index = 0; index < available; index += 1) {
      samples[index] = this.#ring[(start + index) % this.#ring.length] ?? 0;
    }
    return samples;
  }
}
