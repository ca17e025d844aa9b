/** What is kept of each leg after its end. */
import type { Caller } from '../participants/caller.js';
import type { LegKind, MediaLegStatistics } from '../media-plane.js';
import type { Outcome } from '../outcome.js';

/** Times are milliseconds since the epoch; null is what did not happen, or not yet. */
export interface CallRecord {
  readonly legId: string;
  readonly accountId: string;
  /** The session it last joined, or was to join. */
  readonly sessionId: string | null;
  readonly sessionTag: string | null;
  readonly participantId: string;
  readonly participantTag: string | null;
  readonly door: string;
  readonly kind: LegKind | null;
  readonly callId: string;
  /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
  readonly clientId: string | null;
  readonly voiceCallId: string | null;
  /** As far as the account's privacy shows it. */
  readonly caller: Caller | null;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly establishedAt: number | null;
  /** When it first joined a session. */
  readonly joinedAt: number | null;
  readonly endedAt: number | null;
  /** From answer to end; null also where a restart hid when it ended. */
  readonly durationMs: number | null;
  readonly outcome: Outcome | null;
  /** Null also where the media worker died. */
  readonly statistics: MediaLegStatistics | null;
}

export type CallRecordChange =
  | {
      readonly change: 'started';
      readonly legId: string;
      readonly accountId: string;
      readonly sessionId: string | null;
      readonly participantId: string;
      readonly participantTag: string | null;
      readonly door: string;
      readonly callId: string;
      readonly clientId: string | null;
      readonly voiceCallId: string | null;
      readonly caller: Caller | null;
      readonly at: number;
    }
  | { readonly change: 'answered'; readonly legId: string; readonly kind: LegKind; readonly at: number }
  | { readonly change: 'established'; readonly legId: string; readonly at: number }
  | {
      readonly change: 'joined';
      readonly legId: string;
      readonly sessionId: string | null;
      readonly at: number;
    }
  | {
      readonly change: 'ended';
      readonly legId: string;
      readonly at: number;
      readonly durationMs: number | null;
      readonly outcome: Outcome;
    }
  | { readonly change: 'measured'; readonly legId: string; readonly statistics: MediaLegStatistics };

export interface CallRecordQuery {
  readonly accountId: string;
  readonly sessionId?: string | undefined;
  readonly participantId?: string | undefined;
  readonly legId?: string | undefined;
  /** The Call-ID, or what the door has for one. */
  readonly callId?: string | undefined;
  /** The voice platform's id of the call. */
  readonly voiceCallId?: string | undefined;
  /** Who called, exactly as the records show it. */
  readonly callerNumber?: string | undefined;
  /** Started at that time or later. */
  readonly from?: number | undefined;
  /** Started before that time. */
  readonly to?: number | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: number | undefined;
}

export interface CallRecordPage {
  /** Newest first. */
  readonly records: readonly CallRecord[];
  /** Where the next page begins; null where there is none. */
  readonly next: number | null;
}

/** Every method rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface CallRecordStore {
  /** All or nothing, in order; a change of a record that is not there is ignored, and so is one that was made before. */
  applyRecordChanges(changes: readonly CallRecordChange[]): Promise<void>;
  listRecords(query: CallRecordQuery): Promise<CallRecordPage>;
  /** The records of every account whose end is not known, oldest first. */
  listOpenRecords(): Promise<readonly CallRecord[]>;
  /** Removes at most `limit` that ended before; resolves with how many. */
  pruneRecords(before: number, limit: number): Promise<number>;
}
