/** The way to who is reached by one connection and by nothing else. */
import type { Flow } from '../transport/flow.js';
import type { Way } from './way.js';

export function soleFlow(flow: Flow): Way {
  let isLeft = true;
  return {
    isSole: true,
    nowhere: flow,
    next: () => {
      const next = isLeft && flow.isOpen ? flow : null;
      isLeft = false;
      return Promise.resolve(next);
    },
    streamBeside: () => Promise.resolve(null),
    answered: () => undefined,
    failed: () => undefined,
  };
}
