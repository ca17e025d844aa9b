/** A REST operation as one value: what it is called, what it takes and answers, what it does. Routes and OpenAPI are made of these. */
import { z } from 'zod';
import { InvalidRequest } from './rest-error.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the OpenAPI document tells of an operation. */
export interface OperationDescription {
  readonly operationId: string;
  readonly method: Method;
  /** After `/v1/accounts/{accountId}`, with `{name}` for parameters. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: z.ZodObject;
  readonly query?: z.ZodObject;
  /** It may bear an `Idempotency-Key`. */
  readonly takesIdempotencyKey?: boolean;
  /** The schema says whether a body is required: an empty one is `undefined` to it. */
  readonly body?: z.ZodType;
  /** The body is not JSON but of one of these media types, and is handed on as a stream. */
  readonly upload?: readonly string[];
  readonly success: OperationSuccess;
  /** Statuses of errors beside 400, 401, 403, 429, 500 and 503, which any operation may answer. */
  readonly errors: readonly (404 | 409 | 416 | 507)[];
}

export interface OperationSuccess {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Default `application/json`. */
  readonly mediaType?: string;
  /** A FileAnswer, of one of these media types. */
  readonly download?: readonly string[];
}

export interface RawRequest {
  readonly accountId: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** As the header has it. */
  readonly idempotencyKey?: string | undefined;
}

export interface Operation extends OperationDescription {
  /** Resolves with the body of the answer. Throws InvalidRequest, RestError and DomainError. */
  run(request: RawRequest): Promise<unknown>;
}

export interface OperationRequest<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  readonly accountId: string;
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  /** Null where there is none. */
  readonly idempotencyKey: string | null;
}

export interface OperationDefinition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> extends OperationDescription {
  readonly params: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (request: OperationRequest<P, Q, B>) => Promise<unknown>;
}

export function defineOperation<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  definition: OperationDefinition<P, Q, B>,
): Operation {
  const { handle, ...description } = definition;
  const body: z.ZodType = definition.body ?? z.unknown();
  const query: z.ZodObject = definition.query ?? z.object({});
  return {
    ...description,
    async run(request) {
      return handle({
        accountId: request.accountId,
        params: validate<P>(definition.params, request.params),
        query: validate(query, request.query) as z.output<Q>,
        body: validate(body, request.body) as z.output<B>,
        idempotencyKey: readIdempotencyKey(definition, request.idempotencyKey),
      });
    },
  };
}

function readIdempotencyKey(
  { takesIdempotencyKey }: OperationDescription,
  given: string | undefined,
): string | null {
  if (takesIdempotencyKey !== true || given === undefined) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(given)) {
    throw new InvalidRequest('Idempotency-Key', 'must be 1 to 255 printable ASCII characters without spaces');
  }
  return given;
}

/** Throws InvalidRequest, which names the first thing that is wrong. */
export function validate<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join('.') ?? '';
  const message = (issue?.message ?? 'invalid').replace(/^Invalid (input|option): /, '');
  if (path === '') throw new InvalidRequest(null, `The request body is invalid: ${message}`);
  throw new InvalidRequest(path, message);
}
