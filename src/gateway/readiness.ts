/** What is measured, and what must hold for calls to be taken. */
import { Readiness } from '../observability/readiness.js';
import type { GatewayDomain } from './domain.js';
import type { Foundation } from './foundation.js';
import type { GatewayMedia } from './media.js';
import type { GatewaySip } from './sip.js';

export interface ReadinessOptions {
  readonly foundation: Pick<Foundation, 'metrics' | 'hub' | 'stores'>;
  readonly media: GatewayMedia;
  readonly legs: GatewayDomain['legs'];
  readonly sip: GatewaySip;
}

export function createReadiness({ foundation, media, legs, sip }: ReadinessOptions): Readiness {
  const { metrics, hub, stores } = foundation;
  const { server, door } = sip;
  metrics.observeLegs(() => legs.countByKind());
  metrics.observeEventReaders(() => hub.readers);
  metrics.observeSip(() => server.stats());
  metrics.observeMedia(() => media.workers.statistics());
  metrics.observeServers(() => ({ drachtio: door.statistics(), freeSwitch: media.freeSwitches() }));
  const readiness = new Readiness();
  readiness.add('draining', () => (legs.isDraining ? 'the gateway takes no new calls' : null));
  readiness.add('media', () => (media.workers.isReady ? null : 'no media worker takes calls'));
  readiness.add('edge', () => media.edgeTrouble());
  readiness.add('sip', () => (door.isConnected ? null : door.troubles.join('; ')));
  readiness.add('store', () =>
    stores.checkWritable().then(
      () => null,
      () => 'the store cannot be written',
    ),
  );
  return readiness;
}
