/** Transactions, dialogs and user agent on given transports: the SIP server without its doors. */
import { DialogStore } from './dialog/dialog-store.js';
import { precedenceOf, type PrecedenceOptions } from './defence/precedence.js';
import { ScannerWatch, type ScannerWatchOptions } from './defence/scanner-watch.js';
import { SourceGuard, type SourceGuardOptions } from './defence/source-guard.js';
import { attach, responseFlowFor, type Transports } from './network.js';
import type { SipRequest } from './message/message.js';
import { OutgoingWays, type NextHopOptions } from './outgoing-ways.js';
import { systemClock, type Clock } from './transaction/clock.js';
import { defaultTimerSettings, type TimerSettings } from './transaction/timers.js';
import type { Flow } from './transport/flow.js';
import { Addressing } from './user-agent/addressing.js';
import type { Application, ApplicationDirectory } from './user-agent/application.js';
import { silentLogger, type SipLogger } from './user-agent/environment.js';
import type { Refusal } from './user-agent/request-checks.js';
import { UserAgentCore } from './user-agent/user-agent-core.js';

/** Settings of the engine, whatever doors it has. */
export interface EngineOptions {
  /** The address peers elsewhere reach us at, for Via and Contact. Default: the local address of each flow. */
  readonly publicAddress?: string;
  /** What a peer at that address is told to reach us at, in place of `publicAddress`; null: nothing of its own. Default: null. */
  readonly hostFor?: (remoteAddress: string) => string | null;
  /** For Server and User-Agent. Default: neither is sent. */
  readonly userAgent?: string;
  /** Option tags taken in Require and announced in Supported. Default `100rel`, `timer`, `replaces`. */
  readonly supported?: readonly string[];
  /** Default: nothing is logged. */
  readonly logger?: SipLogger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default T1 500 ms, T2 4 s, T4 5 s. */
  readonly timers?: Partial<TimerSettings>;
  /** Server and client transactions; above it new requests get 503. A UDP call leaves some for 32 s. Default 200,000. */
  readonly maxTransactions?: number;
  /** How many of them one source's requests outside of dialogs may have. Default: `maxTransactions`. */
  readonly maxTransactionsPerAddress?: number;
  /** How many of them the requests within one dialog may have: the oldest answered ones make room. Default 200. */
  readonly maxTransactionsPerDialog?: number;
  /** The name that an address is counted under where something is limited per source: a network may share one. Default: itself. */
  readonly sourceOf?: ((address: string) => string) | undefined;
  /** Whether the limits for strangers leave that address out, as a carrier's. Asked for every refusal: must be cheap. Default: never. */
  readonly isKnownPeer?: (address: string) => boolean;
  /** Why a new INVITE is turned away before an application hears of it; null: it is not. Must not throw. Default: none is. */
  readonly screen?: (invite: SipRequest, flow: Flow) => Refusal | null;
  /** Told of each new INVITE that is refused for another reason before an application hears of it. Must not throw. */
  readonly onRefused?: (invite: SipRequest, flow: Flow, refusal: Refusal) => void;
  /**
   * Whether a request of a stranger over UDP may be one that is let in, by its start line and header fields as they came: then it is
   * read before others. True wherever in doubt. Asked for each, must be cheap. Default: they all may.
   */
  readonly isPromising?: (head: string, address: string) => boolean;
  /** Limits on what strangers may cost us. Default: there are none. */
  readonly strangers?: Omit<SourceGuardOptions, 'clock' | 'sourceOf' | 'hasCalls' | 'isKnownPeer'>;
  /** Programs that try addresses and numbers are left without an answer. Default: they are answered as strangers are. */
  readonly scanners?: Omit<ScannerWatchOptions, 'clock' | 'sourceOf' | 'hasCalls' | 'isKnownPeer'>;
  /** Early and confirmed dialogs; above it INVITEs get 503. Default 50,000. */
  readonly maxDialogs?: number;
  /**
   * The session interval offered to callers who know session timers and UPDATE and ask for none, at least 90: a caller who
   * is gone without a BYE is found out after half of it. Default: none is offered.
   */
  readonly sessionSeconds?: number;
  /**
   * A registration of ours over UDP is pinged this often at least, so that no NAT forgets where calls are to be brought: by STUN where the
   * registrar says that it takes it (RFC 6223), else with line breaks. Default 0: never.
   */
  readonly registrationPingMs?: number;
  /** Told that the connection, or the way over UDP, is gone that our registration with this Call-ID went by. Must not throw. Default: nobody is. */
  readonly onRegistrationLost?: (callId: string) => void;
  /** How the servers are found that requests of ours go to. */
  readonly nextHop?: NextHopOptions;
}

