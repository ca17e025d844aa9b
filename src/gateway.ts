/** Composition root: the only file that sees every layer. Starts them in order, drains, stops. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/config-schema.js';
import { resolveCredentials, type Credentials } from './config/credentials.js';
import { AbandonmentCleaner } from './domain/sessions/abandonment.js';
import { systemClock } from './domain/clock.js';
import { DtmfService } from './domain/keys/dtmf-service.js';
import { LegRegistry } from './domain/legs/leg-registry.js';
import type { Logger } from './domain/logger.js';
import type { Outcome } from './domain/outcome.js';
import { SessionService } from './domain/sessions/session-service.js';
import { DeviceDoor } from './doors/bandwidth/device-door.js';
import { EventHub } from './events/event-hub.js';
import { reachable, type BoundAddress } from './gateway/addresses.js';
import { openJournal } from './gateway/journal.js';
import { checkHoldMusic, openRecordings, openSounds } from './gateway/sounds-and-recordings.js';
import { openMedia } from './gateway/media.js';
import { openSip, type GatewaySip } from './gateway/sip.js';
import { openVoice, sipAddress } from './gateway/voice.js';
import { hookDialects, transferDialects } from './hooks/dialects.js';
import { createHooks } from './hooks/hooks.js';
import { readWavMono } from './media/worker/sound/wav.js';
import { CallInPhones } from './softphone/call-in-phones.js';
import { Metrics } from './observability/metrics.js';
import { Readiness } from './observability/readiness.js';
import { createHttpServer } from './rest/http-server.js';
import { createMonitoring } from './rest/monitoring.js';
import { createRest } from './rest/rest.js';
import { RestError } from './rest/rest-error.js';
import { createWebFiles } from './rest/web-files.js';
import { handleUpgrades, type WebSocketRoute } from './rest/web-socket-upgrades.js';
import { lockDataDirectory } from './store/data-directory-lock.js';
import { nodeName } from './store/node-name.js';
import { openStores } from './store/open-stores.js';
import { JwtTokenCodec } from './tokens/jwt-token-codec.js';

export interface GatewayOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
}

export interface Gateway {
  readonly http: BoundAddress;
  readonly sip: BoundAddress;
  readonly credentials: Credentials;
  /** Refuses new calls, waits for those in progress up to the deadline, then closes. */
  drain(deadlineMs: number): Promise<void>;
  /** Ends every call and stops at once; idempotent. */
  close(): Promise<void>;
}

/** A device's diagnostics may be longer than what the door reads of a message; they must not cost it its connection. */
const maxDeviceFrameBytes = 1024 * 1024;
const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** Rejects with ConfigError, DataDirectoryInUse or the system's error of a port that is taken; nothing stays open then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const starting = new Starting();
  try {
    return await compose(options, starting);
  } catch (error) {
    await starting.close();
    throw error;
  }
}

/** What was opened so far, closed in reverse. */
class Starting {
  readonly #closers: (() => Promise<void> | void)[] = [];

  onClose(closer: () => Promise<void> | void): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) await closer();
  }
}

async function compose(options: GatewayOptions, starting: Starting): Promise<Gateway> {
  const core = await openCore(options, starting);
  const sip = await openSip({
    ...options,
    legs: core.legs,
    clock: core.clock,
    dialIn: (dialled, source, call) => core.voice.numbers.dialIn(dialled, source, call),
    onRefused: (code) => core.metrics.refused('sip', code),
  });
  starting.onClose(() => sip.close());
  const http = await openWeb(options, core, sip, starting);
  const { legs, credentials } = core;

  let closing: Promise<void> | undefined;
  const close = async () => {
    legs.drain();
    await legs.endAll(stopping);
    // The ends of the calls are facts of their transfers, too.
    await core.journal.settled();
    await starting.close();
  };
  const closeOnce = () => (closing ??= close());
  return {
    http,
    sip: sip.address(),
    credentials,
    close: closeOnce,
    async drain(deadlineMs) {
      legs.drain();
      sip.server.setDraining(true);
      await untilIdle(legs, deadlineMs);
      await closeOnce();
    },
  };
}

type Core = Awaited<ReturnType<typeof openCore>>;

