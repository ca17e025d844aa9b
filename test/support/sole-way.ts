/** A way with one server at its end. */
import type { Flow } from '../../src/sip-server/transport/flow.js';
import type { StreamsBeside, Way } from '../../src/sip-server/user-agent/way.js';
import { RecordedFlow } from './recorded-flow.js';

/** Nobody takes a connection. */
export const noStreams: StreamsBeside = { to: () => Promise.resolve(null), broke: () => undefined };

export function soleWay(flow: Flow): Way {
  let isLeft = flow.isOpen;
  const nowhere = new RecordedFlow();
  nowhere.isOpen = false;
  return {
    isSole: true,
    nowhere,
    next: () => {
      const next = isLeft ? flow : null;
      isLeft = false;
      return Promise.resolve(next);
    },
    streamBeside: () => Promise.resolve(null),
    answered: () => undefined,
    failed: () => undefined,
  };
}
