/** Serves the console at `/` and the browser SDK at `/sdk`, as built; nothing of them comes from elsewhere. */
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { pagePolicy } from './security-headers.js';

export interface WebFilesOptions {
  readonly consoleDirectory: string;
  readonly sdkDirectory: string;
}

/** The console needs no inline script and no other origin. Its media are MediaStreams, which are not fetched. */
const contentSecurityPolicy = pagePolicy(
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self' ws: wss:"],
  "media-src 'self' blob: mediastream:",
);

export function createWebFiles(options: WebFilesOptions): FastifyPluginAsync {
  return async (server) => {
    await server.register(fastifyStatic, {
      root: options.consoleDirectory,
      prefix: '/',
      wildcard: false,
      cacheControl: false,
      setHeaders: (response) => {
        void response.header('content-security-policy', contentSecurityPolicy);
        void response.header('cache-control', 'no-cache');
      },
    });
    await server.register(fastifyStatic, {
      root: options.sdkDirectory,
      prefix: '/sdk/',
      wildcard: false,
      decorateReply: false,
      cacheControl: false,
      setHeaders: (response, path) => {
        // By its name it would be a video.
        if (path.endsWith('.d.ts')) void response.header('content-type', 'text/plain; charset=utf-8');
        // Customers import it from their own pages.
        void response.header('access-control-allow-origin', '*');
        void response.header('cross-origin-resource-policy', 'cross-origin');
        void response.header('cache-control', 'no-cache');
      },
    });
  };
}
