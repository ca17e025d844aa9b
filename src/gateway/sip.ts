/** Opens the SIP server (ours, or connections to drachtio-servers) and the door that turns its calls into legs. */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { Config } from '../config/config-schema.js';
import { sipPlaces, type SipPlace } from '../config/sip-places.js';
import { AdvertisedAddresses } from '../domain/advertised-addresses.js';
import { sourceOf } from '../domain/address-source.js';
import type { RefusedCall } from '../domain/facts/refused-call.js';
import { LimitedLines, strangersLines } from '../domain/limited-lines.js';
import { NetworkList } from '../domain/network-list.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import type { TokenCodec } from '../domain/participants/token.js';
import { UnconfirmedCalls } from '../domain/trunks/unconfirmed-calls.js';
import { credentialGlance, requestUriIn } from '../doors/sip/credential-glance.js';
import { createQuickAck } from '../doors/sip/quick-ack.js';
import { describeInvite } from '../doors/sip/refused-invite.js';
import { guesserOf } from '../doors/sip/request-origin.js';
import { Screen } from '../doors/sip/screen.js';
import { SipDoor } from '../doors/sip/sip-door.js';
import { contactUserOf } from '../doors/sip/trunk-call.js';
import type { IncomingCallSettings } from '../doors/sip/incoming-call.js';
import {
  createSipServer,
  type ListenerOptions,
  type SipServer,
  type SipServerOptions,
  type TlsStreamOptions,
} from '../sip-server/index.js';
import { alternativeNamesOf, namesHost, readAuthorities } from '../tls/certificate.js';
import type { Certificates, ShownCertificates } from '../tls/certificates.js';
import type { BoundAddress } from './addresses.js';
import type { GatewayContext } from './context.js';
import { readable } from './readable-request.js';
import { trunkAddresses, type Trunks } from './trunks.js';

export interface OpenSipOptions extends GatewayContext {
  /** Null: no SIP over TLS. */
  readonly certificates: Certificates | null;
  readonly legs: LegRegistry;
  readonly tokens: Pick<TokenCodec, 'verify'>;
  readonly trunks: Pick<Trunks, 'directory' | 'calls' | 'digest' | 'stir'>;
  readonly dialIn: NonNullable<IncomingCallSettings['dialIn']>;
  /** A call from there may be let in because of the number that it was sent to. */
  readonly mayDialIn: (address: string) => boolean;
  readonly sourceOf: NonNullable<IncomingCallSettings['sourceOf']>;
  readonly onRefused: (call: RefusedCall) => void;
  /** The connection is gone that a registration of ours went by, which has this Call-ID. */
  readonly onRegistrationLost: (callId: string) => void;
  /** Told of calls that our SIP server refused by itself. */
  readonly onRefusedByServer: (call: RefusedCall) => void;
}

export interface GatewaySip {
  readonly server: SipServer;
  readonly door: SipDoor;
  /** Calls that nothing but their address speaks for. */
  readonly unconfirmed: UnconfirmedCalls;
  /** Where phones call. While a drachtio-server has not told us yet, the address that ours would have. */
  address(): BoundAddress;
}

const retryAfterSeconds = 10;
/** Option tags that may stand in Require. */
export const supportedExtensions: readonly string[] = ['100rel', 'timer', 'replaces'];

/** Rejects where our own server cannot listen; drachtio-servers may come later. */
export async function openSip(options: OpenSipOptions): Promise<GatewaySip> {
  const { config, legs, clock, logger, closers } = options;
  const secret = randomBytes(32).toString('hex');
  const server = await openServer(options, secret);
  closers.onClose('SIP', () => server.close());
  const unconfirmed = new UnconfirmedCalls(config.trunks.maxUnconfirmedCalls);
  const door = await SipDoor.open({
    server: {
      host: server.adminAddress.address,
      port: server.adminAddress.port,
      secret,
      connect: () => server.connect(),
    },
    ...(config.drachtio !== undefined && {
      external: { servers: config.drachtio, settings: linkSettings(config), quickAck: createQuickAck() },
    }),
    legs,
    isDraining: () => legs.isDraining,
    clock,
    logger: logger.child({ door: 'sip' }),
    settings: {
      tokenHeaders: config.tokenHeaders,
      answerTimeoutMs: config.sip.answerTimeoutSeconds * 1000,
      retryAfterSeconds,
      dialIn: options.dialIn,
      unconfirmed,
      sourceOf: options.sourceOf,
      trunks: {
        enter: (call) => options.trunks.calls.enter(call),
        digest: options.trunks.digest,
        hashesOf: (trunkId) => options.trunks.directory.hashesOf(trunkId),
        certificateNamesOf: ({ source_address: address, source_port: port, protocol }) =>
          protocol === 'tls' ? namesIn(server.peerCertificate({ address, port: Number(port) })) : [],
        verify: options.trunks.stir.verify,
        refuseOthers: config.sip.callsFromNoTrunk === 'refuse',
      },
    },
    onRefused: options.onRefused,
  });
  closers.onClose('SIP door', () => door.close());
  return {
    server,
    door,
    unconfirmed,
    address() {
      const [first] = door.addresses;
      if (first !== undefined) return { host: first.host, port: first.port };
      return { host: config.sip.host, port: server.udpAddress?.port ?? config.sip.port };
    },
  };
}

