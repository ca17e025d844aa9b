/** What the rules forbid, as codes. */

/** Which rule it was. REST gives each code its status. */
export type DomainErrorCode =
  | 'session-not-found'
  | 'participant-not-found'
  | 'participant-not-in-session'
  | 'participant-in-other-session'
  | 'session-full'
  | 'invalid-subscriptions'
  | 'stream-not-found'
  | 'too-many-attributes'
  | 'too-many-muted-streams'
  | 'too-many-explanations'
  | 'trace-not-found'
  | 'too-many-traces'
  | 'webhook-not-found'
  | 'webhook-url-refused'
  | 'too-many-webhooks'
  | 'transfer-not-found'
  | 'transfer-key-reused'
  | 'number-not-found'
  | 'number-unusable'
  | 'number-taken'
  | 'pin-not-found'
  | 'pin-unusable'
  | 'pin-taken'
  | 'trunk-not-found'
  | 'trunk-unusable'
  | 'trunk-key-reused'
  | 'too-many-trunks'
  | 'trunk-username-taken'
  | 'participant-not-connected'
  | 'not-a-phone'
  | 'sound-not-found'
  | 'sound-invalid'
  | 'sound-too-large'
  | 'sound-unusable'
  | 'too-many-sounds'
  | 'too-many-uploads'
  | 'playback-not-found'
  | 'too-many-playbacks'
  | 'dtmf-unusable'
  | 'dtmf-not-possible'
  | 'dtmf-refused'
  | 'dtmf-busy'
  | 'dtmf-key-reused'
  | 'phone-on-hold'
  | 'recording-not-found'
  | 'recording-running'
  | 'recording-key-reused'
  | 'recording-off'
  | 'recording-limit'
  | 'recording-quota'
  | 'too-many-recordings'
  | 'media-overloaded'
  | 'disk-full'
  | 'store-unavailable';

/** An operation that the rules forbid. Nothing was changed when one is thrown. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  constructor(
    readonly code: DomainErrorCode,
    message: string,
  ) {
    super(message);
  }
}
