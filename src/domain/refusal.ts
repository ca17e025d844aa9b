/** Why a leg was not admitted. The code is the reason text that the caller's side is shown (docs/reference/refusals.md). */
export type RefusalCode =
  | 'token-missing'
  | 'token-invalid'
  | 'token-expired'
  | 'token-used'
  | 'too-many-guesses'
  | 'no-trunk'
  | 'authentication-required'
  | 'authentication-failed'
  | 'unknown-number'
  | 'caller-not-allowed'
  | 'called-not-allowed'
  | 'trunk-limit'
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
  | 'overloaded';

const codes: Readonly<Record<RefusalCode, true>> = {
  'token-missing': true,
  'token-invalid': true,
  'token-expired': true,
  'token-used': true,
  'too-many-guesses': true,
  'no-trunk': true,
  'authentication-required': true,
  'authentication-failed': true,
  'unknown-number': true,
  'caller-not-allowed': true,
  'called-not-allowed': true,
  'trunk-limit': true,
  'identity-required': true,
  'identity-stale': true,
  'identity-unreachable': true,
  'identity-untrusted': true,
  'identity-invalid': true,
  'participant-gone': true,
  'participant-occupied': true,
  'session-full': true,
  'no-common-codec': true,
  'bad-sdp': true,
  draining: true,
  overloaded: true,
};

/** False for what is said of a call that no admission was asked for: a request that is wrong in its form, a hang-up. */
export function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(codes, code);
}

/** Whom a refusal concerns, as far as the credential or the number proves it. */
export interface RefusedParty {
  /** Whom a genuine credential stands for, which may have expired, and may be deleted. */
  readonly participantId?: string | null;
  /** Whose number was called. */
  readonly accountId?: string | null;
  /** The trunk that the call came from. */
  readonly trunkId?: string | null;
  /** The leg, where one was made before. */
  readonly legId?: string | null;
}

export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: RefusalCode,
    /** For the log and for records: never the credential itself. */
    readonly detail: string | null = null,
    readonly party: RefusedParty = {},
  ) {
    super(code);
  }
}
