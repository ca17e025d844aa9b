/** The phone edge on FreeSWITCH as the gateway composes it, over real media workers. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { inject } from 'vitest';
import { newSrf } from '../../src/doors/sip/srf.js';
import {
  createFreeSwitchPlane,
  type FreeSwitchPlane,
  type FreeSwitchPlaneOptions,
} from '../../src/media/edge/freeswitch-plane.js';
import { createMediaPlane, type WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import { createSipServer } from '../../src/sip-server/index.js';

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface EdgeForTests {
  readonly plane: FreeSwitchPlane;
  readonly native: WorkerMediaPlane;
  readonly log: readonly LoggedLine[];
  close(): Promise<void>;
}

export type EdgeOptions = Partial<FreeSwitchPlaneOptions> & Pick<FreeSwitchPlaneOptions, 'servers'>;

/** Spans of 200 ports, a new one each time. */
let nextSpan = Math.floor(Math.random() * 20);
function newRtpPorts(): { from: number; to: number } {
  const from = 26_000 + (nextSpan++ % 20) * 200;
  return { from, to: from + 199 };
}

export async function openEdge(options: EdgeOptions): Promise<EdgeForTests> {
  const log: LoggedLine[] = [];
  const write =
    (level: LoggedLine['level']) =>
    (fields: object, message: string): void => {
      log.push({ level, message, fields: fields as Record<string, unknown> });
    };
  const logger = { info: write('info'), warn: write('warn'), error: write('error') };
  const host = '127.0.0.1';
  const secret = randomUUID();
  const sip = await createSipServer({
    udp: { host, port: 0 },
    tcp: { host, port: 0 },
    admin: { host, port: 0, secret },
  });
  const srf = newSrf();
  srf.on('error', () => undefined);
  srf.connect({ host, port: sip.adminAddress.port, secret });
  await once(srf, 'connect');
  const native = await createMediaPlane({
    workers: 1,
    rtpPorts: newRtpPorts(),
    bindAddress: host,
    portRestMs: 0,
    logger,
    workerEntry: inject('workerEntry'),
  });
  const plane = await createFreeSwitchPlane({
    native,
    srf,
    listenAddress: host,
    listenPort: 0,
    fallback: 'refuse',
    requestTimeoutMs: 4000,
    longestRetryMs: 500,
    healthMs: 500,
    maxLegsPerServer: 100,
    nodeName: `test-${randomUUID()}`,
    logger,
    ...options,
  });
  return {
    plane,
    native,
    log,
    close: async () => {
      await plane.close();
      srf.disconnect();
      await sip.close();
    },
  };
}
