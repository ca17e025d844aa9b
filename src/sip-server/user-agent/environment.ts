/** What all parts of the user agent share: settings, counters, clock, dialogs, transactions, the way to the network. */
import type { ScannerWatch } from '../defence/scanner-watch.js';
import type { SourceGuard } from '../defence/source-guard.js';
import type { DialogStore } from '../dialog/dialog-store.js';
import type { SipRequest } from '../message/message.js';
import type { Clock } from '../transaction/clock.js';
import type { TimerSettings } from '../transaction/timers.js';
import type { TransactionLayer } from '../transaction/transaction-layer.js';
import type { Flow } from '../transport/flow.js';
import type { Addressing } from './addressing.js';
import type { Application, ApplicationDirectory } from './application.js';
import type { CallRecords } from './call-records.js';
import type { FlowStandings } from './flow-standings.js';
import type { KeptRegistrations } from './kept-registrations.js';
import type { NextHop } from './next-hop.js';
import type { Refusal } from './request-checks.js';
import type { ServerPlace, StreamsBeside, Way } from './way.js';

/** Where the engine's log lines go; constant messages, data in fields. */
export interface SipLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: SipLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface UserAgentSettings {
  /** For Server and User-Agent; absent: neither is sent. */
  readonly userAgent?: string;
  /** Why a new INVITE is turned away before an application hears of it; null: it is not. Must not throw. */
  readonly screen?: (invite: SipRequest, flow: Flow) => Refusal | null;
  /** Told of each new INVITE that is refused for another reason before an application hears of it. Must not throw. */
  readonly onRefused?: (invite: SipRequest, flow: Flow, refusal: Refusal) => void;
  /** Option tags that may stand in Require, and that we announce. */
  readonly supported: readonly string[];
  /** Most requests that wait for an application's answer. */
  readonly maxPendingRequests: number;
  /** After this an INVITE without a final answer is answered 408. */
  readonly inviteTimeoutMs: number;
  /** Seconds in the Retry-After of a 503. */
  readonly retryAfterSeconds: number;
  /** A server that has answered nothing to a new request by then is left for the next one. */
  readonly firstResponseMs: number;
  /** A registration of ours over UDP is pinged this often at least. Absent or 0: never. */
  readonly registrationPingMs?: number;
  /** The session interval that callers who ask for none are offered (RFC 4028). Absent: none is. */
  readonly sessionSeconds?: number;
}

export interface UserAgentCounters {
  /** Refusals that were made here rather than by an application, by status. */
  readonly refusals: Map<number, number>;
  dialogsCreated: number;
  /** Dialogs ended by the server itself. */
  dialogsEndedByServer: number;
  cancelled: number;
  /** Requests of strangers that got no answer, because their source had had enough. */
  answersWithheld: number;
  /** Requests of scanners, which get no answer. */
  scannersIgnored: number;
}

/** What the parts of a user agent share. */
export interface UserAgentEnvironment {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly logger: SipLogger;
  /** Null: strangers have no limits. */
  readonly guard: SourceGuard | null;
  /** Null: scanners are answered as others are. */
  readonly scanners: ScannerWatch | null;
  readonly settings: UserAgentSettings;
  readonly counters: UserAgentCounters;
  readonly addressing: Addressing;
  readonly directory: ApplicationDirectory;
  readonly dialogs: DialogStore<Application>;
  readonly transactions: TransactionLayer;
  readonly standings: FlowStandings;
  readonly kept: KeptRegistrations;
  readonly records: CallRecords;
  /** A flow to that hop, from the listener that `near` came by where that one leads there. Rejects when there is no way. */
  readonly connect: (hop: NextHop, near?: Flow) => Promise<Flow>;
  /** The servers of that hop, `first` before the others; null where no transport leads there. */
  readonly wayTo: (hop: NextHop, first?: ServerPlace) => Way | null;
  /** The servers for what is passed on, or belongs to a call: it may go anywhere. */
  readonly wayWithin: (hop: NextHop) => Way | null;
  readonly streams: StreamsBeside;
}