/** Where there are drachtio-servers, phones come through those and ours takes only the browsers' WebSockets. */
function openServer(options: OpenSipOptions, secret: string): Promise<SipServer> {
  const { config, logger, version } = options;
  const advertised = new AdvertisedAddresses(config.advertise);
  const { listen, sessionTimerSeconds } = config.sip;
  const [first, ...others] = sipPlaces(config);
  return createSipServer({
    ...(config.drachtio === undefined && {
      ...listenerOptions(options, first),
      listeners: others.map((place, index) => ({
        ...listenerOptions(options, place),
        host: listen[index]?.name ?? listen[index]?.address,
      })),
    }),
    webSocket: connectionLimits(config),
    admin: { host: '127.0.0.1', port: 0, secret },
    ...(config.publicIp === undefined ? {} : { publicAddress: config.publicIp }),
    hostFor: (remoteAddress) => advertised.hostFor(remoteAddress),
    userAgent: `Landbridge/${version}`,
    supported: supportedExtensions,
    messageLimits: { maxMessageBytes: config.sip.maxMessageBytes },
    maxTransactions: config.sip.maxTransactions,
    maxTransactionsPerAddress: config.sip.maxTransactionsPerAddress,
    maxTransactionsPerDialog: config.sip.maxTransactionsPerDialog,
    sourceOf,
    isKnownPeer: (address) => options.trunks.directory.isTrunkAddress(address),
    screen: screenOf(options),
    isPromising: promising(options),
    maxWaitingDatagrams: config.sip.maxWaitingDatagrams,
    onRefused: refusedByServer(options),
    maxDialogs: config.sip.maxDialogs,
    strangers: {
      answersPerSecond: config.sip.strangerAnswersPerSecond,
      banAfterRefusals: config.sip.banAfterRefusals,
      banMs: config.sip.banSeconds * 1000,
      maxSources: config.sip.maxStrangers,
      onBanned: ({ source, untilMs }) =>
        logger.warn({ source, until: new Date(untilMs) }, 'a source was banned'),
    },
    ...(config.sip.scanners === 'drop' && {
      scanners: {
        agents: config.sip.scannerAgents,
        maxUsersPerMinute: config.sip.sweptUsersPerMinute,
        maxSources: config.sip.maxStrangers,
      },
    }),
    ...(sessionTimerSeconds === 0 ? {} : { sessionSeconds: sessionTimerSeconds }),
    nextHop: nextHopOptions(options),
    registrationPingMs: config.nextHop.udpKeepAliveSeconds * 1000,
    onRegistrationLost: options.onRegistrationLost,
    logger: logger.child({ layer: 'sip-server' }),
  });
}

/** The sockets of one address to listen on. */
function listenerOptions({ config, certificates }: OpenSipOptions, place: SipPlace): ListenerOptions {
  const { host, port, tlsPort, transports, ipv6Only, certificate } = place;
  const { keepAliveSeconds, pongSeconds } = config.nextHop;
  const socket = { host, ipv6Only };
  const streams = {
    ...{ ...socket, ...connectionLimits(config), idleTimeoutMs: config.sip.idleTimeoutSeconds * 1000 },
    ...(keepAliveSeconds > 0 && {
      keepAlive: { everyMs: keepAliveSeconds * 1000, pongMs: pongSeconds * 1000 },
    }),
  };
  const shown = certificate === null ? certificates : (certificates?.shownFirst(certificate) ?? null);
  return {
    ...(transports.includes('udp') && { udp: { ...socket, port } }),
    ...(transports.includes('tcp') && { tcp: { ...streams, port } }),
    ...(transports.includes('tls') &&
      shown !== null && { tls: { ...streams, port: tlsPort, ...tlsOptions(config, shown) } }),
  };
}

function connectionLimits({ sip }: Config) {
  return {
    maxConnections: sip.maxConnections,
    maxConnectionsPerAddress: sip.maxConnectionsPerAddress,
    firstMessageTimeoutMs: sip.firstMessageTimeoutSeconds * 1000,
    stalledMs: sip.stalledSeconds * 1000,
  };
}

function nextHopOptions({
  config,
  clock,
  logger,
  closers,
}: OpenSipOptions): NonNullable<SipServerOptions['nextHop']> {
  const { nextHop } = config;
  // Callers choose the names that requests in their calls go to.
  const lines = new LimitedLines({
    ...{ clock, ...strangersLines },
    tellMore: (counts) => logger.info(counts, 'more servers could not be looked up or connected to'),
  });
  closers.onClose('lines of servers out of reach', () => lines.close());
  const addresses = trunkAddresses(config);
  const datagrams = new NetworkList(nextHop.udpOnlyNetworks);
  return {
    dnsServers: nextHop.dnsServers,
    dnsTimeoutMs: nextHop.dnsTimeoutSeconds * 1000,
    dnsCacheMs: nextHop.dnsCacheSeconds * 1000,
    maxDnsAnswers: nextHop.maxDnsAnswers,
    firstResponseMs: nextHop.firstResponseSeconds * 1000,
    maxTargets: nextHop.maxTargets,
    lookUpMs: nextHop.lookUpSeconds * 1000,
    limitLine: (write) => lines.write(write),
    deadMs: nextHop.deadSeconds * 1000,
    maxDead: nextHop.maxDead,
    takesDatagramsAlone: (address) => datagrams.has(address),
    // New requests are those that accounts have us send.
    mayReach: (address) => addresses.allows(address),
  };
}

