/** The API's documentation, made at start: `/docs/openapi.json` for programs and `/docs` for people. */
import type { FastifyInstance } from 'fastify';
import { formatDocsPage, type OpenApiDocument } from './docs-page.js';
import { docsStyle } from './docs-style.js';

export function registerDocs(server: FastifyInstance, document: Record<string, unknown>): void {
  const json = JSON.stringify(document, null, 2);
  const page = formatDocsPage(document as unknown as OpenApiDocument);
  server.get('/docs/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(json));
  server.get('/docs/docs.css', (_, reply) => reply.type('text/css; charset=utf-8').send(docsStyle));
  server.get('/docs', (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'",
      )
      .send(page),
  );
}
