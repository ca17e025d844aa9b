/** What went wrong, as a code that stays the same from version to version. The message is for people and may change. */

/** The gateway refused the connection; the code is the reason text it gave. */
export type RefusalCode =
  | 'token-missing'
  | 'token-invalid'
  | 'token-expired'
  | 'token-used'
  /** Too many wrong join codes came from this address; it passes within a minute. */
  | 'too-many-guesses'
  /** The gateway takes calls over trunks only, and this was none. */
  | 'no-trunk'
  /** The password of a trunk is missing. */
  | 'authentication-required'
  | 'authentication-failed'
  /** A trunk called a number that is not the account's. */
  | 'unknown-number'
  | 'caller-not-allowed'
  | 'called-not-allowed'
  /** The trunk has as many calls as it may, or they come too fast. */
  | 'trunk-limit'
  /** The signature for who calls (STIR, RFC 8224), which a trunk demands: missing, too old, out of reach, not trusted, false. */
  | 'identity-required'
  | 'identity-stale'
  | 'identity-unreachable'
  | 'identity-untrusted'
  | 'identity-invalid'
  | 'participant-gone'
  | 'participant-occupied'
  | 'session-full'
  | 'no-common-codec'
  | 'bad-sdp'
  | 'draining'
  | 'overloaded'
  /** Refused for a reason that this version of the SDK does not know; see `sipStatus` and the message. */
  | 'refused';

export type ClientErrorCode =
  | 'invalid-argument'
  /** The browser lacks WebRTC, or the page is no secure context (https or localhost). */
  | 'not-supported'
  | 'connection-failed'
  | 'timeout'
  | 'aborted'
  /** The connection is over. */
  | 'disconnected'
  /** The gateway and the browser could not agree on a change of media. */
  | 'negotiation-failed'
  /** The publication sends no audio, or the browser no keys. */
  | 'dtmf-not-possible'
  /** Another publication of this connection has the alias. */
  | 'alias-in-use'
  /** The stream has no live track, or more than one of a kind; or it is no longer published. */
  | 'invalid-stream'
  | 'microphone-denied'
  | 'microphone-missing'
  | 'microphone-failed'
  | 'camera-denied'
  | 'camera-missing'
  | 'camera-failed'
  | 'screen-denied'
  | 'screen-failed';

export type LandbridgeErrorCode = RefusalCode | ClientErrorCode;

export interface LandbridgeErrorDetails {
  /** SIP status of the gateway's refusal. */
  readonly sipStatus?: number;
  /** How long the gateway asks to wait before another attempt, in seconds. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class LandbridgeError extends Error {
  override readonly name: string = 'LandbridgeError';
  readonly code: LandbridgeErrorCode;
  readonly sipStatus: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: LandbridgeErrorCode, message: string, details: LandbridgeErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.sipStatus = details.sipStatus;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}
