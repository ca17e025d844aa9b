/** Everything on the HTTP port: REST, documentation, console, SDK, monitoring, and the WebSockets of browsers. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DeviceDoor } from '../doors/bandwidth/device-door.js';
import { GuessLimiter } from '../domain/legs/guess-limiter.js';
import type { NodeControl } from '../domain/node-control.js';
import type { TrunkStates } from '../domain/trunks/trunk-state.js';
import { hookDialects, transferDialects } from '../hooks/dialects.js';
import { createHooks } from '../hooks/hooks.js';
import { readWavMono } from '../media/worker/sound/wav.js';
import { createHttpServer, type HttpServer } from '../rest/http-server.js';
import { createMonitoring } from '../rest/monitoring.js';
import { createRest } from '../rest/rest.js';
import { RestError } from '../rest/rest-error.js';
import { readTrunkPresets } from '../rest/trunk-presets.js';
import { createWebFiles } from '../rest/web-files.js';
import { handleUpgrades, type WebSocketRoute } from '../rest/web-socket-upgrades.js';
import { CallInPhones } from '../softphone/call-in-phones.js';
import type { Certificates } from '../tls/certificates.js';
import { reachable, type BoundAddress } from './addresses.js';
import type { ConsoleMark } from './console-mark.js';
import type { GatewayContext } from './context.js';
import { iceServersOf } from './ice-servers.js';
import { packageRoot } from './package-root.js';
import type { GatewayDomain } from './domain.js';
import type { Foundation } from './foundation.js';
import { createCallExplainer } from './explain/call-explainer.js';
import { createReadiness } from './readiness.js';
import type { Refusals } from './refusals.js';
import type { GatewaySip } from './sip.js';
import type { GatewayTraces } from './traces.js';
import { sipAddress } from './sip-address.js';

export interface WebParts {
  /** Null: HTTP in the clear. */
  readonly certificates: Certificates | null;
  readonly foundation: Foundation;
  readonly domain: GatewayDomain;
  readonly sip: GatewaySip;
  readonly refusals: Refusals;
  readonly node: NodeControl;
  readonly consoleMark: ConsoleMark;
  readonly traces: GatewayTraces;
  readonly trunkLines: TrunkStates;
}

/** A device may send diagnostics that are longer than what the door reads of a message; that must not end its connection. */
const maxDeviceFrameBytes = 1024 * 1024;

export interface GatewayWeb {
  readonly address: BoundAddress;
  /** It speaks https. */
  readonly isTls: boolean;
  /** Ends the calls of the console's test caller. */
  hangUpTestCalls(): void;
}

/** Resolves when it listens. */
export async function openWeb(context: GatewayContext, parts: WebParts): Promise<GatewayWeb> {
  const { config, logger, closers } = context;
  const certificates = config.tls.http ? parts.certificates : null;
  const server = createHttpServer({
    logger: logger.child({ layer: 'http' }),
    ...config.http,
    ...(certificates !== null && {
      certificates,
      handshakeTimeoutSeconds: config.tls.handshakeTimeoutSeconds,
    }),
    onAnswered: (answer) => parts.foundation.metrics.requestAnswered(answer),
  });
  const phones = openPhones(context, parts.sip, parts.consoleMark);
  await registerApi(server, context, { ...parts, phones });
  await registerPages(server, context, parts);
  const upgrades = handleUpgrades(server, openWebSockets(context, parts), config.http);
  const close = async (): Promise<void> => {
    upgrades.close();
    await server.close();
  };
  closers.onClose('HTTP server', close, config.http.closeGraceSeconds * 1000);
  await server.listen({ host: config.http.host, port: config.http.port });
  const { port } = server.server.address() as AddressInfo;
  return {
    address: { host: config.http.host, port },
    isTls: certificates !== null,
    hangUpTestCalls: () => phones.hangUpAll(),
  };
}