/** The domain and what it stands on: store, tokens, events, media. */
async function openCore({ config, logger, version }: GatewayOptions, starting: Starting) {
  const clock = systemClock;
  const lock = lockDataDirectory(config.dataDir);
  starting.onClose(() => lock.release());
  const credentials = resolveCredentials(config);
  // In its name slots and recordings are held, so that the next life frees what this one leaves.
  const nodeId = nodeName(config.dataDir);
  const { maxWaiting: maxOutboxEntries } = config.webhooks;
  const stores = await openStores({ ...config, maxOutboxEntries, node: nodeId, logger });
  starting.onClose(() => stores.close());
  const store = stores.participants;

  const metrics = new Metrics();
  const { historyPerAccount, maxReaders, maxReadersPerAccount } = config.events;
  const hub = new EventHub({ historyPerAccount, maxReaders, maxReadersPerAccount, logger });
  const journal = await openJournal({ config, stores, metrics, clock, logger, version });
  journal.follow(metrics);
  journal.follow(hub);
  starting.onClose(() => journal.close());
  const { events } = journal;
  const tokens = new JwtTokenCodec({
    secret: credentials.tokenSecret,
    previousSecret: credentials.previousTokenSecret,
  });
  await checkHoldMusic(config);
  const media = await openMedia({ config, nodeId, logger, version });
  starting.onClose(() => media.close());
  const limits = { ...config.sessions, guesses: config.joinCodes };
  const privacies = new Map(config.accounts.map(({ account, callerPrivacy }) => [account, callerPrivacy]));
  const callerPrivacy = (accountId: string) => privacies.get(accountId) ?? config.callerPrivacy;
  const legs = new LegRegistry({
    nodeId,
    store,
    media: media.plane,
    tokens,
    events,
    clock,
    logger,
    limits,
    callerPrivacy,
    holdSoundWhenAlone: config.sounds.holdMusicWhenAlone,
  });
  legs.observe({ legMeasured: ({ legId }, statistics) => journal.records.measured(legId, statistics) });
  const played = {
    ...{ config, nodeId, stores, legs, events, metrics, clock, logger },
    media: media.plane,
  };
  const recordings = await openRecordings(played);
  starting.onClose(() => recordings.close());
  const sessions = new SessionService({
    ...{ store, legs, tokens, events, clock },
    limits: config.sessions,
  });
  const sounds = await openSounds({ ...played, sessions, recordings: recordings.recordings });
  starting.onClose(() => sounds.close());
  const dtmf = new DtmfService({ sessions, legs, events, clock });
  legs.observe(dtmf);
  const voice = openVoice({
    config,
    stores,
    sessions,
    events,
    tokens,
    secrets: [credentials.tokenSecret, credentials.previousTokenSecret].filter(
      (secret) => secret !== undefined,
    ),
    clock,
    logger,
    version,
  });
  starting.onClose(() => voice.close());
  journal.follow(voice.transfers);
  // Only now is everybody there who must learn how the calls of an earlier life ended.
  await legs.recover(await stores.records.listOpenRecords());
  const cleaner = new AbandonmentCleaner({
    store: stores.abandonment,
    sessions,
    clock,
    logger,
    abandonedAfterMs: config.sessions.abandonedAfterHours * 3_600_000,
  });
  cleaner.start();
  starting.onClose(() => cleaner.close());
  await journal.start();
  /** Everything so far is kept: what was written, and what is to be told of it. */
  const settled = async () => {
    await Promise.all([stores.settled(), journal.settled()]);
  };
  return {
    ...{ clock, credentials, stores, metrics, hub, media, legs, sessions, journal, voice, settled, sounds },
    ...{ dtmf, recordings: recordings.recordings },
  };
}

