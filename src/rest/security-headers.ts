/** Header fields that keep browsers from doing with our answers what nobody meant: of every answer, whoever registers its route. */
import fastifyHelmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** For what is no page: nothing is loaded for it, and no page shows it in a frame. */
export const noPagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For a page that needs more than nothing: `sources` are directives like `style-src 'self'`. */
export function pagePolicy(...sources: readonly string[]): string {
  return noPagePolicy.replace("default-src 'none'", ["default-src 'none'", ...sources].join('; '));
}

/** Before any route. A route sets its own `content-security-policy` over it. */
export function addSecurityHeaders(server: FastifyInstance): void {
  void server.register(fastifyHelmet, {
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
  });
}
