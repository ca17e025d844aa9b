/** Errors as HTTP shows them: `{error, requestId}`, except 401, 403 and 429, which are `{message}` as at Bandwidth. */
import { DomainError, type DomainErrorCode } from '../domain/domain-error.js';

export class RestError extends Error {
  override readonly name: string = 'RestError';
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export class InvalidRequest extends RestError {
  override readonly name = 'InvalidRequest';
  constructor(message: string) {
    super(400, message);
  }
}

const domainStatus: Readonly<Record<DomainErrorCode, number>> = {
  'session-not-found': 404,
  'participant-not-found': 404,
  'participant-not-in-session': 404,
  'participant-in-other-session': 409,
  'session-full': 409,
  'invalid-subscriptions': 400,
  'stream-not-found': 404,
  'too-many-attributes': 400,
  'too-many-muted-streams': 409,
  'webhook-not-found': 404,
  'webhook-url-refused': 400,
  'too-many-webhooks': 409,
  'transfer-not-found': 404,
  'transfer-key-reused': 409,
  'number-not-found': 404,
  'number-unusable': 400,
  'number-taken': 409,
  'pin-not-found': 404,
  'pin-unusable': 400,
  'pin-taken': 409,
  'participant-not-connected': 409,
  'not-a-phone': 409,
  'sound-not-found': 404,
  'sound-invalid': 400,
  'sound-too-large': 413,
  'sound-unusable': 409,
  'too-many-sounds': 409,
  'too-many-uploads': 503,
  'playback-not-found': 404,
  'too-many-playbacks': 503,
  'dtmf-unusable': 400,
  'dtmf-not-possible': 409,
  'dtmf-refused': 409,
  'dtmf-busy': 409,
  'dtmf-key-reused': 409,
  'phone-on-hold': 409,
  'recording-not-found': 404,
  'recording-running': 409,
  'recording-key-reused': 409,
  'recording-off': 409,
  'recording-limit': 409,
  'recording-quota': 507,
  'too-many-recordings': 503,
  'media-overloaded': 503,
  'disk-full': 507,
  'store-unavailable': 503,
};

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string; readonly requestId: string } | { readonly message: string };
}

export function formatError(status: number, message: string, requestId: string): ErrorAnswer['body'] {
  return status === 401 || status === 403 || status === 429 ? { message } : { error: message, requestId };
}

/** What is not one of our own errors and not the client's fault is answered 500 without a detail. */
export function describeError(error: unknown, requestId: string): ErrorAnswer {
  if (error instanceof RestError) {
    return {
      status: error.status,
      headers: error.headers,
      body: formatError(error.status, error.message, requestId),
    };
  }
  if (error instanceof DomainError) {
    const status = domainStatus[error.code];
    // What is left of a body that is too large nobody reads.
    const headers: Record<string, string> =
      status === 503 ? { 'retry-after': '1' } : status === 413 ? { connection: 'close' } : {};
    return { status, headers, body: formatError(status, error.message, requestId) };
  }
  const status = clientErrorStatus(error);
  if (status !== undefined) {
    return {
      status,
      headers: {},
      body: formatError(status, clientErrorMessages[status] ?? 'Bad request', requestId),
    };
  }
  return { status: 500, headers: {}, body: formatError(500, 'Internal server error', requestId) };
}

/** Our words for what Fastify refuses before a handler runs. */
const clientErrorMessages: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  413: 'The request body is too large',
  414: 'The request path is too long',
  415: 'Unsupported media type: send application/json',
};

function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
