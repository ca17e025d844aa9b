/** The codes of all errors that the HTTP API answers, each with its status and its meaning: docs/reference/errors.md is made of this table. */
import type { DomainErrorCode } from '../domain/domain-error.js';

/** What is wrong with a request before the rules of the product are asked, or with the gateway. */
export type RequestErrorCode =
  | 'invalid-request'
  | 'unreadable-request'
  | 'expectation-failed'
  | 'unauthorized'
  | 'wrong-account'
  | 'webhook-not-genuine'
  | 'route-not-found'
  | 'leg-not-found'
  | 'phone-call-not-found'
  | 'ban-not-found'
  | 'file-gone'
  | 'hook-not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'body-too-large'
  | 'path-too-long'
  | 'unsupported-media-type'
  | 'range-not-satisfiable'
  | 'too-many-failures'
  | 'headers-too-large'
  | 'internal-error'
  | 'too-many-phone-calls'
  | 'too-many-connections'
  | 'too-many-event-streams'
  | 'stopping';

export type ErrorCode = RequestErrorCode | DomainErrorCode;

export interface ErrorCodeRow {
  readonly status: number;
  /** A sentence for the reference page. */
  readonly meaning: string;
}

function row(status: number, meaning: string): ErrorCodeRow {
  return { status, meaning };
}

const requestErrors: Readonly<Record<RequestErrorCode, ErrorCodeRow>> = {
  'invalid-request': row(
    400,
    'A value in the path, the query, a header or the body is not what it must be, or is not known; `field` names it.',
  ),
  'unreadable-request': row(
    400,
    'The request is not HTTP, its body is not JSON, or its path is badly escaped.',
  ),
  unauthorized: row(401, 'The user name or the password is missing or wrong.'),
  'wrong-account': row(
    403,
    'The credentials are those of another account, or no account runs the gateway (`operatorAccount`).',
  ),
  'webhook-not-genuine': row(
    403,
    'A hook’s request bears no valid proof that its platform sent it, or is too old, or there is no such hook.',
  ),
  'route-not-found': row(404, 'There is nothing at this path.'),
  'leg-not-found': row(404, 'No live leg of the account has this id.'),
  'phone-call-not-found': row(404, 'The console’s test caller has no such call.'),
  'ban-not-found': row(404, 'No such source is banned.'),
  'file-gone': row(404, 'The file of the recording is no longer there.'),
  'hook-not-found': row(404, 'There is no such platform, or the request came from a gateway.'),
  'method-not-allowed': row(405, 'The path takes other methods: the header `Allow` names them.'),
  'request-timeout': row(408, 'The request did not arrive in time.'),
  'body-too-large': row(413, 'The body is larger than `http.bodyLimitBytes`.'),
  'path-too-long': row(414, 'A part of the path is too long.'),
  'unsupported-media-type': row(415, 'The body is of a media type that the operation does not take.'),
  'range-not-satisfiable': row(416, 'The file has no such range.'),
  'expectation-failed': row(417, 'The header `Expect` asks for something else than `100-continue`.'),
  'too-many-failures': row(429, 'Too many wrong credentials came from this address: wait for `Retry-After`.'),
  'too-many-connections': row(
    429,
    'As many WebSockets are open from this address as `http.maxConnectionsPerAddress` allows.',
  ),
  'headers-too-large': row(431, 'The header fields are too large.'),
  'internal-error': row(500, 'A fault of the gateway’s: its log has the details under the `requestId`.'),
  'too-many-phone-calls': row(503, 'The console’s test caller makes as many calls as it may.'),
  'too-many-event-streams': row(503, 'As many event streams are open as may be.'),
  stopping: row(503, 'The gateway is stopping and takes no more requests.'),
};

