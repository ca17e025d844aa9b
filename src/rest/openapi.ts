/** The OpenAPI 3.1 document, made of the operations and of the same schemas that validate requests. */
import * as z from 'zod';
import { errorCodes } from './error-codes.js';
import type { OperationDescription } from './operation.js';

type Json = Record<string, unknown>;

const errorCode = {
  type: 'string',
  enum: Object.keys(errorCodes),
  description: 'What is wrong, for programs. A code keeps its meaning and its status; new ones may come.',
};
const requestError = {
  type: 'object',
  properties: {
    error: { type: 'string', description: 'What is wrong, for people. It may change.' },
    code: { $ref: '#/components/schemas/ErrorCode' },
    requestId: { type: 'string', format: 'uuid', description: 'The header `X-Request-Id` has it, too.' },
    field: { type: 'string', description: 'With `invalid-request`: the value that is wrong.' },
  },
  required: ['error', 'code', 'requestId'],
};
/** Bandwidth's API answers 401 and 403 with `message` alone. */
const messageError = {
  ...requestError,
  properties: {
    ...requestError.properties,
    message: { type: 'string', description: 'The same as `error`.' },
  },
  required: [...requestError.required, 'message'],
};

const errorDescriptions: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'The credentials are missing or wrong',
  403: 'The credentials are for another account',
  404: 'Not found',
  409: 'In conflict with what is there',
  413: 'The body is too large',
  415: 'The body is of another media type',
  416: 'The file has no such range',
  429: 'Too many wrong credentials from this address',
  500: 'Our fault',
  503: 'Not possible at the moment',
  507: 'No room is left',
};

export function createOpenApiDocument(operations: readonly OperationDescription[], version: string): Json {
  const schemas: Json = { ErrorCode: errorCode, RequestError: requestError, AccessError: messageError };
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = `${operation.isOfNode === true ? '/node' : '/accounts/{accountId}'}${operation.path}`;
    const item = (paths[path] ??= {});
    item[operation.method.toLowerCase()] = describeOperation(operation, schemas);
  }
  const responses = Object.fromEntries(
    Object.entries(errorDescriptions).map(([status, description]) => [
      `Error${status}`,
      { description, content: json({ $ref: `#/components/schemas/${errorSchema(Number(status))}` }) },
    ]),
  );
  return {
    openapi: '3.1.1',
    info: {
      title: 'Landbridge',
      version,
      description:
        'Puts phone callers into WebRTC sessions. The operations of Bandwidth’s WebRTC API are here as they were.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/v1' }],
    security: [{ basic: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: { schemas, responses, securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Repeated requests with the same key are one.',
  schema: { type: 'string', maxLength: 255 },
};

function describeOperation(operation: OperationDescription, schemas: Json): Json {
  const { success } = operation;
  const accountId = { name: 'accountId', in: 'path', required: true, schema: { type: 'string' } };
  const mediaType = success.mediaType ?? 'application/json';
  const content =
    success.download !== undefined
      ? { content: binary(success.download) }
      : success.schema !== undefined
        ? { content: { [mediaType]: { schema: toJsonSchema(success.schema, 'output', schemas) } } }
        : success.mediaType !== undefined
          ? { content: { [mediaType]: { schema: { type: 'string' } } } }
          : {};
  const errors = [
    400,
    401,
    403,
    ...(operation.errors ?? []),
    ...(operation.body === undefined && operation.upload === undefined ? [] : [413, 415]),
    429,
    500,
    503,
  ];
  return {
    operationId: operation.operationId,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    parameters: [
      ...(operation.isOfNode === true ? [] : [accountId]),
      ...(operation.params === undefined ? [] : parameters(operation.params, 'path', schemas)),
      ...(operation.query === undefined ? [] : parameters(operation.query, 'query', schemas)),
      ...(operation.takesIdempotencyKey === true ? [idempotencyKey] : []),
    ],
    ...(operation.upload === undefined
      ? {}
      : { requestBody: { required: true, content: binary(operation.upload) } }),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: !operation.body.safeParse(undefined).success,
            content: {
              ...json(toJsonSchema(operation.body, 'input', schemas)),
              ...(operation.textField !== undefined && { 'text/plain': { schema: { type: 'string' } } }),
            },
          },
        }),
    responses: {
      [success.status]: { description: success.description, ...content },
      ...Object.fromEntries(
        errors.map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
      ),
    },
  };
}

function parameters(schema: z.ZodObject, place: 'path' | 'query', schemas: Json): Json[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, ...rest } = toJsonSchema(field as z.ZodType, 'input', schemas);
    return {
      name,
      in: place,
      required: place === 'path',
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** Schemas that have an id go to the components, and a reference stands in their place. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io, override: loosen }) as Json;
  for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, Json>)) {
    schemas[name] = pointed(withoutNull(definition));
  }
  return pointed(root) as Json;
}

/** Leaves out what would mislead: patterns that say less than the format beside them, and the claim that answers never get new fields. */
function loosen({ jsonSchema }: { jsonSchema: Json }): void {
  if (jsonSchema['format'] !== undefined || jsonSchema['type'] === 'integer') delete jsonSchema['pattern'];
  delete jsonSchema['additionalProperties'];
}

/** References into `$defs` become references into the components. */
function pointed(value: unknown): unknown {
  const text = JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/');
  return JSON.parse(text) as unknown;
}

/** A body that may be missing is written without the null that stands for "missing" in its schema. */
function withoutNull(schema: Json): Json {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const alternatives = (anyOf as Json[]).filter(({ type }) => type !== 'null');
  return alternatives.length === 1 ? { ...alternatives[0], ...rest } : schema;
}

function binary(mediaTypes: readonly string[]): Json {
  return Object.fromEntries(
    mediaTypes.map((mediaType) => [mediaType, { schema: { type: 'string', format: 'binary' } }]),
  );
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

function errorSchema(status: number): string {
  return status === 401 || status === 403 ? 'AccessError' : 'RequestError';
}
