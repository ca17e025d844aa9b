/** A phone call on its way from a voice platform into a session, and the ways to tell the platform where to send it. */
import type { MediaType } from '../media-plane.js';
import type { Participant, TokenUse } from '../participants/participant.js';
import type { Session } from '../participants/session.js';
import type { Subscriptions } from '../participants/subscriptions.js';
import type { TransferMove, TransferState } from './transfer-state.js';

export interface Transfer {
  readonly id: string;
  readonly accountId: string;
  /** A repeated request bears the same one; null where the request bears none. */
  readonly key: string | null;
  /** Tells requests of the same key apart that ask for different things. */
  readonly fingerprint: string;
  readonly participantId: string;
  readonly sessionId: string;
  /** The number by which the call came in, where it came by one of ours. */
  readonly numberId: string | null;
  readonly platform: string | null;
  /** The platform's id of the call. */
  readonly voiceCallId: string | null;
  readonly state: TransferState;
  /** The leg that carries the call, or carried it last. */
  readonly legId: string | null;
  /** Why it ended, in the platform's word where it gave one. */
  readonly cause: string | null;
  /** The participant was made for this call alone and goes with it. */
  readonly removesParticipant: boolean;
  /** Says which secret its join code was derived with. */
  readonly joinCodeHash: string;
  readonly createdAt: number;
  /** Until then its token and code work. Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface NewTransfer {
  /** Where the caller goes: a session, or a new one. */
  readonly destination:
    | { readonly sessionId: string }
    | { readonly newSession: { readonly tag: string | null } };
  readonly tag?: string | null;
  readonly displayName?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Missing: AUDIO. A phone has nothing else. */
  readonly publishPermissions?: readonly MediaType[];
  /** Missing: the whole session. */
  readonly subscriptions?: Subscriptions;
  readonly callbackUrl?: string | null;
  readonly voiceCallId?: string | null;
  readonly platform?: string | null;
  readonly numberId?: string | null;
  readonly tokenUse?: TokenUse;
  /** How long token and code work; missing: the configured time. */
  readonly ttlSeconds?: number;
  /** Makes repeated requests one. */
  readonly key?: string | null;
  readonly removesParticipant?: boolean;
}

/** A transfer with what the call shows to be let in. */
export interface OpenTransfer {
  readonly transfer: Transfer;
  readonly participant: Participant;
  readonly token: string;
  readonly joinCode: string;
}

export type ClaimTransferResult =
  | { readonly result: 'created'; readonly transfer: Transfer }
  /** There was one of the same key. */
  | { readonly result: 'existing'; readonly transfer: Transfer }
  | { readonly result: 'no-session' | 'session-full' };

export interface TransferClaim {
  readonly transfer: Transfer;
  /** Already a member of the transfer's session. */
  readonly participant: Participant;
  /** To be made with it; null where the session is there. */
  readonly session: Session | null;
  /** At most so many members of the session, this one included. */
  readonly limit: number;
}

/** What may change beside the state. */
export type TransferDetails = Pick<Transfer, 'legId' | 'cause' | 'removesParticipant'>;

/** Every method is atomic and rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface TransferStore {
  /** Makes transfer, participant, membership and session together, or nothing. One transfer per account and key. */
  claimTransfer(claim: TransferClaim): Promise<ClaimTransferResult>;
  getTransfer(accountId: string, transferId: string): Promise<Transfer | null>;
  findTransferByKey(accountId: string, key: string): Promise<Transfer | null>;
  findTransferByParticipant(participantId: string): Promise<Transfer | null>;
  /** Newest first. */
  listTransfers(accountId: string, limit: number): Promise<readonly Transfer[]>;
  /**
   * Makes the move (see transfer-state.ts) if the transfer's state has it, and the change with it. Resolves with the transfer
   * as it is now, or null where it was not moved.
   */
  moveTransfer(
    transferId: string,
    move: TransferMove,
    change?: Partial<TransferDetails>,
  ): Promise<Transfer | null>;
  /** Changes what is kept beside the state, if that is one of `states`. */
  amendTransfer(
    transferId: string,
    states: readonly TransferState[],
    change: Partial<TransferDetails>,
  ): Promise<void>;
  /** Those whose time was over by `now`, and that either never arrived or ended or expired with a participant of their own still there. */
  overdueTransfers(now: number, limit: number): Promise<readonly Transfer[]>;
  /**
   * Forgets those that ended and had expired by `before`, and those whose end nobody told that had expired a week before it:
   * at most `limit` of them. Resolves with how many.
   */
  purgeTransfers(before: number, limit: number): Promise<number>;
}

/** Where platforms send calls to. */
export interface SipAddress {
  /** `sip:join@host:port`, maybe with a transport. */
  readonly sipUri: string;
  /** `host:port` of it. */
  readonly sipHost: string;
  /** Null: the platform's default. */
  readonly sipTransport: 'udp' | 'tcp' | 'tls' | null;
  /** How long the platform waits for our answer. */
  readonly timeoutSeconds: number;
}

/** What a voice platform must be told to send a call here. */
export interface TransferTarget extends SipAddress {
  readonly token: string;
  readonly joinCode: string;
  readonly voiceCallId: string | null;
  /** Shown to the far end; a number, or null for the platform's default. */
  readonly callerId: string | null;
  /** Where the platform reports how it went; null: nowhere. */
  readonly completeUrl: string | null;
}

/** An answer as a platform takes it. */
export interface Instruction {
  readonly contentType: string;
  readonly body: string;
}

/** The platforms' ways to say "transfer"; the domain knows none of them. */
export interface TransferDialects {
  readonly platforms: readonly string[];
  /** Throws where the platform is not one of them. */
  format(platform: string, target: TransferTarget): Instruction;
}
