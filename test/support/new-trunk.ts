/** Trunks as accounts have them, for tests of what is done with their calls. */
import { callerPlaces, type Trunk } from '../../src/domain/trunks/trunk.js';

let made = 0;
/** One of the account `acme` that takes calls from 192.0.2.0/24, and whatever is said otherwise. */
export function newTrunk(
  changes: Partial<Omit<Trunk, 'inbound'>> & { readonly inbound?: Partial<Trunk['inbound']> } = {},
): Trunk {
  made += 1;
  const { inbound, ...more } = changes;
  return {
    ...{ id: `trunk ${made}`, accountId: 'acme', name: null, isEnabled: true, numbers: null, outbound: null },
    media: { codecs: null, dtmf: 'auto', srtp: null },
    ...{ allowedCallers: null, allowedCalled: null, maxConcurrentCalls: null, maxCallsPerSecond: null },
    ...{ createdAt: made, key: null, fingerprint: '' },
    ...more,
    inbound: {
      ...{
        networks: ['192.0.2.0/24'],
        certificateNames: [],
        digest: null,
        calledNumber: ['request-uri', 'to'],
        callerIdentity: callerPlaces,
        stir: 'off',
        verifiedBy: 'gateway',
        headers: [],
      },
      ...inbound,
    },
  };
}
