/** What the operator may do with the gateway while it runs. */
import { sourceOf } from '../domain/address-source.js';
import type { NodeControl } from '../domain/node-control.js';
import type { TrunkLines } from '../doors/sip/trunk-lines.js';
import type { GatewayContext } from './context.js';
import type { GatewayDomain } from './domain.js';
import type { Foundation } from './foundation.js';
import type { GatewaySip } from './sip.js';

export interface NodeParts {
  readonly foundation: Pick<Foundation, 'nodeId'>;
  readonly legs: GatewayDomain['legs'];
  readonly sip: Pick<GatewaySip, 'server'>;
  readonly trunkLines: Pick<TrunkLines, 'rest' | 'resume'>;
}

export interface GatewayNode extends NodeControl {
  /** It stops: it takes no calls, and never will again. */
  stop(): void;
}

export function createNode(
  context: GatewayContext,
  { foundation, legs, sip, trunkLines }: NodeParts,
): GatewayNode {
  const { clock, logger, version } = context;
  const startedAt = clock.now();
  let isStopping = false;
  const takeCalls = (isTaking: boolean): void => {
    if (isTaking) legs.resume();
    else legs.drain();
    sip.server.setDraining(!isTaking);
    if (isTaking) trunkLines.resume();
    else void trunkLines.rest();
  };
  return {
    state: () => ({
      name: foundation.nodeId,
      ...{ version, startedAt },
      isDraining: legs.isDraining,
      legs: legs.size,
    }),
    drain() {
      if (!legs.isDraining)
        logger.info({ calls: legs.size }, 'no new calls are taken, by order of the operator');
      takeCalls(false);
    },
    resume() {
      if (isStopping) return false;
      if (legs.isDraining) logger.info({}, 'calls are taken again, by order of the operator');
      takeCalls(true);
      return true;
    },
    bans: () => sip.server.bans().map(({ source, untilMs }) => ({ source, until: untilMs })),
    // Any address of a banned network means the network.
    liftBan: (source) => sip.server.liftBan(source === null ? null : sourceOf(source)),
    stop() {
      isStopping = true;
      takeCalls(false);
    },
  };
}
