/** Opens what the gateway does by itself for its trunks. */
import type { EventRecorder } from '../domain/facts/event-recorder.js';
import type { TrunkDirectory } from '../domain/trunks/trunk-directory.js';
import type { SipDoor } from '../doors/sip/sip-door.js';
import { TrunkLines } from '../doors/sip/trunk-lines.js';
import type { Metrics } from '../observability/metrics.js';
import type { GatewayContext } from './context.js';

export interface TrunkLinesParts {
  readonly events: EventRecorder;
  readonly directory: TrunkDirectory;
  readonly door: SipDoor;
  readonly metrics: Metrics;
}

/** It does nothing before it is told of trunks. */
export function openTrunkLines(
  { config: { trunks }, clock, logger, closers }: GatewayContext,
  { events, directory, door, metrics }: TrunkLinesParts,
): TrunkLines {
  const lines = new TrunkLines({
    send: (request) => door.request(request),
    registrarIs: (trunkId, address) => directory.registrarIs(trunkId, address),
    ...{ events, clock, random: Math.random, logger: logger.child({ layer: 'trunks' }) },
    settings: {
      shortestRefreshMs: trunks.shortestRefreshSeconds * 1000,
      retryMs: trunks.retrySeconds * 1000,
      longestRetryMs: trunks.longestRetrySeconds * 1000,
      refusedRetryMs: trunks.refusedRetrySeconds * 1000,
      unregisterMs: trunks.unregisterSeconds * 1000,
    },
    pings: { max: trunks.maxPings, answerMs: trunks.pingAnswerSeconds * 1000 },
  });
  metrics.observeTrunks(() => lines.figures());
  closers.onClose('trunks', () => lines.close(), trunks.unregisterSeconds * 1000);
  return lines;
}
