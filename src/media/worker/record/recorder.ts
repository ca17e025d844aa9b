/** Mixes the streams of a recording, and feeds its encoder at the clock’s pace. */
import type { Mix, Mixes } from '../mix/mixes.js';
import { tickSamples } from '../sound/sample-rate.js';
import type { StreamRegistry, StreamWatcher } from '../stream-registry.js';
import {
  recordedRateHz,
  type RecordingEndReason,
  type RecordingOptions,
  type RecordingResult,
} from './recording.js';
import type { RecordingEncoder } from './recording-encoder.js';
import type { RecordingFile } from './recording-file.js';

const frameMs = 20;
const framesPerFlush = 50;
const framesPerRefresh = 100;
/** A disk that does not take the end of a file by then gets it when it does; nobody waits for that. */
const finishMs = 3000;
/** What the sizes in a WAV header can say. */
const maxFileBytes = 0xffff_ffff;
/** As many as a leg may ask for. */
const maxStreams = 500;

const silence = new Int16Array(tickSamples(recordedRateHz));

export interface RecorderOptions extends RecordingOptions {
  readonly file: RecordingFile;
  readonly encoder: RecordingEncoder;
  readonly registry: StreamRegistry;
  readonly mixes: Mixes;
  /** It ended by itself. Not called after `stop`. */
  readonly onEnded: (reason: RecordingEndReason, result: RecordingResult, detail: string) => void;
}

/** One recording: the sum of the streams that it receives, frame by frame into its file. */
export class Recorder implements StreamWatcher {
  readonly #options: RecorderOptions;
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  #wanted: readonly string[] = [];
  #mix: Mix | null = null;
  #frames = 0;
  #ending: Promise<RecordingResult> | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#maxFrames = Math.floor(options.maxDurationMs / frameMs);
    this.#maxBytes = Math.min(options.maxBytes, maxFileBytes);
  }

  get hasEnded(): boolean {
    return this.#ending !== null;
  }

  /** So far, what is not yet on the disk included. */
  get size(): RecordingResult {
    return { durationMs: this.#frames * frameMs, bytes: this.#options.encoder.endedLength };
  }

  /** Replaces what is recorded. Streams that are not there yet are as soon as they are. */
  receive(streamIds: readonly string[]): void {
    if (this.hasEnded) return;
    const { registry } = this.#options;
    const wanted = [...new Set(streamIds)].slice(0, maxStreams);
    const stays = new Set(wanted);
    for (const streamId of this.#wanted) if (!stays.has(streamId)) registry.unwatch(streamId, this);
    for (const streamId of wanted) registry.watch(streamId, this);
    this.#wanted = wanted;
    this.onStreamsChanged();
  }

  onStreamsChanged(): void {
    const { registry, mixes } = this.#options;
    const tracks = this.#wanted.flatMap((streamId) => registry.get(streamId)?.audio ?? []);
    const before = this.#mix;
    try {
      // The new mix takes its sources before the old one lets go, so that those in both go on without a gap.
      this.#mix = tracks.length === 0 ? null : mixes.acquire(tracks, recordedRateHz);
      if (before !== null) mixes.release(before);
    } catch (error) {
      this.endBy('failed', String(error));
    }
  }

  /** Records the 20 ms of this tick. Never throws. */
  frame(tick: number): void {
    if (this.hasEnded) return;
    const { encoder, file } = this.#options;
    try {
      if (this.#frames >= this.#maxFrames) return this.endBy('too-long');
      if (encoder.endedLength + encoder.maxGrowth > this.#maxBytes) return this.endBy('too-large');
      encoder.add(this.#mix?.pcmAt(tick) ?? silence);
      this.#frames++;
      if (this.#frames % framesPerFlush !== 0) return;
      file.flush();
      encoder.onWritten(file.written);
      const patch = this.#frames % framesPerRefresh === 0 ? encoder.refresh() : null;
      if (patch !== null) file.patch(patch);
    } catch (error) {
      this.endBy('failed', String(error));
    }
  }

  /** It ends by itself. No effect where it has ended. */
  endBy(reason: RecordingEndReason, detail = ''): void {
    if (this.hasEnded) return;
    this.#ending = this.#finish();
    void this.#ending.then((result) => this.#options.onEnded(reason, result, detail));
  }

  /** Completes the file; idempotent. Never rejects: what the disk did not take is not in the result. */
  stop(): Promise<RecordingResult> {
    this.#ending ??= this.#finish();
    return this.#ending;
  }

  async #finish(): Promise<RecordingResult> {
    const { registry, mixes, encoder, file } = this.#options;
    for (const streamId of this.#wanted) registry.unwatch(streamId, this);
    this.#wanted = [];
    if (this.#mix !== null) mixes.release(this.#mix);
    this.#mix = null;

    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => (timer = setTimeout(resolve, finishMs)));
    // Not awaited beyond its time; what goes wrong at the end leaves the file as it is.
    await Promise.race([this.#completeFile().catch(() => undefined), tooLate]);
    clearTimeout(timer);
    const { length, durationMs } = encoder.completeAt(file.written);
    return { durationMs, bytes: length };
  }

  async #completeFile(): Promise<void> {
    const { encoder, file } = this.#options;
    encoder.end();
    await file.drain().catch(() => undefined);
    const { length, patch } = encoder.completeAt(file.written);
    await file.finish(length, patch);
  }
}
