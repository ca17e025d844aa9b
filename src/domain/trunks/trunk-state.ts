/** The state of a trunk’s outbound side, its registration and its pings. It lives in memory only. */
import type { Trunk } from './trunk.js';

/**
 * `unregistered`: nothing was asked for, or it was given back. `failed`: it is tried again soon. `refused`: the registrar does
 * not want us; it is tried again much later.
 */
export type RegistrationStatus = 'unregistered' | 'registering' | 'registered' | 'failed' | 'refused';

/** Why a trunk's server gave us nothing. */
export type TrunkFailureCode =
  /** It answered nothing, or cannot be reached. */
  | 'no-answer'
  /** It cannot now. */
  | 'unavailable'
  /** It does not want us, whoever we are. */
  | 'refused'
  /** It believes neither name nor password. */
  | 'authentication-failed'
  /** It asks for a password and there is none, or it asks in a way, or for a realm, that is not answered. */
  | 'challenge-not-answered'
  /** It wants a longer interval than we ask for. */
  | 'interval-refused'
  /** It said yes, and keeps nothing. */
  | 'nothing-granted';

export interface TrunkFailure {
  readonly code: TrunkFailureCode;
  /** Null where nothing came. */
  readonly sipStatus: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface RegistrationState {
  readonly status: RegistrationStatus;
  /** The host of the target that registered us; null while none has. */
  readonly target: string | null;
  /** Milliseconds since the epoch; null where nothing is registered. */
  readonly expiresAt: number | null;
  /** When the registrar is asked next; null: now, or never. */
  readonly nextAt: number | null;
  /** What came of the last attempt; null where it succeeded. */
  readonly failure: TrunkFailure | null;
}

/** `unknown`: it was not asked often enough yet. */
export type TargetStatus = 'unknown' | 'up' | 'down';

export interface TargetState {
  /** `sip:host:port;transport=…`, what the trunk says of it. */
  readonly target: string;
  readonly status: TargetStatus;
  /** When it became that, milliseconds since the epoch; null while it is unknown. */
  readonly since: number | null;
  /** What it answered last; null where nothing came in time, or it was not asked. */
  readonly lastStatus: number | null;
}

export interface TrunkState {
  /** Null where the trunk wants none. */
  readonly registration: RegistrationState | null;
  /** Those that are pinged. */
  readonly targets: readonly TargetState[];
}

/** Whoever goes to the trunks. */
export interface TrunkStates {
  /** Null where nothing is done for the trunk by itself. */
  stateOf(trunkId: string): TrunkState | null;
}

/** Told of trunks as they come, change and go. */
export interface TrunkWatcher {
  /** It was made or changed; it may be off. */
  trunkPut(trunk: Trunk): void;
  trunkRemoved(trunkId: string): void;
}
