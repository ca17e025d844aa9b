/** All recordings of a media worker. */
import { randomInt } from 'node:crypto';
import { Mixes } from '../mix/mixes.js';
import type { StreamRegistry } from '../stream-registry.js';
import type { TickClock, TickListener } from '../tick-clock.js';
import { OggOpusEncoder } from './ogg-opus-encoder.js';
import { Recorder } from './recorder.js';
import type { RecordingEndReason, RecordingOptions, RecordingResult } from './recording.js';
import { RecordingFile } from './recording-file.js';
import { NoSuchRecordingError } from './no-such-recording-error.js';
import { WavEncoder } from './wav-encoder.js';
import { WorkerRefusal } from '../worker-refusal.js';

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
/** Recordings that are so far behind cannot keep up, and lose sound: there are to be no more of them. */
const maxTicksBehind = 100;
/** So much at a time, be it of many recordings or of what the process was late for: the next tick shall not be late for it. */
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
  /** Those whose files are being made; a slow disk takes longer for that than their owner waits. */
  readonly #opening = new Map<string, { isStopped: boolean }>();
  /** The last tick that all have recorded; null before the first. */
  #recorded: number | null = null;
  /** Those that are still to record the tick after it. */
  #left: Iterator<Recorder> | null = null;
  #due = 0;
  #scheduled: NodeJS.Immediate | null = null;
  #closed = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  /** Begins a recording of silence. Throws WorkerRefusal, or another error where the file cannot be made. */
  async open(options: RecordingOptions): Promise<void> {
    const { recordingId } = options;
    if (this.#recorders.has(recordingId) || this.#opening.has(recordingId))
      throw new Error('a recording with this id is open');
    if (this.#recorded !== null && this.#due - this.#recorded > maxTicksBehind)
      throw new WorkerRefusal('overloaded', 'the recordings do not keep up');
    const opening = { isStopped: false };
    this.#opening.set(recordingId, opening);
    try {
      await this.#open(options, opening);
    } finally {
      this.#opening.delete(recordingId);
    }
  }

  async #open(options: RecordingOptions, opening: { readonly isStopped: boolean }): Promise<void> {
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
      if (this.#closed) throw new WorkerRefusal('overloaded', 'the worker is closing');
      if (opening.isStopped) throw new WorkerRefusal('overloaded', 'it was stopped before it began');
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

  /** Null where it is not open (any more), or not yet: it does not begin then. */
  async stop(recordingId: string): Promise<RecordingResult | null> {
    const opening = this.#opening.get(recordingId);
    if (opening !== undefined) opening.isStopped = true;
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

  /** A turn may end within a tick: the mixes keep the tick's sums for those who come to it later. */
  #record(): void {
    this.#scheduled = null;
    const untilMs = this.#options.tickClock.now() + maxTurnMs;
    while (this.#recorded !== null && this.#recorded < this.#due) {
      const tick = this.#recorded + 1;
      this.#left ??= this.#recorders.values();
      for (let next = this.#left.next(); next.done !== true; next = this.#left.next()) {
        next.value.frame(tick);
        if (this.#options.tickClock.now() < untilMs) continue;
        this.#scheduled = setImmediate(() => this.#record());
        return;
      }
      this.#left = null;
      this.#recorded = tick;
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
    this.#left = null;
  }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

async function refuseWhereFull<T>(doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (error) {
    throw isFull(error) ? new WorkerRefusal('disk-full', 'the disk is full') : error;
  }
}
