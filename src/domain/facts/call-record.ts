/** What is kept of each leg after its end, and of calls that were refused. */
import type { CallerVerification } from '../participants/caller-verification.js';
import type { CallHeaders } from '../participants/call-headers.js';
import type { Caller } from '../participants/caller.js';
import type { LegKind, MediaLegStatistics } from '../media-plane.js';
import type { EndReason, Outcome } from '../outcome.js';

/** Why and how a call was refused. */
export interface RecordedRefusal {
  /** A RefusalCode, what was wrong with the request, `canceled`, or why a number takes no call. */
  readonly code: string;
  readonly detail: string | null;
  /** The address that it came from; null where the record stands for calls of many. */
  readonly source: string | null;
  /** The telephone number that was called, as it was written. */
  readonly dialled: string | null;
  /** How many calls the record stands for. */
  readonly calls: number;
}

/** Times are milliseconds since the epoch; null is what did not happen, or not yet. */
export interface CallRecord {
  /** The leg's; an id of its own for a call that was refused before it had a leg. */
  readonly legId: string;
  /** Null: a refused call that named nobody. */
  readonly accountId: string | null;
  /** The session it last joined, or was to join. */
  readonly sessionId: string | null;
  readonly sessionTag: string | null;
  /** Null: a refused call that named none. */
  readonly participantId: string | null;
  readonly participantTag: string | null;
  readonly door: string;
  readonly kind: LegKind | null;
  readonly callId: string;
  /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
  readonly clientId: string | null;
  readonly voiceCallId: string | null;
  /** The trunk that the call came from, which may be deleted; null where it was of none. */
  readonly trunkId: string | null;
  /** As far as the account's privacy shows it. */
  readonly caller: Caller | null;
  /** What the call's signature says of the caller; null where nobody looked, and of a call that was refused before it had a leg. */
  readonly stir: CallerVerification | null;
  /** Header fields that its trunk shows; null where there are none, and of a call that was refused before it had a leg. */
  readonly headers: CallHeaders | null;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly establishedAt: number | null;
  /** When it first joined a session. */
  readonly joinedAt: number | null;
  readonly endedAt: number | null;
  /** From answer to end; null also where a restart hid when it ended. */
  readonly durationMs: number | null;
  readonly outcome: Outcome | null;
  /** Null where it was not refused. */
  readonly refusal: RecordedRefusal | null;
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
      readonly trunkId: string | null;
      readonly caller: Caller | null;
      readonly stir: CallerVerification | null;
      readonly headers: CallHeaders | null;
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
  | { readonly change: 'measured'; readonly legId: string; readonly statistics: MediaLegStatistics }
  /** A leg that has a record was refused. */
  | {
      readonly change: 'refused';
      readonly legId: string;
      readonly sipStatus: number | null;
      readonly refusal: RecordedRefusal;
    }
  /** A call without a leg was refused; told again with the same id where the record stands for more calls. */
  | {
      readonly change: 'turned-away';
      readonly legId: string;
      readonly accountId: string | null;
      readonly sessionId: string | null;
      readonly participantId: string | null;
      readonly participantTag: string | null;
      readonly door: string;
      readonly callId: string;
      readonly voiceCallId: string | null;
      readonly trunkId: string | null;
      readonly caller: Caller | null;
      readonly outcome: Outcome;
      readonly refusal: RecordedRefusal;
      readonly at: number;
      /** When the last call that the record stands for ended. */
      readonly lastAt: number;
    };

export interface CallRecordQuery {
  readonly accountId: string;
  /** Also refused calls that named nobody. Default false. */
  readonly withNobodys?: boolean | undefined;
  readonly outcome?: EndReason | undefined;
  readonly sessionId?: string | undefined;
  readonly participantId?: string | undefined;
  readonly legId?: string | undefined;
  /** The Call-ID, or what the door has for one. */
  readonly callId?: string | undefined;
  /** The voice platform's id of the call. */
  readonly voiceCallId?: string | undefined;
  /** The trunk that the call came from. */
  readonly trunkId?: string | undefined;
  /** Who called: one of these, each exactly as records show it. */
  readonly callerNumbers?: readonly string[] | undefined;
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

/**
 * Keeps so many refused calls without a leg for each account, and as many of nobody's, as it was opened for; the oldest go. Every
 * method rejects with DomainError('store-unavailable') when the store cannot be reached.
 */
export interface CallRecordStore {
  /** All or nothing, in order; a change of a record that is not there is ignored, and so is one that was made before. */
  applyRecordChanges(changes: readonly CallRecordChange[]): Promise<void>;
  listRecords(query: CallRecordQuery): Promise<CallRecordPage>;
  /** The records of every account whose end is not known, oldest first. */
  listOpenRecords(): Promise<readonly CallRecord[]>;
  /** Removes at most `limit` that ended before; resolves with how many. */
  pruneRecords(before: number, limit: number): Promise<number>;
  /** Whose participant it was, by the record of an earlier leg; null where none tells. */
  formerAccount(participantId: string): Promise<string | null>;
}
