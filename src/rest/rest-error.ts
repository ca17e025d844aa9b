/**
 * Errors as HTTP shows them: `{error, code, requestId}`, and `field` where a value in the request is wrong. 401 and 403 also
 * have `message`, the one field that Bandwidth's API gives them.
 */
import { DomainError } from '../domain/domain-error.js';
import { statusOf, type ErrorCode } from './error-codes.js';

export interface RestErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The value in the request that is wrong. */
  readonly field?: string;
}

/** An error with a code of the table, which gives it its status. */
export class RestError extends Error {
  override readonly name: string = 'RestError';
  readonly headers: Readonly<Record<string, string>>;
  readonly field: string | null;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { headers = {}, field }: RestErrorOptions = {},
  ) {
    super(message);
    this.headers = headers;
    this.field = field ?? null;
  }

  get status(): number {
    return statusOf(this.code);
  }
}

/** Names the value that is wrong: `tag`, `participants.0.participantId`, `Idempotency-Key`; null where it is the whole body. */
export class InvalidRequest extends RestError {
  override readonly name = 'InvalidRequest';
  constructor(field: string | null, why: string) {
    const isWhole = field === null;
    super('invalid-request', isWhole ? why : `${field}: ${why}`, isWhole ? {} : { field });
  }
}

export interface ErrorBody {
  readonly error: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly field?: string;
  /** The same as `error`. */
  readonly message?: string;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

/** What is not one of our own errors and not the client's fault is answered 500 without a detail. */
export function describeError(error: unknown, requestId: string): ErrorAnswer {
  const { code, message, headers, field } = toRestError(error);
  const status = statusOf(code);
  const isBandwidths = status === 401 || status === 403;
  return {
    status,
    headers,
    body: {
      error: message,
      code,
      requestId,
      ...(field === null ? {} : { field }),
      ...(isBandwidths ? { message } : {}),
    },
  };
}

function toRestError(error: unknown): RestError {
  if (error instanceof RestError) return error;
  if (error instanceof DomainError) {
    const status = statusOf(error.code);
    // What is left of a body that is too large nobody reads.
    const headers: Record<string, string> =
      status === 503
        ? { 'retry-after': '1' }
        : status === 429
          ? { 'retry-after': '60' }
          : status === 413
            ? { connection: 'close' }
            : {};
    return new RestError(error.code, error.message, { headers });
  }
  const status = clientErrorStatus(error);
  return status === null
    ? new RestError('internal-error', 'Internal server error')
    : (frameworkErrors[status] ?? unreadable(error));
}

function unreadable(error: unknown): RestError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return new RestError('unreadable-request', unreadableWords[code] ?? 'The request cannot be read');
}

/** By Fastify's codes. */
const unreadableWords: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The request path is badly escaped',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The request body is not as long as Content-Length says',
};

/** Our words for what Fastify refuses before a handler runs. */
const frameworkErrors: Readonly<Record<number, RestError>> = {
  404: new RestError('route-not-found', 'There is nothing at this path'),
  413: new RestError('body-too-large', 'The request body is too large'),
  414: new RestError('path-too-long', 'The request path is too long'),
  415: new RestError('unsupported-media-type', 'Unsupported media type: send application/json'),
  416: new RestError('range-not-satisfiable', 'The file has no such range'),
};

function clientErrorStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}
