/** What the domain stands on: the data directory, the stores, the journal of facts and those who follow it, tokens. */
import { resolveCredentials, type Credentials } from '../config/credentials.js';
import { EventHub } from '../events/event-hub.js';
import { Metrics } from '../observability/metrics.js';
import { dataDirectoryFault } from '../store/file-faults.js';
import { lockDataDirectory } from '../store/data-directory-lock.js';
import { nodeName } from '../store/node-name.js';
import { makeDataDirectoryPrivate } from '../store/private-data-directory.js';
import { openStores } from '../store/open-stores.js';
import type { Stores } from '../store/stores.js';
import { JwtTokenCodec } from '../tokens/jwt-token-codec.js';
import type { GatewayContext } from './context.js';
import { openJournal, type Journal } from './journal.js';
import { operatorOf } from './operator.js';

export interface Foundation {
  readonly credentials: Credentials;
  /** The account that runs the gateway; null: none does. */
  readonly operatorAccount: string | null;
  /** In its name slots and recordings are held, so that the next life frees what this one leaves. */
  readonly nodeId: string;
  readonly stores: Stores;
  readonly metrics: Metrics;
  readonly hub: EventHub;
  readonly journal: Journal;
  readonly tokens: JwtTokenCodec;
  /** Resolves when everything so far is kept: what was written, and what is to be told of it. */
  readonly settled: () => Promise<void>;
}

/**
 * Rejects with DataDirectoryInUse where another gateway has it, with DataDirectoryOpen where others may read or change it, and
 * with DataDirectoryUnusable where it cannot be used for another reason; with ConfigError where the operator's account is none.
 */
export async function openFoundation(context: GatewayContext): Promise<Foundation> {
  const { config, logger } = context;
  const { credentials, nodeId, stores } = await openDataDirectory(context).catch((error: unknown) => {
    throw dataDirectoryFault(error, config.dataDir);
  });
  const operatorAccount = operatorOf(
    credentials.accounts.map(({ accountId }) => accountId),
    config.operatorAccount,
  );
  const metrics = new Metrics();
  const { historyPerAccount, maxReaders, maxReadersPerAccount } = config.events;
  const hub = new EventHub({ historyPerAccount, maxReaders, maxReadersPerAccount, logger });
  const journal = await openJournal({ ...context, stores, metrics });
  journal.follow(metrics);
  journal.follow(hub);
  return {
    ...{ credentials, operatorAccount, nodeId, stores, metrics, hub, journal },
    tokens: new JwtTokenCodec({
      secret: credentials.tokenSecret,
      previousSecret: credentials.previousTokenSecret,
    }),
    async settled() {
      await Promise.all([stores.settled(), journal.settled()]);
    },
  };
}

async function openDataDirectory({ config, logger, closers }: GatewayContext) {
  makeDataDirectoryPrivate(config.dataDir, logger);
  const lock = lockDataDirectory(config.dataDir);
  closers.onClose('data directory', () => lock.release());
  const credentials = resolveCredentials(config);
  const nodeId = nodeName(config.dataDir);
  const stores = await openStores({
    ...{ store: config.store, dataDir: config.dataDir, sqlite: config.sqlite },
    maxOutboxEntries: config.webhooks.maxWaiting,
    maxRefusedCalls: config.records.maxRefused,
    ...{ node: nodeId, logger },
  });
  closers.onClose('stores', () => stores.close());
  return { credentials, nodeId, stores };
}
