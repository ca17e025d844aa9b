import { randomInt } from 'node:crypto';
import { Mixes } from '../mix/mixes.js';
import type { StreamRegistry } from '../stream-registry.js';
import type { TickClock, TickListener } from '../tick-clock.js';
import { OggOpusEncoder } from './ogg-opus-encoder.js';
import { Recorder } from './recorder.js';
import type { RecordingEndReason, RecordingOptions, RecordingResult } from './recording.js';
import { RecordingFile } from './recording-file.js';
import { NoSuchRecordingError, RecordingRefusal } from './recording-refusal.js';
import { WavEncoder } from './wav-encoder.js';

export interface RecordingsOptions {
  readonly registry: StreamRegistry;
  readonly tickClock: Pick<TickClock, 'add' | 'remove' | 'now'>;
  readonly onEnded: (
    recordingId: string,
    reason: RecordingEndReason,
    result: RecordingResult,
    detail: string,
  ) => void;
  /** Octets per recording that may wait for the disk. */
  readonly maxBacklogBytes?: number;
}

/** Nobody waits for a recording as one waits for an answer: sound may come late, and is not made up for early. */
const jitter = { targetMs: 40, maxMs: 500 };
/** Of what is recorded after the process was late, so much at a time: the next tick shall not be late for it. */
const maxTurnMs = 5;

/**
 * The recordings of one worker. They go by the number of the tick, which is the time, and leave none out: after a late
 * tick they wait for the packets that came meanwhile, then catch up, all in step, for they share their mixes.
 */
export class Recordings implements TickListener {
  readonly #options: RecordingsOptions;
  /** Not those of the legs: a tick that legs leave out is not left out here. */
  readonly #mixes = new Mixes(jitter);
  readonly #recorders = new Map<string, Recorder>();
  /** The last tick that was recorded; null before the first. */
  #recorded: number | null = null;
  #due = 0;
  #scheduled: NodeJS.Immediate | null = null;
  #closed = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  /** Begins a recording of silence. Throws RecordingRefusal, or another error where the file cannot be made. */
  async open(options: RecordingOptions): Promise<void> {
    const { recordingId, path, format } = options;
    let recorder: Recorder | null = null;
    const file = await refuseWhereFull(
      RecordingFile.create(path, {
        ...(this.#options.maxBacklogBytes !== undefined && {
          maxBacklogBytes: this.#options.maxBacklogBytes,
        }),
        onError: (error) => recorder?.endBy(isFull(error) ? 'disk-full' : 'failed', error.message),
      }),
    );
    const encoder = format === 'wav' ? new WavEncoder(file) : new OggOpusEncoder(file, randomInt(2 ** 32));
    try {
      await refuseWhereFull(file.drain());
      if (this.#closed) throw new RecordingRefusal('overloaded', 'the worker is closing');
      if (this.#recorders.has(recordingId)) throw new Error('a recording with this id is open');
    } catch (error) {
      await file.discard().catch(() => undefined);
      throw error;
    }
    const made = new Recorder({
      ...options,
      file,
      encoder,
      registry: this.#options.registry,
      mixes: this.#mixes,
      onEnded: (reason, result, detail) => {
        this.#remove(recordingId, made);
        this.#options.onEnded(recordingId, reason, result, detail);
      },
    });
    recorder = made;
    this.#recorders.set(recordingId, made);
    if (this.#recorders.size === 1) this.#options.tickClock.add(this);
  }

  /** Throws NoSuchRecordingError. */
  receive(recordingId: string, streamIds: readonly string[]): void {
    const recorder = this.#recorders.get(recordingId);
    if (recorder === undefined || recorder.hasEnded) throw new NoSuchRecordingError();
    recorder.receive(streamIds);
  }

  /** Null where it is not open (any more). */
  size(recordingId: string): RecordingResult | null {
    return this.#recorders.get(recordingId)?.size ?? null;
  }

  /** Null where it is not open (any more). */
  async stop(recordingId: string): Promise<RecordingResult | null> {
    const recorder = this.#recorders.get(recordingId);
    if (recorder === undefined) return null;
    this.#remove(recordingId, recorder);
    return recorder.stop();
  }

  onTick(tick: number): void {
    this.#recorded ??= tick - 1;
    this.#due = tick;
    // Behind the sockets' turn: what came while the process was late is heard at its time.
    this.#scheduled ??= setImmediate(() => this.#record());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#recorders.keys()].map((recordingId) => this.stop(recordingId)));
  }

  #record(): void {
    this.#scheduled = null;
    const untilMs = this.#options.tickClock.now() + maxTurnMs;
    for (let tick = (this.#recorded ?? this.#due) + 1; tick <= this.#due; tick++) {
      for (const recorder of this.#recorders.values()) recorder.frame(tick);
      this.#recorded = tick;
      if (tick === this.#due || this.#options.tickClock.now() < untilMs) continue;
      this.#scheduled = setImmediate(() => this.#record());
      return;
    }
  }

  #remove(recordingId: string, recorder: Recorder): void {
    if (this.#recorders.get(recordingId) !== recorder) return;
    this.#recorders.delete(recordingId);
    if (this.#recorders.size > 0) return;
    this.#options.tickClock.remove(this);
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    this.#recorded = null;
  }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

async function refuseWhereFull<T>(doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (error) {
    throw isFull(error) ? new RecordingRefusal('disk-full', 'the disk is full') : error;
  }
}