const domainErrors: Readonly<Record<DomainErrorCode, ErrorCodeRow>> = {
  'session-not-found': row(404, 'The account has no such session.'),
  'participant-not-found': row(404, 'The account has no such participant.'),
  'participant-not-in-session': row(404, 'The participant is not in this session.'),
  'participant-in-other-session': row(409, 'The participant is in another session: remove it there first.'),
  'session-full': row(
    409,
    'The session has as many participants as `sessions.maxParticipantsPerSession` allows.',
  ),
  'invalid-subscriptions': row(
    400,
    'The subscriptions name another session than the one the participant is in.',
  ),
  'stream-not-found': row(404, 'The participant publishes no such stream.'),
  'too-many-attributes': row(400, 'The participant would have too many attributes.'),
  'too-many-muted-streams': row(409, 'The participant has as many muted aliases as it may.'),
  'too-many-explanations': row(
    429,
    'The account had as many calls explained in this minute as `sip.explanationsPerMinute` allows.',
  ),
  'trace-not-found': row(404, 'The account has no such trace.'),
  'too-many-traces': row(409, 'The account has as many traces as `trace.maxTraces` allows.'),
  'webhook-not-found': row(404, 'The account has no such webhook.'),
  'webhook-url-refused': row(400, 'Nothing may be sent to this URL: the text says why.'),
  'too-many-webhooks': row(409, 'The account has as many webhooks as it may.'),
  'transfer-not-found': row(404, 'The account has no such transfer.'),
  'transfer-key-reused': row(409, 'The idempotency key was used for another transfer.'),
  'number-not-found': row(404, 'The account has no such number.'),
  'number-unusable': row(400, 'The number’s settings do not go together: the text says which and why.'),
  'number-taken': row(409, 'The number is in use already.'),
  'pin-not-found': row(404, 'The number has no such PIN.'),
  'pin-unusable': row(400, 'The number asks for no PIN, or the PIN is not of 4 to 12 digits.'),
  'pin-taken': row(409, 'The number has this PIN already, or as many as it may.'),
  'trunk-not-found': row(404, 'The account has no such trunk.'),
  'trunk-unusable': row(
    400,
    'The trunk’s settings are wrong, or do not go together: the text says which and why.',
  ),
  'trunk-key-reused': row(409, 'The idempotency key was used for another trunk.'),
  'trunk-username-taken': row(409, 'Another trunk, perhaps of another account, has this user name.'),
  'too-many-trunks': row(409, 'The account has as many trunks as `trunks.maxPerAccount` allows.'),
  'participant-not-connected': row(409, 'The participant has no live leg.'),
  'not-a-phone': row(409, 'The participant is not connected by phone.'),
  'sound-not-found': row(404, 'The account has no such sound.'),
  'sound-invalid': row(400, 'The file is no WAV file that can be played: the text says why.'),
  'sound-too-large': row(413, 'The sound lasts longer than `sounds.maxSeconds`.'),
  'sound-unusable': row(409, 'The stored sound cannot be played: the text says why.'),
  'too-many-sounds': row(409, 'The account has as many sounds as it may.'),
  'too-many-uploads': row(503, 'As many sounds are being uploaded as may be at once.'),
  'playback-not-found': row(404, 'No such sound is being played to the participant.'),
  'too-many-playbacks': row(503, 'As many sounds are being played as may be at once.'),
  'dtmf-unusable': row(400, 'These keys cannot be pressed: an unknown key, or it would take too long.'),
  'dtmf-not-possible': row(409, 'The phone takes no key presses.'),
  'dtmf-refused': row(409, 'The phone refused a key: it and those after it were not taken.'),
  'dtmf-busy': row(409, 'Too many keys wait to be sent to the phone.'),
  'dtmf-key-reused': row(409, 'The idempotency key was used for other keys.'),
  'phone-on-hold': row(409, 'The phone holds the call: keys were not sent, or not all of them.'),
  'recording-not-found': row(404, 'The account has no such recording.'),
  'recording-running': row(409, 'The recording goes on: stop it first.'),
  'recording-key-reused': row(409, 'The idempotency key was used for another recording.'),
  'recording-off': row(409, 'This gateway records nothing: `recordings.maxAtOnce` is 0.'),
  'recording-limit': row(409, 'The account keeps as many recordings as `recordings.maxPerAccount` allows.'),
  'recording-quota': row(
    507,
    'The account’s recordings together are as large as `recordings.maxBytesPerAccount` allows.',
  ),
  'too-many-recordings': row(503, 'As many recordings go on as may at once.'),
  'media-overloaded': row(503, 'No media worker can do this at the moment.'),
  'disk-full': row(507, 'The disk has no room for it.'),
  'store-unavailable': row(503, 'The store cannot be reached, and nothing was changed; the log says why.'),
};

/** Every code there is. */
export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeRow>> = { ...requestErrors, ...domainErrors };

export function statusOf(code: ErrorCode): number {
  return errorCodes[code].status;
}
