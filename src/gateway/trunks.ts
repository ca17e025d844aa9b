/** Opens what trunks are kept in and known by. */
import type { Config } from '../config/config-schema.js';
import type { NumberCalls } from '../domain/numbers/number-calls.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import { GuessLimiter } from '../domain/legs/guess-limiter.js';
import { Refusal } from '../domain/refusal.js';
import { CallLimiter } from '../domain/trunks/call-limiter.js';
import { CodeGuesses } from '../domain/trunks/code-guesses.js';
import type { Trunk } from '../domain/trunks/trunk.js';
import { TrunkCalls } from '../domain/trunks/trunk-calls.js';
import type { TrunkDirectory } from '../domain/trunks/trunk-directory.js';
import { TrunkService } from '../domain/trunks/trunk-service.js';
import { AddressPolicy } from '../events/address-policy.js';
import { normalizeNumber } from '../phone-numbers/e164.js';
import type { Stores } from '../store/stores.js';
import { DigestServer } from '../digest/digest-server.js';
import { secretHash } from '../digest/hash.js';
import { Nonces } from '../digest/nonces.js';
import type { GatewayContext } from './context.js';
import { openStir, type GatewayStir } from './stir.js';

export interface Trunks {
  readonly directory: TrunkDirectory;
  readonly service: TrunkService;
  readonly calls: TrunkCalls;
  /** Calls of each trunk now. */
  readonly counts: CallLimiter;
  /** Challenges calls, and reads their answers. */
  readonly digest: DigestServer;
  /** Verifies calls' signatures. */
  readonly stir: GatewayStir;
}

/** What passwords are made into holds for this realm alone: another would make all of them void. */
const realm = 'landbridge';

export interface TrunksOptions extends GatewayContext {
  readonly stores: Stores;
  readonly legs: LegRegistry;
  readonly directory: TrunkDirectory;
  readonly numberCalls: NumberCalls;
}

/** Where requests may go that trunks are sent: not to addresses inside, where the operator does not allow them. */
export function trunkAddresses({ trunks }: Config): AddressPolicy {
  const { allowPrivateNetworks, allowedNetworks } = trunks;
  return new AddressPolicy({ allowPrivateNetworks, allowedNetworks });
}

/** Why nothing can be sent to trunks here at all; null: it can. */
export function outboundHindrance({ drachtio }: Pick<Config, 'drachtio'>): string | null {
  if (drachtio === undefined) return null;
  return 'outbound: nothing is sent to trunks where phones come through a drachtio-server';
}

/** Those of accounts that there are: an account that is no longer configured has no trunks, and is registered with no carrier. */
export function trunksOfAccounts(
  trunks: readonly Trunk[],
  accounts: readonly { readonly accountId: string }[],
): readonly Trunk[] {
  const configured = new Set(accounts.map(({ accountId }) => accountId));
  return trunks.filter(({ accountId }) => configured.has(accountId));
}

/** Throws CertificateProblem. */
export function openTrunks(options: TrunksOptions): Trunks {
  const { config, clock, stores, legs, directory, numberCalls } = options;
  const defaultCountry = config.numbers.defaultCountry ?? null;
  const normalize = (text: string) => normalizeNumber(text, defaultCountry);
  const counts = new CallLimiter(clock);
  const stir = openStir(options);
  const addresses = trunkAddresses(config);
  const service = new TrunkService({
    ...{ trunks: stores.trunks, directory, normalize, clock, limits: config.trunks },
    secretHash: (hash, username, password) => secretHash(hash, username, realm, password),
    onDeleted: (trunkId) => counts.forget(trunkId),
    verifiesCallers: stir.isReady,
    credentialFields: config.tokenHeaders,
    asksForCertificates: config.tls.clientCertificates !== 'off',
    outbound: {
      mayReach: (address) => addresses.allows(address),
      hindrance: outboundHindrance(config),
      hasTls: config.tls.cert !== undefined,
      shortestPingSeconds: config.trunks.shortestPingSeconds,
    },
  });
  const accountOf = async (participantId: string) =>
    (await stores.participants.findParticipant(participantId))?.accountId ?? null;
  const calls = new TrunkCalls({
    ...{ directory, counts, normalize, guesses: codeGuesses(options) },
    async accountOfCredential(credential, source) {
      try {
        return await accountOf(await legs.identify(credential, source));
      } catch (error) {
        const party = error instanceof Refusal ? error.party : {};
        if (!(error instanceof Refusal) || typeof party.participantId !== 'string') throw error;
        const accountId = await accountOf(party.participantId);
        throw new Refusal(error.code, error.detail, { ...party, accountId });
      }
    },
    accountOfNumber: (dialled) => numberCalls.accountOf(dialled),
  });
  const { nonceSeconds, maxNonces } = config.trunks;
  const nonces = new Nonces({
    ...{ now: () => clock.now(), lifetimeMs: nonceSeconds * 1000, maxAnswered: maxNonces },
  });
  return { directory, service, calls, counts, digest: new DigestServer(realm, nonces), stir };
}

function codeGuesses({ config: { trunks, joinCodes }, clock }: TrunksOptions): CodeGuesses {
  const limiter = (maxFailuresPerMinute: number) =>
    new GuessLimiter({ maxFailuresPerMinute, maxSources: joinCodes.maxSources }, clock);
  return new CodeGuesses({
    perSource: limiter(trunks.maxWrongCodesPerSource),
    perTrunk: limiter(trunks.maxWrongCodes),
  });
}
