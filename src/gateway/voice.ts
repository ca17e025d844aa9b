/** Opens what brings phone calls in: transfers, numbers, hooks. */
import type { EventRecorder } from '../domain/facts/event-recorder.js';
import type { DialInNetworks } from '../domain/numbers/dial-in-networks.js';
import { NumberCalls } from '../domain/numbers/number-calls.js';
import { NumberService } from '../domain/numbers/number-service.js';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { TokenCodec } from '../domain/participants/token.js';
import type { TrunkDirectory } from '../domain/trunks/trunk-directory.js';
import { TransferService } from '../domain/transfers/transfer-service.js';
import { AddressPolicy } from '../events/address-policy.js';
import { WebhookSender } from '../events/webhook-sender.js';
import { formatSignature } from '../events/webhook-signature.js';
import { createApplicationQuestion } from '../hooks/application-question.js';
import { credentialsProblem } from '../hooks/dialects.js';
import type { OutgoingHttp } from '../hooks/outgoing.js';
import { PlatformOrders } from '../hooks/platform-orders.js';
import { normalizeNumber } from '../phone-numbers/e164.js';
import type { Stores } from '../store/stores.js';
import type { GatewayContext } from './context.js';

export interface VoiceOptions extends GatewayContext {
  readonly stores: Stores;
  readonly sessions: SessionService;
  readonly trunks: TrunkDirectory;
  readonly networks: DialInNetworks;
  readonly events: EventRecorder;
  readonly tokens: TokenCodec;
  /** The one in force first. */
  readonly secrets: readonly string[];
}

export interface Voice {
  readonly transfers: TransferService;
  readonly numbers: NumberService;
  readonly calls: NumberCalls;
  readonly orders: PlatformOrders;
}

export function openVoice(options: VoiceOptions): Voice {
  const { config, stores, sessions, events, clock, logger, closers, secrets } = options;
  const transfers = new TransferService({
    transfers: stores.transfers,
    store: stores.participants,
    sessions,
    tokens: options.tokens,
    joinCodeSecrets: secrets,
    events,
    clock,
    logger: logger.child({ layer: 'transfers' }),
    limits: {
      maxParticipantsPerSession: config.sessions.maxParticipantsPerSession,
      ttlSeconds: config.transfers.ttlSeconds,
    },
  });
  const policy = new AddressPolicy(config.webhooks);
  const userAgent = `Landbridge/${options.version}`;
  const toApplications = new WebhookSender({
    policy,
    lookUps: options.lookUps,
    clock,
    userAgent,
    timeoutMs: config.numbers.applicationTimeoutSeconds * 1000,
  });
  // The operator configures the platforms' addresses, which may be a stand-in on this machine.
  const toPlatforms = new WebhookSender({
    policy: new AddressPolicy({ allowPrivateNetworks: true }),
    lookUps: options.lookUps,
    clock,
    userAgent,
  });
  const hooksLogger = logger.child({ layer: 'hooks' });
  const { maxWrongPinsPerCaller, maxCallers } = config.numbers;
  const defaultCountry = config.numbers.defaultCountry ?? null;
  const numbers = new NumberService({
    numbers: stores.numbers,
    networks: options.networks,
    sessions,
    normalize: normalizeNumber,
    credentialsProblem,
    urlProblem: (url) => policy.objection(url),
    hasTrunk: (accountId) => options.trunks.ofAccount(accountId).length > 0,
    pinSecret: secrets[0] ?? '',
    clock,
    limits: { maxPinsPerNumber: config.numbers.maxPinsPerNumber, defaultCountry },
  });
  const calls = new NumberCalls({
    numbers: stores.numbers,
    transfers,
    sessions,
    normalize: normalizeNumber,
    ask: createApplicationQuestion({ http: outgoing(toApplications), sign: formatSignature, clock }),
    secrets,
    clock,
    logger: hooksLogger,
    limits: {
      ttlSeconds: config.transfers.hookTtlSeconds,
      pins: {
        perCaller: { maxFailuresPerMinute: maxWrongPinsPerCaller, maxSources: maxCallers },
        maxWrongPinsOverAllNumbers: config.numbers.maxWrongPinsOverAllNumbers,
        maxWrongPinsPerAddress: config.numbers.maxWrongPinsPerAddress,
        maxWrongPinsPerNumber: config.numbers.maxWrongPinsPerNumber,
        maxWaitMs: config.numbers.pinWaitSeconds * 1000,
      },
      pinDialogue: {
        maxTries: config.numbers.pinTries,
        timeoutMs: config.numbers.pinTimeoutSeconds * 1000,
      },
      defaultCountry,
    },
  });
  const orders = new PlatformOrders({
    http: outgoing(toPlatforms),
    clock,
    logger: hooksLogger,
    baseUrls: { telnyx: config.transfers.telnyxApiUrl },
  });
  transfers.start();
  closers.onClose('transfers and numbers', async () => {
    toApplications.close();
    toPlatforms.close();
    await orders.close();
    await transfers.close();
  });
  return { transfers, numbers, calls, orders };
}

/** Its errors name neither the address nor the answer: both may hold what must not be logged. */
function outgoing(sender: WebhookSender): OutgoingHttp {
  return {
    async post(url, headers, body) {
      const result = await sender.send({ url, headers, body, readsAnswer: true });
      if (result.isDelivered) return result.answer ?? '';
      const status = result.status === undefined ? '' : ` (${result.status})`;
      throw new Error(`the request failed: ${result.failure}${status}`);
    },
  };
}
