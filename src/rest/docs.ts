/** The API's documentation, made when it is first asked for and kept: `/docs/openapi.json` for programs and `/docs` for people. */
import type { FastifyInstance } from 'fastify';
import { formatDocsPage, type OpenApiDocument } from './docs-page.js';
import { docsStyle } from './docs-style.js';
import { pagePolicy } from './security-headers.js';

export function registerDocs(server: FastifyInstance, describe: () => Record<string, unknown>): void {
  const document = once(describe);
  const json = once(() => Buffer.from(JSON.stringify(document(), null, 2)));
  const page = once(() => Buffer.from(formatDocsPage(document() as unknown as OpenApiDocument)));
  server.get('/docs/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(json()));
  server.get('/docs/docs.css', (_, reply) => reply.type('text/css; charset=utf-8').send(docsStyle));
  server.get('/docs', (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', pagePolicy("style-src 'self'"))
      .send(page()),
  );
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
