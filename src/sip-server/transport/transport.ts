/** What every transport is to the layer above it. */
import type { SipMessage, SipRequest } from '../message/message.js';
import type { RefusalStatus } from '../message/parse-message.js';
import type { Flow, TransportProtocol } from './flow.js';

export interface BoundAddress {
  /** IP address as bound; `0.0.0.0` or `::` when it is every address. */
  readonly address: string;
  readonly port: number;
}

/** `raw` is the message as it came, before `received` and `rport` were written into its Via. */
export type MessageHandler = (message: SipMessage, flow: Flow, raw: Buffer) => void;

/** With `answerable` the request deserves an answer with `status`; without it the bytes were dropped and counted. */
export type MalformedHandler = (
  reason: string,
  flow: Flow,
  answerable: SipRequest | undefined,
  status: RefusalStatus,
) => void;

/** Sees each message as it passed: `in` before anything is done with it, `out` as it is handed to the network. */
export type MessageTap = (direction: 'in' | 'out', bytes: Buffer, flow: TappedFlow) => void;

export type TappedFlow = Pick<
  Flow,
  'protocol' | 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'
>;

export type FlowClosedHandler = (flow: Flow) => void;

/**
 * What a connection is worth. `used`: a call or a registration goes over it, or a request of it waits for an answer. `known`: so it
 * was, once. `stranger`: nothing that its peer asked was accepted.
 */
export type Standing = 'stranger' | 'known' | 'used';

export type StandingOf = (flow: Flow) => Standing;

/**
 * How soon a datagram is read: `at-once`, or once nothing else is to be done, `later` behind `soon`.
 */
export type Precedence = 'at-once' | 'soon' | 'later';

/** Counters since the transport was made, except `connectionsOpen`, which is now. */
export interface TransportStats {
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Messages of banned sources, which nobody reads. */
  readonly messagesIgnored: number;
  /** Datagrams of strangers that waited to be read until too many others did. */
  readonly datagramsDropped: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Not SIP, or SIP that breaks its rules; answerable or not. */
  readonly malformed: number;
  readonly keepAlives: number;
  readonly sendErrors: number;
  /** Exceptions out of the handlers of whoever uses the transport: each is a defect there. */
  readonly handlerErrors: number;
  readonly connectionsOpen: number;
  readonly connectionsOpened: number;
  /** Turned away because a limit was reached. */
  readonly connectionsRefused: number;
  /** Closed by us: idle, too slow, not reading what we send, or to make room. */
  readonly connectionsDropped: number;
}

/**
 * Carries SIP messages over one protocol. A transport has one user: each `on…` sets the handler and replaces the one
 * before. Requests reach the handler with `received` and `rport` already in their top Via. No input throws.
 */
export interface Transport {
  readonly protocol: TransportProtocol;
  /** What `listen` bound, while it is bound. */
  readonly boundAddress: BoundAddress | undefined;
  /** Which of several listeners it belongs to, from 0; absent: to none. */
  readonly listener?: number | undefined;
  /** Bound to all addresses of IPv6, and to none of IPv4. */
  readonly isIpv6Only?: boolean;
  onMessage(handler: MessageHandler): void;
  onMalformed(handler: MalformedHandler): void;
  /** A connection ended, whoever ended it. Never for UDP. */
  onFlowClosed(handler: FlowClosedHandler): void;
  /** Asked before a connection is closed because it is idle, or to make room for another. Default: all are strangers'. */
  judgeBy(standingOf: StandingOf): void;
  /** Reads no message and takes no connection of whom `isIgnored` says so, asked for each. Default: nobody is ignored. */
  ignore(isIgnored: (address: string) => boolean): void;
  /** Asked for each datagram, before it is read; connections are read as it comes. Must be cheap. Default: all are read at once. */
  arrange(precedenceOf: (bytes: Buffer, address: string) => Precedence): void;
  /** Shows every message to `tap`, which must not throw; null: no more. Default: nobody is shown any. */
  tap(tap: MessageTap | null): void;
  /**
   * A flow to that peer: over UDP at once, else an open connection to it, else a new one. With TLS the peer must prove that it
   * is `serverName`. Rejects when there is none.
   */
  connect(host: string, port: number, serverName?: string): Promise<Flow>;
  stats(): TransportStats;
  /** Closes everything; idempotent. */
  close(): Promise<void>;
}

export interface ListeningTransport extends Transport {
  /** Binds; port 0 lets the system choose. Rejects with the system's error (`EADDRINUSE`, …). */
  listen(host: string, port: number): Promise<BoundAddress>;
}
