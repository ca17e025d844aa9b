/** For machines that watch: `/health` (alive), `/ready` (takes calls) and `/metrics`. No credentials needed, no secrets shown. */
import type { FastifyPluginCallback } from 'fastify';

export interface MonitoringOptions {
  /** Why the gateway takes no calls; empty where it does. */
  readonly notReady: () => Promise<readonly { readonly check: string; readonly reason: string }[]>;
  /** In Prometheus' text format. */
  readonly metrics: { readonly contentType: string; expose(): Promise<string> };
  readonly version: string;
  /** Metrics are computed at most this often; whoever asks meanwhile gets the same once more. 0: for each who asks. */
  readonly metricsRefreshMs: number;
}

export function createMonitoring(options: MonitoringOptions): FastifyPluginCallback {
  const metrics = refreshed(options.metricsRefreshMs, () => options.metrics.expose());
  return (server, _, done) => {
    server.get('/health', () => ({ status: 'ok', version: options.version }));
    server.get('/ready', async (_request, reply) => {
      const reasons = await options.notReady();
      reply.header('cache-control', 'no-store');
      if (reasons.length === 0) return { ready: true };
      return reply.code(503).header('retry-after', '5').send({ ready: false, reasons });
    });
    server.get('/metrics', async (_request, reply) =>
      reply.type(options.metrics.contentType).send(await metrics()),
    );
    done();
  };
}

/** Asks again only when the last answer is as old as that. One that failed is not kept. */
function refreshed(everyMs: number, ask: () => Promise<string>): () => Promise<string> {
  let last: { readonly at: number; readonly answer: Promise<string> } | null = null;
  return () => {
    const now = performance.now();
    if (last !== null && now - last.at < everyMs) return last.answer;
    const answer = ask();
    last = { at: now, answer };
    answer.catch(() => (last = null));
    return answer;
  };
}
