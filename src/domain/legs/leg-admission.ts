/**
 * What a door asks for a far end that has come to it. Door and leg hold each other from then on (`LegSignalling`, `DoorLeg`):
 * an implementation that admits on another node must stand in for both.
 */
import type { CallerVerification } from '../participants/caller-verification.js';
import type { CallHeaders } from '../participants/call-headers.js';
import type { Caller } from '../participants/caller.js';
import type { Credential } from '../participants/token.js';
import type { LegAttendant } from './leg-attendant.js';
import type { DoorLeg, LegSignalling } from './door-leg.js';

export interface AdmitRequest {
  readonly credential: Credential | null;
  readonly door: string;
  readonly callId: string;
  /** The client's own id, by which its signalling may come back to the leg. Default: the leg ends with its signalling. */
  readonly clientId?: string | null;
  readonly voiceCallId: string | null;
  /** The trunk that the call came from. Default null: it is of none. */
  readonly trunkId?: string | null;
  /** Who calls, as the network says. */
  readonly caller?: Caller | null;
  /** What the call's signature says of the caller. Default null: nobody looked. */
  readonly stir?: CallerVerification | null;
  /** Header fields of the call that its trunk shows. Default null: none. */
  readonly headers?: CallHeaders | null;
  /** Where the request came from, for the limit on guesses; where anybody may have written the address, a name that says so. */
  readonly source: string;
  readonly signalling: LegSignalling;
  /** Looks after the leg until it is in a session. Learns of the leg's end also where it is not admitted. */
  readonly attendant?: LegAttendant | null;
}

/** A call that is to take a leg over from the call that it has. Who may do that is the door's to know. */
export interface SuccessionRequest {
  readonly callId: string;
  readonly voiceCallId: string | null;
  readonly trunkId: string | null;
  readonly caller: Caller | null;
  readonly stir: CallerVerification | null;
  readonly headers: CallHeaders | null;
  readonly signalling: LegSignalling;
}

export interface LegAdmission {
  /** The id of the participant that a credential stands for, whether or not its slot is free. Throws Refusal. */
  identify(credential: Credential | null, source: string): Promise<string>;
  /** Turns a credential into a leg that holds the participant's slot. Allocates no media. Throws Refusal. */
  admit(request: AdmitRequest): Promise<DoorLeg>;
  /**
   * The leg, as a call has it that takes it over when its far end has confirmed; until then the leg is as it was. Throws Refusal:
   * `participant-gone` where the leg is, `participant-occupied` where it cannot be taken over now.
   */
  succeed(legId: string, request: SuccessionRequest): Promise<DoorLeg>;
}
