/** Header fields that keep browsers from doing with our answers what nobody meant: of every answer, whoever registers its route. */
import type { OutgoingHttpHeaders } from 'node:http';
import fastifyHelmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';

/** For what is no page: nothing is loaded for it, and no page shows it in a frame. */
export const noPagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For a page that needs more than nothing: `sources` are directives like `style-src 'self'`. */
export function pagePolicy(...sources: readonly string[]): string {
  return noPagePolicy.replace("default-src 'none'", ["default-src 'none'", ...sources].join('; '));
}

const settings: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // Whether a name is for TLS alone, and for how long, is the reverse proxy's to say.
  strictTransportSecurity: false,
};

/**
 * Before any route. A route sets its own `content-security-policy` over it. Gives what it adds, for answers that no hook sees, once
 * the server is ready.
 */
export function addSecurityHeaders(server: FastifyInstance): () => OutgoingHttpHeaders {
  let headers: OutgoingHttpHeaders = {};
  void server.register(async () => {
    headers = await askHelmet();
  });
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
  return () => headers;
}

/** The header fields are the same for every answer, and helmet would make them anew for each: that is a tenth of what a request costs. */
async function askHelmet(): Promise<OutgoingHttpHeaders> {
  const server = Fastify();
  let headers: OutgoingHttpHeaders = {};
  await server.register(fastifyHelmet, settings);
  server.get('/', (_request, reply) => {
    headers = { ...reply.raw.getHeaders() };
    return reply.send();
  });
  await server.inject('/');
  await server.close();
  return headers;
}