/** Everything on the HTTP port: REST, documentation, console, SDK, monitoring, SIP over WebSocket. */
async function openWeb(
  { config, logger, version }: GatewayOptions,
  core: Core,
  sip: GatewaySip,
  starting: Starting,
): Promise<BoundAddress> {
  const { metrics, legs, sessions, hub, clock, voice } = core;
  const { publicUrl } = config.http;
  const reachableSip = () => {
    const { host, port } = sip.address();
    return { host: reachable(host), port };
  };
  const address = () => sipAddress(config, reachableSip());
  const phones = new CallInPhones({
    gateway: () => {
      const { host, port } = reachableSip();
      return `${host}:${port}`;
    },
    voice: readWavMono(readFileSync(join(packageRoot, 'assets', 'caller-voice.wav'))),
    ...config.phoneCalls,
  });
  starting.onClose(() => phones.close());

  const server = createHttpServer({
    logger: logger.child({ layer: 'http' }),
    ...config.http,
    onAnswered: (answer) => metrics.requestAnswered(answer),
  });
  await server.register(
    createRest({
      accounts: core.credentials.accounts,
      sessions,
      legs,
      events: hub,
      webhooks: core.journal.webhooks,
      records: core.stores.records,
      settled: core.settled,
      transfers: { transfers: voice.transfers, dialects: transferDialects, address },
      numbers: {
        numbers: voice.numbers,
        platforms: [...hookDialects.keys()],
        hookUrl: (platform, numberId) =>
          `${publicUrl?.replace(/\/$/, '') ?? ''}/hooks/${platform}/${numberId}`,
      },
      sounds: core.sounds,
      dtmf: core.dtmf,
      recordings: core.recordings,
      phone: phones,
      clock,
      version,
      authentication: {
        failuresPerMinute: config.http.failedLoginsPerMinute,
        maxSources: config.http.maxLoginSources,
      },
      eventStreams: config.events,
    }),
  );
  await server.register(
    createHooks({
      numbers: voice.numbers,
      address,
      publicUrl: publicUrl ?? null,
      orders: voice.orders,
      clock,
      logger: logger.child({ layer: 'hooks' }),
      onAnswered: (platform, outcome) => metrics.hookAnswered(platform, outcome),
      error: (code, message) => new RestError(code, message),
      settled: core.settled,
    }),
  );
  const readiness = watch(core, sip);
  await server.register(createMonitoring({ metrics, version, notReady: () => readiness.reasons() }));
  await server.register(
    createWebFiles({
      consoleDirectory: join(packageRoot, 'dist', 'console'),
      sdkDirectory: join(packageRoot, 'dist', 'sdk'),
    }),
  );
  const devices = new DeviceDoor({
    registry: legs,
    clock,
    logger: logger.child({ door: 'bandwidth' }),
    onRefused: (code) => metrics.refused('bandwidth', code),
    reconnectTimeoutMs: config.devices.reconnectSeconds * 1000,
  });
  starting.onClose(() => devices.close());
  const doors: WebSocketRoute[] = [
    {
      path: '/v3',
      maxPayloadBytes: maxDeviceFrameBytes,
      accept: (socket, request, source) => devices.accept(socket, request, source),
    },
    {
      path: '/sip',
      subprotocol: 'sip',
      maxPayloadBytes: config.sip.maxMessageBytes,
      accept: (socket, request, source) => sip.server.acceptWebSocket(socket, request, source),
    },
  ];
  const upgrades = handleUpgrades(server.server, doors, config.http.trustedProxies);
  starting.onClose(async () => {
    upgrades.close();
    await server.close();
  });
  await server.listen({ host: config.http.host, port: config.http.port });
  return { host: config.http.host, port: (server.server.address() as AddressInfo).port };
}

/** What is measured, and what must hold for calls to be taken. */
function watch({ metrics, legs, hub, media, stores }: Core, { server, door }: GatewaySip): Readiness {
  metrics.observeLegs(() => legs.countByKind());
  metrics.observeEventReaders(() => hub.readers);
  metrics.observeSip(() => server.stats());
  metrics.observeMedia(() => media.workers.statistics());
  metrics.observeServers(() => ({ drachtio: door.statistics(), freeSwitch: media.freeSwitches() }));
  const readiness = new Readiness();
  readiness.add('draining', () => (legs.isDraining ? 'the gateway is stopping' : null));
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

const stopping: Outcome = { endedBy: 'gateway', reason: 'gateway-stopping' };

async function untilIdle(legs: LegRegistry, deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (legs.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min(200, Math.max(1, deadline - performance.now()))),
    );
  }
}
