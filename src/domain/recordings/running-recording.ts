/** A recording that goes on: its media, what it receives, and its one end. */
import type { LiveLeg } from '../legs/live-leg.js';
import type { MediaRecording, RecordingResult } from '../media-plane.js';
import type { Recording, RecordingEnd } from './recording.js';

export class RunningRecording {
  readonly recording: Recording;
  /** The leg that alone is recorded; null: the whole session. */
  readonly leg: LiveLeg | null;
  readonly path: string;
  readonly maxBytes: number;
  /** Null where it never began. */
  readonly begun: Promise<MediaRecording | null>;
  #resolveBegun: (media: MediaRecording | null) => void = () => undefined;
  #media: MediaRecording | null = null;
  #ending: Promise<Recording | null> | null = null;
  #end: RecordingEnd | null = null;
  #receiving = '';
  #heard: ReadonlySet<string> = new Set();
  #size: RecordingResult = { durationMs: 0, bytes: 0 };

  constructor(recording: Recording, leg: LiveLeg | null, path: string, maxBytes: number) {
    this.recording = recording;
    this.leg = leg;
    this.path = path;
    this.maxBytes = maxBytes;
    this.begun = new Promise((resolve) => (this.#resolveBegun = resolve));
  }

  get hasBegun(): boolean {
    return this.#media !== null;
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** How it ended; null before. */
  get end(): RecordingEnd | null {
    return this.#end;
  }

  /** How large it is, as last measured. */
  get size(): RecordingResult {
    return this.#size;
  }

  began(media: MediaRecording): void {
    this.#media = media;
    this.#resolveBegun(media);
  }

  neverBegan(): void {
    this.#resolveBegun(null);
  }

  ended(end: RecordingEnd): void {
    this.#end = end;
    this.#size = { durationMs: end.durationMs ?? 0, bytes: end.bytes };
  }

  /** The first to end it decides how. */
  endOnce(finish: () => Promise<Recording | null>): Promise<Recording | null> {
    return (this.#ending ??= finish());
  }

  /** Notes who is heard now, and returns those who were not heard before. */
  newlyHeard(participantIds: readonly string[]): string[] {
    const before = this.#heard;
    this.#heard = new Set(participantIds);
    return [...this.#heard].filter((id) => !before.has(id));
  }

  /** Records these streams from now on. No effect before it has begun, and where nothing changes. */
  receive(streamIds: readonly string[], onError: (error: unknown) => void): void {
    const wanted = streamIds.join(' ');
    if (this.#media === null || this.isEnding || wanted === this.#receiving) return;
    this.#receiving = wanted;
    this.#media.receive(streamIds).catch(onError);
  }

  /** Asks the media how far it is. */
  async measure(): Promise<void> {
    const size = this.isEnding ? null : await this.#media?.size();
    if (size !== null && size !== undefined && !this.isEnding) this.#size = size;
  }
}
