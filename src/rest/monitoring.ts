/** For machines that watch: `/health` (alive), `/ready` (takes calls) and `/metrics`. No credentials needed, no secrets shown. */
import type { FastifyPluginCallback } from 'fastify';

export interface MonitoringOptions {
  /** Why the gateway takes no calls; empty where it does. */
  readonly notReady: () => Promise<readonly { readonly check: string; readonly reason: string }[]>;
  /** In Prometheus' text format. */
  readonly metrics: { readonly contentType: string; expose(): Promise<string> };
  readonly version: string;
}

export function createMonitoring(options: MonitoringOptions): FastifyPluginCallback {
  return (server, _, done) => {
    server.get('/health', () => ({ status: 'ok', version: options.version }));
    server.get('/ready', async (_request, reply) => {
      const reasons = await options.notReady();
      reply.header('cache-control', 'no-store');
      if (reasons.length === 0) return { ready: true };
      return reply.code(503).header('retry-after', '5').send({ ready: false, reasons });
    });
    server.get('/metrics', async (_request, reply) =>
      reply.type(options.metrics.contentType).send(await options.metrics.expose()),
    );
    done();
  };
}