export interface Engine {
  readonly core: UserAgentCore;
  readonly addressing: Addressing;
  readonly dialogs: DialogStore<Application>;
  /** Null where strangers have no limits. */
  readonly guard: SourceGuard | null;
  /** Null where scanners are answered. */
  readonly scanners: ScannerWatch | null;
}

/** Puts the layers together over some transports. */
export function createEngine(
  options: EngineOptions,
  transports: Transports,
  directory: ApplicationDirectory,
): Engine {
  const logger = options.logger ?? silentLogger;
  const addressing = new Addressing({
    ...(options.publicAddress !== undefined && { publicAddress: options.publicAddress }),
    ...(options.hostFor !== undefined && { hostFor: options.hostFor }),
  });
  const dialogs = new DialogStore<Application>(options.maxDialogs ?? 50_000);
  const clock = options.clock ?? systemClock;
  const { strangers, sourceOf = (address: string) => address } = options;
  const hasCalls = (source: string): boolean =>
    [...dialogs].some(({ flow }) => sourceOf(flow.remoteAddress) === source);
  const isKnownPeer = options.isKnownPeer ?? (() => false);
  const guard =
    strangers === undefined
      ? null
      : new SourceGuard({ ...strangers, clock, sourceOf, hasCalls, isKnownPeer });
  const ways = new OutgoingWays(transports, options.nextHop ?? {}, clock, logger);
  const scanners =
    options.scanners === undefined
      ? null
      : new ScannerWatch({ ...options.scanners, clock, sourceOf, hasCalls, isKnownPeer });
  const core = new UserAgentCore({
    ...{ clock, guard, scanners },
    timers: { ...defaultTimerSettings, ...options.timers },
    logger,
    settings: {
      ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
      ...(options.screen === undefined ? {} : { screen: options.screen }),
      ...(options.onRefused === undefined ? {} : { onRefused: options.onRefused }),
      supported: options.supported ?? ['100rel', 'timer', 'replaces'],
      maxPendingRequests: 20_000,
      // After timer C of any proxy.
      inviteTimeoutMs: 200_000,
      retryAfterSeconds: 5,
      firstResponseMs: options.nextHop?.firstResponseMs ?? 4_000,
      registrationPingMs: options.registrationPingMs ?? 0,
      ...(options.sessionSeconds === undefined ? {} : { sessionSeconds: options.sessionSeconds }),
    },
    addressing,
    directory,
    dialogs,
    maxTransactions: options.maxTransactions ?? 200_000,
    ...(options.maxTransactionsPerAddress === undefined
      ? {}
      : { maxTransactionsPerAddress: options.maxTransactionsPerAddress }),
    maxTransactionsPerDialog: options.maxTransactionsPerDialog ?? 200,
    sourceOf,
    connect: (hop, near) => ways.connect(hop, near),
    wayTo: (hop, first) => ways.to(hop, first),
    wayWithin: (hop) => ways.within(hop),
    streams: ways.streams,
    onRegistrationLost: options.onRegistrationLost,
    responseFlow: (flow, identity) => responseFlowFor(transports, flow, identity),
  });
  const { isPromising = () => true } = options;
  const known: PrecedenceOptions | null = guard && {
    isTrusted: (address) => guard.isTrusted(address),
    hasCallId: (callId) => dialogs.hasCallId(callId),
    awaits: (branch, method) => core.transactions.awaits(branch, method),
    isPromising,
  };
  for (const transport of transports) {
    attach(transport, {
      receive: (message, flow) => core.receive(message, flow),
      receiveMalformed: (reason, flow, answerable, status) => {
        logger.debug({ reason, remoteAddress: flow.remoteAddress }, 'malformed SIP message');
        guard?.refused(flow);
        if (answerable) core.receiveMalformed(answerable, flow, status, reason);
        // It takes an answer all the same: who sends much of it gets none to what could have one.
        else guard?.mayAnswer(flow, 'malformed');
      },
      flowClosed: (flow) => core.flowClosed(flow),
      standingOf: (flow) => core.standingOf(flow),
      isIgnored: (address) => guard?.isBanned(address) === true,
      ...(known !== null && {
        precedenceOf: (bytes, address) => precedenceOf(bytes, address, known),
      }),
    });
  }
  return { core, addressing, dialogs, guard, scanners };
}
