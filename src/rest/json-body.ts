/** Bodies of requests: JSON in UTF-8 (RFC 8259 §8.1), sent as it is, whose texts can be kept. */
import type { FastifyInstance } from 'fastify';
import { InvalidRequest, RestError } from './rest-error.js';

/** Takes JSON and nothing else. Bandwidth's client names the type and sends no body at all: that is no body, not bad JSON. */
export function takeJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      if (body.length === 0) done(null, undefined);
      else
        void parseJson(
          request,
          textOf(body as Buffer, request.headers['content-encoding']),
          (error, value) => {
            const field = error === null ? unkeepable(value) : null;
            if (error !== null) done(notJson());
            else if (field === null) done(null, value);
            else done(new InvalidRequest(field, 'must not contain U+0000 or half of a surrogate pair'));
          },
        );
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Takes plain text beside what is taken already: it stands for an object with this one field. */
export function takeText(server: FastifyInstance, field: string): void {
  server.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, { [field]: textOf(body as Buffer, request.headers['content-encoding']) });
    } catch (error) {
      done(error as Error);
    }
  });
}

/** The parser's words quote the body. */
function notJson(): RestError {
  return new RestError(
    'unreadable-request',
    'The request body is not valid JSON, or names a value __proto__ or constructor.prototype',
  );
}

/** Throws RestError. */
function textOf(body: Buffer, encoding: string | undefined): string {
  if (encoding !== undefined && !/^identity$/i.test(encoding))
    throw new RestError('unsupported-media-type', 'Unsupported content encoding: send the body as it is');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    // What stands for them would be kept and shown in their place.
    throw new RestError('unreadable-request', 'The request body is not UTF-8');
  }
}

/** A database ends a text at U+0000, and has no half characters: what was answered would not be what is kept. */
const unkeepableText = /[\0\p{Cs}]/u;

/** The name of the first value that cannot be kept as it is, like `participants.0.tag`; null where all can. */
function unkeepable(body: unknown): string | null {
  // No recursion: a body may be as deep as it is long.
  const left: { readonly value: unknown; readonly path: string }[] = [{ value: body, path: '' }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, path } = next;
    if (typeof value === 'string' && unkeepableText.test(value)) return path === '' ? 'body' : path;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      const innerPath = path === '' ? name : `${path}.${name}`;
      if (unkeepableText.test(name)) return path === '' ? 'body' : path;
      if (typeof inner === 'string' || typeof inner === 'object')
        left.push({ value: inner, path: innerPath });
    }
  }
  return null;
}
