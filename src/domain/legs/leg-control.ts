/**
 * What REST and the session rules ask of live legs. Asynchronous and of plain data throughout: a session's legs may be looked
 * after elsewhere than where they are asked of. What a door asks for a leg of its own is `leg-admission.ts`.
 */
import type { CallerVerification } from '../participants/caller-verification.js';
import type { CallHeaders } from '../participants/call-headers.js';
import type { Caller } from '../participants/caller.js';
import type { Participant } from '../participants/participant.js';
import type { LegKind, MediaLegStatistics, MediaStreamInfo } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { LegState } from './door-leg.js';
import type { SessionMessage } from './session-routes.js';

/** A live leg as others see it. */
export interface LegDescription {
  readonly legId: string;
  readonly participantId: string;
  readonly sessionId: string | null;
  /** Null until its media is open. */
  readonly kind: LegKind | null;
  readonly door: string;
  readonly callId: string;
  /** The trunk that the call came from; null where it is of none. */
  readonly trunkId: string | null;
  /** As far as it may be shown. */
  readonly caller: Caller | null;
  /** What the call's signature says of the caller; null where nobody looked. */
  readonly stir: CallerVerification | null;
  /** Header fields that its trunk shows; null where there are none. */
  readonly headers: CallHeaders | null;
  readonly state: LegState;
  /** Milliseconds since the epoch; null until answered. */
  readonly answeredAt: number | null;
  readonly isHeld: boolean;
  readonly streams: readonly MediaStreamInfo[];
  /** Counted so far; null before its media is open, and where its media worker does not say. */
  readonly statistics: MediaLegStatistics | null;
}

/** A live stream of a session, as moderators see it. */
export interface StreamDescription {
  readonly stream: MediaStreamInfo;
  readonly legId: string;
  readonly legKind: LegKind | null;
  /** Who publishes it. */
  readonly participantId: string;
  readonly displayName: string | null;
  readonly isMuted: boolean;
  /** Ids of the participants that receive it now. */
  readonly receivers: readonly string[];
}

export interface LegControl {
  /** The account's live legs. */
  list(accountId: string): Promise<readonly LegDescription[]>;
  /** `gone` where the account has no such live leg. Resolves when the slot is free. */
  terminate(accountId: string, legId: string, outcome: Outcome): Promise<'ended' | 'gone'>;
  /** The live streams of a session, in the order their publishers joined. */
  streams(sessionId: string): Promise<readonly StreamDescription[]>;
  /** `too-long`: see maxMessageOctets. `gone`: the sender is not in the session, or nobody is. */
  sendMessage(message: SessionMessage): Promise<'sent' | 'too-long' | 'gone'>;
  /** What the participant's leg publishes to its session; nothing where it has none. */
  streamsOf(participantId: string): Promise<readonly MediaStreamInfo[]>;

  /** An application changed the participant: its session, subscriptions, mutes, permissions or name. Holds when resolved. */
  participantChanged(participant: Participant): Promise<void>;
  /** Ends the participant's leg; resolves before its far end has heard of it. */
  participantDeleted(participant: Participant): Promise<void>;
  /** What belongs to the session alone, its recordings, ends. Called before it is deleted, and once more after. */
  sessionEnding(sessionId: string): Promise<void>;
  /** `formerMembers` as they are now: without a session. Phones are ended, browsers stay connected. */
  sessionDeleted(formerMembers: readonly Participant[]): Promise<void>;
}