function tlsOptions({ tls }: Config, certificates: ShownCertificates): TlsStreamOptions {
  const { clientCertificates, showTo, verifyServers, serverCa, handshakeTimeoutSeconds } = tls;
  return {
    ...{ certificates, clientCertificates, verifyServers },
    showCertificateTo: (serverName) => namesHost(showTo, serverName),
    handshakeTimeoutMs: handshakeTimeoutSeconds * 1000,
    ...(serverCa !== undefined && { serverCa: [...rootCertificates, readAuthorities(serverCa)] }),
  };
}

function screenOf({
  config,
  tokens,
  clock,
  logger,
  closers,
  onRefused,
  ...options
}: OpenSipOptions): NonNullable<SipServerOptions['screen']> {
  const { tokenHeaders } = config;
  const screen = new Screen({
    ...{ tokenHeaders, tokens, retryAfterSeconds, clock, onRefused },
    isTrunkAddress: (address) => options.trunks.directory.isTrunkAddress(address),
    isTrunkContact: (user) => options.trunks.directory.byContact(user) !== null,
    challenge: (request) => {
      const hashes = options.trunks.directory.hashesOf(null);
      if (hashes.length === 0) return null;
      const { digest } = options.trunks;
      return digest.answersUs(request.get('Authorization')) ? [] : digest.challenges(hashes);
    },
    mayDialIn: (address) => options.mayDialIn(address),
    refuseStrangers: config.sip.callsFromNoTrunk === 'refuse',
    isOurOwn: (request, source) => options.sourceOf(source, (name) => request.get(name)) !== source,
    hasGuessedTooMuch: (guesser) => options.legs.hasGuessedTooMuch(guesser),
    logger: logger.child({ door: 'sip' }),
  });
  closers.onClose('lines of refused calls', () => screen.close());
  return (invite, { remoteAddress, protocol, peerCertificate = null }) => {
    // Some trunk's, which has rules of its own.
    if (options.trunks.directory.byCertificate(namesIn(peerCertificate)).length > 0) return null;
    const isBrowser = protocol === 'ws' || protocol === 'wss';
    const origin = {
      address: remoteAddress,
      guesser: guesserOf({ source_address: remoteAddress, protocol }),
      isBrowser,
    };
    const refusal = screen.refusalOf(readable(invite), origin);
    if (refusal === null) return null;
    const challenges = refusal.challenges?.map((value) => ['WWW-Authenticate', value] as const) ?? [];
    return { status: refusal.status, headers: [...Object.entries(refusal.headers), ...challenges] };
  };
}

/** As the screen judges: what comes from a network that numbers are called from, or to a Contact that a registrar was told, may be good. */
function promising({
  config,
  mayDialIn,
  trunks,
}: OpenSipOptions): NonNullable<SipServerOptions['isPromising']> {
  const mayShowCredential = credentialGlance(config.tokenHeaders);
  const isToContact = (head: string): boolean => {
    const user = contactUserOf(requestUriIn(head));
    return user !== null && trunks.directory.byContact(user) !== null;
  };
  return (head, address) => mayDialIn(address) || mayShowCredential(head) || isToContact(head);
}

function namesIn(certificate: X509Certificate | null): readonly string[] {
  return certificate === null ? [] : alternativeNamesOf(certificate);
}

/** How refusals of our SIP server are called in records; others are `bad-request`. */
const serverRefusals: Readonly<Record<number, string>> = {
  420: 'unsupported-extension',
  481: 'no-such-dialog',
  503: 'overloaded',
  513: 'message-too-long',
};

function refusedByServer({ onRefusedByServer }: OpenSipOptions): NonNullable<SipServerOptions['onRefused']> {
  return (invite, { remoteAddress: source }, { status, reason = null }) => {
    // Asked for another session interval the phone calls again by itself (RFC 4028 §7.3).
    if (status === 422) return;
    const code = serverRefusals[status] ?? 'bad-request';
    onRefusedByServer({
      ...{ door: 'sip', code, source, participantId: null, accountId: null, legId: null },
      details: () => describeInvite(readable(invite), { code, sipStatus: status, detail: reason }),
    });
  };
}

function linkSettings({ sipServer }: Config) {
  return {
    longestRetryMs: sipServer.longestRetrySeconds * 1000,
    graceMs: sipServer.graceSeconds * 1000,
    probeMs: sipServer.probeSeconds * 1000,
    probeFailures: sipServer.probeFailures,
  };
}
