/** The media workers. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config-schema.js';
import type { Logger } from '../domain/logger.js';
import { createMediaPlane, type WorkerMediaPlane } from '../media/worker-media-plane.js';

const promptDirectory = fileURLToPath(new URL('../../assets/prompts', import.meta.url));

export function openWorkers(config: Config, logger: Logger): Promise<WorkerMediaPlane> {
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
