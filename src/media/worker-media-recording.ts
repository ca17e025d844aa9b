/** A recording that a worker process makes. */
import {
  type MediaRecording,
  type MediaRecordingListener,
  MediaRefusal,
  type RecordingEndReason,
  type RecordingResult,
} from '../domain/media-plane.js';
import { NoSuchLegError } from './worker-process.js';
import type { ReplyOf, RequestOf, WorkerOperation } from './worker/protocol.js';

/** What a recording asks of its plane. */
export interface RecordingHost {
  request<K extends WorkerOperation>(worker: number, operation: K, body: RequestOf<K>): Promise<ReplyOf<K>>;
  /** The recording wants these streams, wherever they are published. */
  wantInRecording(recording: WorkerMediaRecording, streamIds: readonly string[]): void;
  /** The recording is no more: forget it. */
  forgetRecording(recording: WorkerMediaRecording): void;
  onListenerError(id: string, error: unknown): void;
}

export interface WorkerMediaRecordingOptions {
  readonly recordingId: string;
  readonly sessionId: string;
  readonly worker: number;
  readonly host: RecordingHost;
  readonly listener: MediaRecordingListener;
}

interface End {
  readonly reason: RecordingEndReason;
  readonly result: RecordingResult | null;
}

export class WorkerMediaRecording implements MediaRecording {
  readonly recordingId: string;
  readonly sessionId: string;
  readonly worker: number;
  readonly #host: RecordingHost;
  readonly #listener: MediaRecordingListener;
  #isOpen = false;
  /** How it ended by itself, as soon as that is known. */
  #end: End | null = null;
  #stopping: Promise<RecordingResult | null> | null = null;

  constructor({ recordingId, sessionId, worker, host, listener }: WorkerMediaRecordingOptions) {
    this.recordingId = recordingId;
    this.sessionId = sessionId;
    this.worker = worker;
    this.#host = host;
    this.#listener = listener;
  }

  get isStopped(): boolean {
    return this.#stopping !== null;
  }

  /** The worker has opened it. How it ended meanwhile is told after `openRecording` has given it to its owner. */
  setOpened(): void {
    setImmediate(() => {
      this.#isOpen = true;
      this.#tell();
    });
  }

  async receive(streamIds: readonly string[]): Promise<void> {
    if (this.#end !== null || this.isStopped) throw new MediaRefusal('overloaded', 'the recording has ended');
    this.#host.wantInRecording(this, streamIds);
    try {
      await this.#host.request(this.worker, 'receiveInRecording', {
        recordingId: this.recordingId,
        streamIds,
      });
    } catch (error) {
      throw error instanceof NoSuchLegError
        ? new MediaRefusal('overloaded', 'the recording has ended')
        : error;
    }
  }

  async size(): Promise<RecordingResult | null> {
    if (this.#stopping !== null) return this.#stopping;
    if (this.#end !== null) return this.#end.result;
    const { recordingId, worker } = this;
    return this.#host.request(worker, 'recordingSize', { recordingId }).catch(() => null);
  }

  stop(): Promise<RecordingResult | null> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** It ended by itself. */
  endedBy(reason: RecordingEndReason, result: RecordingResult | null): void {
    if (this.#end !== null) return;
    this.#end = { reason, result };
    this.#host.forgetRecording(this);
    if (this.#isOpen) this.#tell();
  }

  async #stop(): Promise<RecordingResult | null> {
    if (this.#end !== null) return this.#end.result;
    const { recordingId, worker } = this;
    const result = await this.#host.request(worker, 'closeRecording', { recordingId }).catch(() => null);
    this.#host.forgetRecording(this);
    // It may have ended by itself while we asked.
    return result ?? (this.#end as End | null)?.result ?? null;
  }

  #tell(): void {
    if (this.#end === null || this.#stopping !== null) return;
    this.#stopping = Promise.resolve(this.#end.result);
    try {
      this.#listener.onEnded(this.#end.reason, this.#end.result);
    } catch (error) {
      this.#host.onListenerError(this.recordingId, error);
    }
  }
}