/** REST for applications, and the hooks that voice platforms call. */
async function registerApi(
  server: HttpServer,
  context: GatewayContext,
  parts: WebParts & { readonly phones: CallInPhones },
): Promise<void> {
  const { config, clock, logger, version } = context;
  const { foundation, domain, sip, phones } = parts;
  const { publicUrl } = config.http;
  const { sessions, legs, voice, sounds, dtmf, recordings, trunks } = domain;
  const { hub, journal, stores, metrics, settled } = foundation;
  const address = () => sipAddress(config, sip);
  await server.register(
    createRest({
      ...{ sessions, legs, sounds, dtmf, recordings, settled, clock, version },
      accounts: foundation.credentials.accounts,
      sipAddress: address,
      iceServers: iceServersOf(config, clock),
      events: hub,
      webhooks: journal.webhooks,
      records: {
        async listRecords(query) {
          await parts.refusals.settled();
          return stores.records.listRecords(query);
        },
      },
      operatorAccount: foundation.operatorAccount,
      transfers: { transfers: voice.transfers, dialects: transferDialects, address },
      numbers: {
        numbers: voice.numbers,
        platforms: [...hookDialects.keys()],
        hookUrl: (origin, platform, numberId) =>
          `${publicUrl?.replace(/\/$/, '') ?? origin}/hooks/${platform}/${numberId}`,
      },
      trunks: {
        trunks: trunks.service,
        states: parts.trunkLines,
        presets: readTrunkPresets(join(packageRoot, 'assets/trunk-presets')),
      },
      phone: phones,
      calls: createCallExplainer(context, parts),
      traces: { traces: parts.traces.calls, maxMinutes: config.trace.maxMinutes },
      node: parts.node,
      authentication: {
        failuresPerMinute: config.http.failedLoginsPerMinute,
        maxSources: config.http.maxLoginSources,
      },
      eventStreams: config.events,
    }),
  );
  await server.register(
    createHooks({
      ...{ address, clock, settled },
      calls: voice.calls,
      publicUrl: publicUrl ?? null,
      orders: voice.orders,
      logger: logger.child({ layer: 'hooks' }),
      guesses: new GuessLimiter(
        { maxFailuresPerMinute: config.http.failedLoginsPerMinute, maxSources: config.http.maxLoginSources },
        clock,
      ),
      onAnswered: (platform, outcome) => metrics.hookAnswered(platform, outcome),
      refusedCalls: parts.refusals.elsewhere,
      error: (code, message) => new RestError(code, message),
    }),
  );
}

/** Health, readiness and metrics; the console and the SDK. */
async function registerPages(
  server: HttpServer,
  { config, version }: GatewayContext,
  { foundation, domain, sip }: WebParts,
): Promise<void> {
  const readiness = createReadiness({ foundation, ...domain, sip });
  const { metrics } = foundation;
  await server.register(
    createMonitoring({
      ...{ metrics, version },
      notReady: () => readiness.reasons(),
      metricsRefreshMs: config.metrics.refreshSeconds * 1000,
    }),
  );
  await server.register(
    createWebFiles({
      consoleDirectory: join(packageRoot, 'dist', 'console'),
      sdkDirectory: join(packageRoot, 'dist', 'sdk'),
    }),
  );
}

/** Where browsers come in: as Bandwidth devices, and with SIP. */
function openWebSockets(context: GatewayContext, { domain, sip, refusals }: WebParts): WebSocketRoute[] {
  const { config, clock, logger, closers } = context;
  const devices = new DeviceDoor({
    legs: domain.legs,
    clock,
    logger: logger.child({ door: 'bandwidth' }),
    onRefused: (call) => refusals.atDoors.refused(call),
    reconnectTimeoutMs: config.devices.reconnectSeconds * 1000,
  });
  closers.onClose('devices', () => devices.close());
  return [
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
      isPassive: (socket) => sip.server.isPassive(socket),
    },
  ];
}

/** The phones of the console's test call. */
function openPhones(
  { config, closers }: GatewayContext,
  sip: GatewaySip,
  consoleMark: ConsoleMark,
): CallInPhones {
  let voice: Int16Array | undefined;
  const phones = new CallInPhones({
    gateway: () => {
      const { host, port } = reachableSip(sip);
      return `${host}:${port}`;
    },
    headersFor: (accountId) => consoleMark.fieldsFor(accountId),
    voice: () => (voice ??= readWavMono(readFileSync(join(packageRoot, 'assets', 'caller-voice.wav')))),
    ...config.phoneCalls,
  });
  closers.onClose('test phones', () => phones.close());
  return phones;
}

function reachableSip(sip: GatewaySip): BoundAddress {
  const { host, port } = sip.address();
  return { host: reachable(host), port };
}
