/** A REST operation as one value: what it is called, what it takes and answers, what it does. Routes and OpenAPI are made of these. */
import * as z from 'zod';
import { InvalidRequest } from './rest-error.js';
import { describeIssue } from '../validation/issue-words.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the OpenAPI document tells of an operation, but for the heading it stands under. */
interface OperationText {
  readonly operationId: string;
  readonly method: Method;
  /** After `/v1/accounts/{accountId}`, or `/v1/node`, with `{name}` for parameters. */
  readonly path: string;
  /** It is about the gateway itself, for its operator's account. Default: about what an account has. */
  readonly isOfNode?: boolean;
  readonly summary: string;
  readonly description?: string;
  /** Default none. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** It may bear an `Idempotency-Key`. */
  readonly takesIdempotencyKey?: boolean;
  /** The schema says whether a body is required: an empty one is `undefined` to it. */
  readonly body?: z.ZodType;
  /** The body may also be plain text, which is then the value of this field. */
  readonly textField?: string;
  /** The body is not JSON but of one of these media types, and is handed on as a stream. */
  readonly upload?: readonly string[];
  readonly success: OperationSuccess;
  /** Statuses of errors beside 400, 401, 403, 429, 500 and 503, which any operation may answer. Default none. */
  readonly errors?: readonly (404 | 409 | 416 | 507)[];
}

export interface OperationDescription extends OperationText {
  readonly tag: string;
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
  /** Our URL without a path, as the request names it. */
  readonly origin?: string;
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
  /** Our URL without a path, as the request names it. */
  readonly origin: string;
  /** Null where there is none. */
  readonly idempotencyKey: string | null;
}

export interface OperationDefinition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> extends OperationText {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (request: OperationRequest<P, Q, B>) => Promise<unknown>;
}

const nothing = z.object({});

/** What defines operations that stand under one heading. */
export function operationsOf(tag: string) {
  return function define<
    P extends z.ZodObject = z.ZodObject,
    Q extends z.ZodObject = z.ZodObject,
    B extends z.ZodType = z.ZodUnknown,
  >(definition: OperationDefinition<P, Q, B>): Operation {
    const { handle, ...description } = definition;
    const { params = nothing, query = nothing, body = z.unknown() } = description;
    // A misspelt filter would otherwise give everything. Made once: a schema is compiled when it is first used.
    const knownQuery = query.strict();
    return {
      ...description,
      tag,
      async run(request) {
        refuseRepeated(request.query);
        return handle({
          accountId: request.accountId,
          params: validate(params, request.params) as z.output<P>,
          query: validate(knownQuery, request.query ?? {}) as z.output<Q>,
          body: validate(body, request.body) as z.output<B>,
          origin: request.origin ?? '',
          idempotencyKey: readIdempotencyKey(description, request.idempotencyKey),
        });
      },
    };
  };
}

/** Throws InvalidRequest where a parameter is given twice: nobody knows which value is meant. */
function refuseRepeated(query: unknown): void {
  for (const [name, value] of Object.entries(query ?? {}))
    if (Array.isArray(value)) throw new InvalidRequest(name, 'must be given once');
}

function readIdempotencyKey(
  { takesIdempotencyKey }: OperationText,
  given: string | undefined,
): string | null {
  if (takesIdempotencyKey !== true || given === undefined) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(given)) {
    throw new InvalidRequest('Idempotency-Key', 'must be 1 to 255 printable ASCII characters without spaces');
  }
  return given;
}

/** The first; of two bounds of one value the field's own, which comes behind that of all whole numbers. */
function tightest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [first, second] = issues;
  const isSame = second?.code === first?.code && second?.path.join('.') === first?.path.join('.');
  return isSame && (first?.code === 'too_big' || first?.code === 'too_small') ? second : first;
}

/** Throws InvalidRequest, which names the first thing that is wrong. */
export function validate<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = tightest(result.error.issues);
  // A name that nobody knows is what is wrong, not what it stands in.
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1).map((key) => key || '""') : [];
  const path = [...(issue?.path ?? []), ...unknown].join('.');
  const message =
    issue === undefined ? 'is wrong' : unknown.length > 0 ? 'is not known here' : describeIssue(issue);
  if (path === '') throw new InvalidRequest(null, `The request body ${message}`);
  throw new InvalidRequest(path, message);
}
