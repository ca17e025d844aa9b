/** Composition root: this file and `gateway/` are all that sees every layer. Opens them in order; stops. */
import type { Config } from './config/config-schema.js';
import type { Credentials } from './config/credentials.js';
import { systemClock } from './domain/clock.js';
import { formatHostPort } from './domain/host-port.js';
import type { Logger } from './domain/logger.js';
import type { Outcome } from './domain/outcome.js';
import type { TrunkLines } from './doors/sip/trunk-lines.js';
import type { BoundAddress } from './gateway/addresses.js';
import { NameLookUps } from './events/name-look-ups.js';
import { Closers } from './gateway/closers.js';
import { openCertificates } from './gateway/certificates.js';
import { ConsoleMark } from './gateway/console-mark.js';
import type { GatewayContext } from './gateway/context.js';
import { openDomain } from './gateway/domain.js';
import { createNode } from './gateway/node.js';
import { openFoundation } from './gateway/foundation.js';
import { checkOwnAddresses, checkOwnPorts } from './gateway/own-addresses.js';
import { Shutdown } from './gateway/shutdown.js';
import { openRefusals } from './gateway/refusals.js';
import { openSip } from './gateway/sip.js';
import { openTraces } from './gateway/traces.js';
import { openTrunkLines } from './gateway/trunk-lines.js';
import { outboundHindrance } from './gateway/trunks.js';
import { openWeb } from './gateway/web.js';
import type { ListenerAddresses } from './sip-server/index.js';

export interface GatewayOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
}

export interface Gateway {
  readonly http: BoundAddress & { readonly isTls: boolean };
  /** `tlsPort`: null where SIP is spoken in the clear only. `others`: the further addresses, like `udp 192.0.2.1:5060`. */
  readonly sip: BoundAddress & { readonly tlsPort: number | null; readonly others: readonly string[] };
  readonly credentials: Credentials;
  /** Refuses new calls, waits for those in progress up to the deadline, then closes; never rejects. */
  drain(deadlineMs: number): Promise<void>;
  /** Ends every call and stops at once, whatever fails on the way; never rejects. Idempotent. */
  close(): Promise<void>;
}

const stopping: Outcome = { endedBy: 'gateway', reason: 'gateway-stopping' };

/** Rejects with ConfigError, DataDirectoryInUse or the system's error of a port that is taken; nothing stays open then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const clock = systemClock;
  const closers = new Closers({ clock, logger: options.logger });
  const lookUps = new NameLookUps(options.config.webhooks.maxLookUps);
  try {
    return await compose({ ...options, clock, closers, lookUps });
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function compose(context: GatewayContext): Promise<Gateway> {
  const { closers } = context;
  await checkOwnAddresses(context.config);
  // Before the credentials are made, which are shown by the start that made them.
  await checkOwnPorts(context.config);
  const certificates = openCertificates(context);
  const foundation = await openFoundation(context);
  foundation.metrics.observeCertificates(() => certificates?.ends() ?? {});
  const domain = await openDomain(context, foundation);
  const { legs, voice, trunks } = domain;
  const traces = openTraces(context, foundation);
  const refusals = openRefusals(context, foundation, { voice, traces });
  const consoleMark = new ConsoleMark();
  let trunkLines: TrunkLines | null = null;
  const sip = await openSip({
    ...context,
    certificates,
    legs,
    tokens: foundation.tokens,
    trunks,
    dialIn: (...call) => voice.calls.dialIn(...call),
    mayDialIn: (address) => domain.dialInNetworks.has(address),
    sourceOf: (source, fieldOf) => consoleMark.sourceOf(source, fieldOf),
    onRegistrationLost: (callId) => trunkLines?.registrationLost(callId),
    onRefused: (call) => refusals.atDoors.refused(call),
    onRefusedByServer: (call) => refusals.elsewhere.refused(call),
  });
  traces.watch(sip.server);
  trunkLines = openTrunkLines(context, {
    events: foundation.journal.events,
    directory: trunks.directory,
    door: sip.door,
    metrics: foundation.metrics,
  });
  const node = createNode(context, { foundation, legs, sip, trunkLines });
  const http = await openWeb(context, {
    ...{ certificates, foundation, domain, refusals, sip, node, consoleMark, traces, trunkLines },
  });
  // The ends of the calls are facts, which transfers follow. What cannot be written yet is the journal's to try once more.
  closers.onClose('facts', () => foundation.journal.settled().catch(() => undefined));
  closers.onClose('calls', () => legs.endAll(stopping));
  // Calls may come from now on.
  if (outboundHindrance(context.config) === null) trunks.directory.watch(trunkLines);
  const shutdown = new Shutdown({
    ...context,
    legs,
    refuseCalls() {
      node.stop();
      // Nobody waits for the end of the console's own test calls.
      http.hangUpTestCalls();
    },
  });
  return {
    http: { ...http.address, isTls: http.isTls },
    sip: {
      ...{ ...sip.address(), tlsPort: sip.server.tlsAddress?.port ?? null },
      others: sip.server.otherAddresses.flatMap(inWords),
    },
    credentials: foundation.credentials,
    drain: (deadlineMs) => shutdown.drain(deadlineMs),
    close: () => shutdown.close(),
  };
}

function inWords(listener: ListenerAddresses): string[] {
  return (['udp', 'tcp', 'tls'] as const).flatMap((transport) => {
    const bound = listener[transport];
    if (bound === undefined) return [];
    return [`${transport} ${formatHostPort({ host: bound.address, port: bound.port })}`];
  });
}
