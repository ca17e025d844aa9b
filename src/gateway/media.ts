/** The media workers, and the FreeSWITCHes in front of them where phones come through those. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/config-schema.js';
import { ConfigError } from '../config/load-config.js';
import { isForAll, sipPlaces, socketsOf, type SipPlace } from '../config/sip-places.js';
import { AdvertisedAddresses } from '../domain/advertised-addresses.js';
import type { MediaPlane } from '../domain/media-plane.js';
import { connectSrf } from '../doors/sip/connect-srf.js';
import type { Srf } from '../doors/sip/srf.js';
import type { FreeSwitchServerStatistics } from '../media/edge/freeswitch-server.js';
import { hasFreeRtpPorts } from '../media/free-rtp-ports.js';
import { createMediaPlane, type WorkerMediaPlane } from '../media/worker-media-plane.js';
import type { AddressSettings } from '../media/worker/protocol.js';
import { createSipServer } from '../sip-server/index.js';
import type { GatewayContext } from './context.js';
import { packageRoot, workerEntry } from './package-root.js';

export interface GatewayMedia {
  readonly plane: MediaPlane;
  readonly workers: WorkerMediaPlane;
  /** Empty where none is configured. */
  freeSwitches(): readonly FreeSwitchServerStatistics[];
  /** Why no phone can be taken because of FreeSWITCH; else null. */
  edgeTrouble(): string | null;
}

const promptDirectory = join(packageRoot, 'assets/prompts');

/** Rejects where a worker or a port of ours cannot be had, with ConfigError where none for audio can; not where a FreeSWITCH is away. */
export async function openMedia(context: GatewayContext, nodeId: string): Promise<GatewayMedia> {
  const { config, closers } = context;
  const { ports } = config.rtp;
  for (const host of new Set(sipPlaces(config).map((place) => place.host))) {
    if (!(await hasFreeRtpPorts(ports, host)))
      throw new ConfigError([`rtp.ports: other programs have all of ${ports.from}-${ports.to} at ${host}`]);
  }
  const workers = await openWorkers(context);
  closers.onClose('media', () => workers.close());
  if (config.freeswitch === undefined) {
    return { plane: workers, workers, freeSwitches: () => [], edgeTrouble: () => null };
  }
  return openEdge(context, { servers: config.freeswitch, workers, nodeId });
}

interface EdgeParts {
  readonly servers: NonNullable<Config['freeswitch']>;
  readonly workers: WorkerMediaPlane;
  /** Tells our legs from another gateway's at a FreeSWITCH that both use. */
  readonly nodeId: string;
}

async function openEdge(
  context: GatewayContext,
  { servers, workers, nodeId }: EdgeParts,
): Promise<GatewayMedia> {
  const { config, clock, logger, closers } = context;
  const { edge } = config;
  // Only who has a FreeSWITCH loads what talks to it.
  const { createFreeSwitchPlane } = await import('../media/edge/freeswitch-plane.js');
  const plane = await createFreeSwitchPlane({
    clock,
    native: workers,
    refuseOwn: (destination) => workers.refuseOwn(destination),
    workerAddress: isForAll(config.sip.host) ? edge.sipHost : config.sip.host,
    srf: await connectEdgeSip(context),
    servers,
    listenAddress: edge.sipHost,
    listenPort: edge.eventSocketPort,
    fallback: edge.fallback,
    phoneSrtp: config.rtp.srtp,
    requestTimeoutMs: edge.requestTimeoutMs,
    longestRetryMs: edge.longestRetrySeconds * 1000,
    healthMs: edge.healthSeconds * 1000,
    maxLegsPerServer: edge.maxLegs,
    nodeName: nodeId,
    logger: logger.child({ layer: 'edge' }),
  });
  closers.onClose('FreeSWITCH', () => plane.close());
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
  };
}

/** SIP with FreeSWITCH has a server of its own: carriers' calls do not wait for it, and it does not end with a drachtio-server. */
async function connectEdgeSip({ config, logger, version, closers }: GatewayContext): Promise<Srf> {
  const { edge, sip } = config;
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
  closers.onClose('SIP server towards FreeSWITCH', () => server.close());
  const { address: host, port } = server.adminAddress;
  const connected = await connectSrf({ host, port, secret });
  closers.onClose('SIP towards FreeSWITCH', () => connected.disconnect());
  return connected.srf;
}

function openWorkers({ config, clock, logger }: GatewayContext): Promise<WorkerMediaPlane> {
  const advertised = new AdvertisedAddresses(config.advertise);
  const places = sipPlaces(config);
  const [first, ...others] = places;
  return createMediaPlane({
    workers: config.workers,
    rtpPorts: config.rtp.ports,
    otherPorts: [
      ...places.flatMap(socketsOf).map(({ port }) => port),
      ...(config.freeswitch === undefined ? [] : [config.edge.sipPort]),
    ],
    browserPorts: {
      ...(config.browser.ports !== undefined && { ports: config.browser.ports }),
      sharedPort: config.browser.sharedPort,
      tcpPort: config.browser.tcpPort,
    },
    bindAddress: first.host,
    ...(first.told.media !== null && { advertisedAddress: first.told.media }),
    otherAdvertised: config.advertise.map(({ address }) => address),
    otherEndpoints: others.map(mediaAddressOf),
    advertisedTo: (signallingAddress) => advertised.mediaAddressFor(signallingAddress),
    logger: logger.child({ layer: 'media' }),
    clock,
    maxLegsPerWorker: config.sessions.maxLegs,
    phoneSrtp: config.rtp.srtp,
    ...(config.rtp.codecs !== undefined && { phoneCodecs: config.rtp.codecs }),
    jitterTargetMs: config.rtp.jitterTargetMs,
    rtpTimeoutBeforeFirstMs: config.rtp.firstPacketTimeoutSeconds * 1000,
    rtpTimeoutMs: config.rtp.timeoutSeconds * 1000,
    portRestMs: config.rtp.portRestSeconds * 1000,
    workerEntry,
    promptDirectory,
    maxSoundSeconds: config.sounds.maxSeconds,
    ...(config.sounds.holdMusic === undefined ? {} : { holdMusic: config.sounds.holdMusic }),
    browser: {
      videoBitrateCapBps: config.browser.maxBitrateBps,
      videoCodecs: config.browser.videoCodecs,
      maxSections: config.browser.maxSections,
      connectTimeoutMs: config.browser.iceTimeoutSeconds * 1000,
      disconnectedTimeoutMs: config.browser.disconnectTimeoutSeconds * 1000,
    },
  });
}

/** Where phones that came to that address send their media. */
export function mediaAddressOf({ host, told }: SipPlace): AddressSettings {
  return { bindAddress: host, advertisedAddress: told.media };
}
