/** The media workers, and the FreeSWITCHes in front of them where phones come through those. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config-schema.js';
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { MediaPlane } from '../domain/media-plane.js';
import { connectSrf, type ConnectedSrf } from '../doors/sip/connect-srf.js';
import type { FreeSwitchServerStatistics } from '../media/edge/freeswitch-server.js';
import { createFreeSwitchPlane, type FreeSwitchPlane } from '../media/edge/freeswitch-plane.js';
import { createMediaPlane, type WorkerMediaPlane } from '../media/worker-media-plane.js';
import { createSipServer } from '../sip-server/index.js';

export interface GatewayMedia {
  readonly plane: MediaPlane;
  readonly workers: WorkerMediaPlane;
  /** Empty where none is configured. */
  freeSwitches(): readonly FreeSwitchServerStatistics[];
  /** Why no phone can be taken because of FreeSWITCH; else null. */
  edgeTrouble(): string | null;
  close(): Promise<void>;
}

const promptDirectory = fileURLToPath(new URL('../../assets/prompts', import.meta.url));

export interface OpenMediaOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Tells our legs from another gateway's at a FreeSWITCH that both use. */
  readonly nodeId: string;
  readonly logger: Logger;
  readonly version: string;
}

/** Rejects where a worker or a port of ours cannot be had, not where a FreeSWITCH is away. */
export async function openMedia(options: OpenMediaOptions): Promise<GatewayMedia> {
  const { config, logger } = options;
  const workers = await openWorkers(config, logger);
  const { freeswitch: servers } = config;
  if (servers === undefined) {
    return {
      plane: workers,
      workers,
      freeSwitches: () => [],
      edgeTrouble: () => null,
      close: () => workers.close(),
    };
  }
  try {
    return await openEdge(options, servers, workers);
  } catch (error) {
    await workers.close();
    throw error;
  }
}

async function openEdge(
  { config, clock, nodeId, logger, version }: OpenMediaOptions,
  servers: NonNullable<Config['freeswitch']>,
  workers: WorkerMediaPlane,
): Promise<GatewayMedia> {
  const { edge } = config;
  const sip = await openEdgeSip(config, logger, version);
  const isBoundToAll = config.sip.host === '0.0.0.0' || config.sip.host === '::';
  let plane: FreeSwitchPlane;
  try {
    plane = await createFreeSwitchPlane({
      clock,
      native: workers,
      workerAddress: isBoundToAll ? edge.sipHost : config.sip.host,
      srf: sip.srf,
      servers,
      listenAddress: edge.sipHost,
      listenPort: edge.eventSocketPort,
      fallback: edge.fallback,
      requestTimeoutMs: edge.requestTimeoutMs,
      longestRetryMs: edge.longestRetrySeconds * 1000,
      healthMs: edge.healthSeconds * 1000,
      maxLegsPerServer: edge.maxLegs,
      nodeName: nodeId,
      logger: logger.child({ layer: 'edge' }),
    });
  } catch (error) {
    await sip.close();
    throw error;
  }
  return {
    plane,
    workers,
    freeSwitches: () => plane.statistics(),
    edgeTrouble() {
      if (plane.isReady || !workers.isReady) return null;
      const troubles = plane
        .statistics()
        .map(({ host, port, lastError }) => `FreeSWITCH ${host}:${port}: ${lastError ?? 'is not connected'}`);
      return troubles.join('; ');
    },
    async close() {
      await plane.close();
      await sip.close();
    },
  };
}

/** SIP with FreeSWITCH has a server of its own: carriers' calls do not wait for it, and it does not end with a drachtio-server. */
async function openEdgeSip(
  { edge, sip }: Config,
  logger: Logger,
  version: string,
): Promise<Pick<ConnectedSrf, 'srf'> & { close(): Promise<void> }> {
  const secret = randomBytes(32).toString('hex');
  const address = { host: edge.sipHost, port: edge.sipPort };
  const server = await createSipServer({
    udp: address,
    tcp: address,
    admin: { host: '127.0.0.1', port: 0, secret },
    userAgent: `Landbridge/${version}`,
    // Each leg has two channels.
    maxTransactions: sip.maxTransactions,
    maxDialogs: 2 * sip.maxDialogs,
    logger: logger.child({ layer: 'edge-sip' }),
  });
  try {
    const connected = await connectSrf({
      host: server.adminAddress.address,
      port: server.adminAddress.port,
      secret,
    });
    return {
      srf: connected.srf,
      async close() {
        connected.disconnect();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function openWorkers(config: Config, logger: Logger): Promise<WorkerMediaPlane> {
  return createMediaPlane({
    workers: config.workers,
    rtpPorts: config.rtp.ports,
    bindAddress: config.sip.host,
    ...(config.publicIp === undefined ? {} : { advertisedAddress: config.publicIp }),
    logger: logger.child({ layer: 'media' }),
    maxLegsPerWorker: config.sessions.maxLegs,
    jitterTargetMs: config.rtp.jitterTargetMs,
    rtpTimeoutBeforeFirstMs: config.rtp.firstPacketTimeoutSeconds * 1000,
    rtpTimeoutMs: config.rtp.timeoutSeconds * 1000,
    portRestMs: config.rtp.portRestSeconds * 1000,
    promptDirectory,
    maxSoundSeconds: config.sounds.maxSeconds,
    ...(config.sounds.holdMusic === undefined ? {} : { holdMusic: config.sounds.holdMusic }),
    browser: {
      videoBitrateCapBps: config.browser.maxBitrateBps,
      maxSections: config.browser.maxSections,
      connectTimeoutMs: config.browser.iceTimeoutSeconds * 1000,
      disconnectedTimeoutMs: config.browser.disconnectTimeoutSeconds * 1000,
    },
  });
}
