/** Recordings of sessions, and of single participants in them: what is kept of each, and the ports of their store and files. */
import type { RecordingFormat, RecordingResult } from '../media-plane.js';
import type { RecordingReason } from '../outcome.js';

/**
 *   recording ──► completed   the file holds what was to be recorded, as far as it was
 *       └───────► failed      the file holds less than it should, or there is none
 */
export type RecordingState = 'recording' | 'completed' | 'failed';

const failures: ReadonlySet<RecordingReason> = new Set([
  'disk-full',
  'media-lost',
  'gateway-restarted',
  'file-lost',
  'internal-error',
]);

export function stateAfter(reason: RecordingReason): 'completed' | 'failed' {
  return failures.has(reason) ? 'failed' : 'completed';
}

export interface Recording {
  readonly id: string;
  readonly accountId: string;
  readonly sessionId: string;
  /** The one participant that is recorded, what it says and what it hears; null: the whole session. */
  readonly participantId: string | null;
  readonly tag: string | null;
  readonly format: RecordingFormat;
  readonly state: RecordingState;
  /** Null while it goes on. */
  readonly reason: RecordingReason | null;
  /** Null while it goes on, and where a file that was cut off does not say. */
  readonly durationMs: number | null;
  /** Size of the file; 0 while the recording goes on. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Repeated requests with the same key are one. */
  readonly key: string | null;
}

export interface RecordingEnd {
  readonly reason: RecordingReason;
  readonly durationMs: number | null;
  readonly bytes: number;
  readonly endedAt: number;
}

export interface RecordingQuery {
  readonly accountId: string;
  readonly sessionId?: string | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: number | undefined;
}

export interface RecordingPage {
  /** Newest first. */
  readonly recordings: readonly Recording[];
  /** Where the next page begins; null where there is none. */
  readonly next: number | null;
}

export type ClaimRecordingResult =
  | { readonly result: 'claimed' }
  /** The key was used before. */
  | { readonly result: 'existing'; readonly recording: Recording }
  | { readonly result: 'no-session' | 'too-many' };

/** Every method is atomic and rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface RecordingStore {
  /** Keeps a recording that begins on the node, where its session is there and the account has fewer than `limit`. */
  claimRecording(recording: Recording, nodeId: string, limit: number): Promise<ClaimRecordingResult>;
  getRecording(accountId: string, recordingId: string): Promise<Recording | null>;
  findRecordingByKey(accountId: string, key: string): Promise<Recording | null>;
  listRecordings(query: RecordingQuery): Promise<RecordingPage>;
  /** A recording that has ended already keeps its first end, unless its file was lost since. Null where there is no such recording. */
  endRecording(recordingId: string, end: RecordingEnd): Promise<Recording | null>;
  /** Resolves with what was deleted, or null. */
  deleteRecording(accountId: string, recordingId: string): Promise<Recording | null>;
  /** Bytes of the account's recordings that have ended. */
  recordedBytes(accountId: string): Promise<number>;
  /** The recordings of every account that an earlier life of the node left going on. */
  listRunningRecordings(nodeId: string): Promise<readonly Recording[]>;
  /** The recordings of every account in the order of their ids, from the first after `afterId`. */
  scanRecordings(afterId: string, limit: number): Promise<readonly Recording[]>;
  /** The recordings of every account that ended before, oldest first. */
  listRecordingsEndedBefore(before: number, limit: number): Promise<readonly Recording[]>;
}

export interface RecordingFile {
  readonly recordingId: string;
  readonly format: RecordingFormat;
}

/** Where the recordings' files are. They are named by id and format alone. */
export interface RecordingFiles {
  /** An absolute path. */
  path(file: RecordingFile): string;
  /** How many bytes the disk has left for us. */
  freeBytes(): Promise<number>;
  /** What a file holds, also one that was cut off; `durationMs` is null where it does not say. Null where there is none. */
  inspect(
    file: RecordingFile,
  ): Promise<(Omit<RecordingResult, 'durationMs'> & { durationMs: number | null }) | null>;
  /** Resolves when its removal will survive the process; no effect where there is none. */
  remove(file: RecordingFile): Promise<void>;
  /** All files that are there, whoever made them. */
  list(): Promise<readonly RecordingFile[]>;
}
