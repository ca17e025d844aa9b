/** Opens what trunks are kept in and known by. */
import type { NumberCalls } from '../domain/numbers/number-calls.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import { CallLimiter } from '../domain/trunks/call-limiter.js';
import { TrunkCalls } from '../domain/trunks/trunk-calls.js';
import type { TrunkDirectory } from '../domain/trunks/trunk-directory.js';
import { TrunkService } from '../domain/trunks/trunk-service.js';
import { normalizeNumber } from '../phone-numbers/e164.js';
import type { Stores } from '../store/stores.js';
import { DigestServer } from '../digest/digest-server.js';
import { secretHash } from '../digest/hash.js';
import { Nonces } from '../digest/nonces.js';
import type { GatewayContext } from './context.js';

export interface Trunks {
  readonly directory: TrunkDirectory;
  readonly service: TrunkService;
  readonly calls: TrunkCalls;
  /** Challenges calls, and reads their answers. */
  readonly digest: DigestServer;
}

/** What passwords are made into holds for this realm alone: another would make all of them void. */
const realm = 'landbridge';

export interface TrunksOptions extends GatewayContext {
  readonly stores: Stores;
  readonly legs: LegRegistry;
  readonly directory: TrunkDirectory;
  readonly numberCalls: NumberCalls;
}

export function openTrunks(options: TrunksOptions): Trunks {
  const { config, clock, stores, legs, directory, numberCalls } = options;
  const defaultCountry = config.numbers.defaultCountry ?? null;
  const normalize = (text: string) => normalizeNumber(text, defaultCountry);
  const counts = new CallLimiter(clock);
  const service = new TrunkService({
    ...{ trunks: stores.trunks, directory, normalize, clock, limits: config.trunks },
    secretHash: (hash, username, password) => secretHash(hash, username, realm, password),
    onDeleted: (trunkId) => counts.forget(trunkId),
  });
  const calls = new TrunkCalls({
    ...{ directory, counts, normalize },
    async accountOfCredential(credential, source) {
      const participantId = await legs.identify(credential, source);
      return (await stores.participants.findParticipant(participantId))?.accountId ?? null;
    },
    accountOfNumber: (dialled) => numberCalls.accountOf(dialled),
  });
  const { nonceSeconds, maxNonces } = config.trunks;
  const nonces = new Nonces({
    ...{ now: () => clock.now(), lifetimeMs: nonceSeconds * 1000, maxAnswered: maxNonces },
  });
  return { directory, service, calls, digest: new DigestServer(realm, nonces) };
}
