/** A call that was not let in: what its door, or a hook, tells of it. No secret is part of it. */
import type { Caller } from '../participants/caller.js';

/** What is worth reading out of a request only where the call gets a record of its own. */
export interface RefusedCallDetails {
  /** The Call-ID, or what the door has for one. */
  readonly callId: string;
  readonly voiceCallId: string | null;
  /** As the network says; privacy is the recorder's business. */
  readonly caller: Caller | null;
  /** The telephone number that was called, as it was written. */
  readonly dialled: string | null;
  /** Null where it was refused in another way than by SIP. */
  readonly sipStatus: number | null;
  /** More of why; never a credential. */
  readonly detail: string | null;
}

export interface RefusedCall {
  readonly door: string;
  /** A RefusalCode, or what was wrong with the request, or `canceled`, or why a number takes no call. */
  readonly code: string;
  /** The address that it came from. */
  readonly source: string;
  /** Whom a genuine credential stood for. */
  readonly participantId: string | null;
  /** Whose it is, where no participant says so. */
  readonly accountId: string | null;
  /** The trunk that it came from, where it is of one. Default null. */
  readonly trunkId?: string | null;
  /** That of the leg, where one was made before the call was refused: then there is a record already. */
  readonly legId: string | null;
  readonly details: () => RefusedCallDetails;
}

/** Keeps what is told of refused calls. Cheap also in a flood; never throws. */
export interface RefusedCalls {
  refused(call: RefusedCall): void;
}
