/** The API's documentation, made at start: `/docs/openapi.json` for programs and `/docs` for people. */
import type { FastifyInstance } from 'fastify';
import { formatDocsPage, type OpenApiDocument } from './docs-page.js';
import { docsStyle } from './docs-style.js';
import { pagePolicy } from './security-headers.js';

export function registerDocs(server: FastifyInstance, document: Record<string, unknown>): void {
  // Once, and not for each who asks.
  const json = Buffer.from(JSON.stringify(document, null, 2));
  const page = Buffer.from(formatDocsPage(document as unknown as OpenApiDocument));
  server.get('/docs/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(json));
  server.get('/docs/docs.css', (_, reply) => reply.type('text/css; charset=utf-8').send(docsStyle));
  server.get('/docs', (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', pagePolicy("style-src 'self'"))
      .send(page),
  );
}
