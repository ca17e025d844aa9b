/** Why a leg was not admitted. The code is the reason text that the caller's side is shown (docs/reference/refusals.md). */
export type RefusalCode =
  | 'token-missing'
  | 'token-invalid'
  | 'token-expired'
  | 'token-used'
  | 'participant-gone'
  | 'participant-occupied'
  | 'session-full'
  | 'no-common-codec'
  | 'bad-sdp'
  | 'draining'
  | 'overloaded';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: RefusalCode,
    /** For the log only: never the credential itself. */
    readonly detail?: string,
  ) {
    super(code);
  }
}
