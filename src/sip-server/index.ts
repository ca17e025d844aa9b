/** The public door of the SIP engine: `createSipServer` opens a server that drachtio-srf connects to. */
export { createSipServer } from './sip-server.js';
export type { ListenerAddresses, SipServer, SipServerOptions, SipServerStats } from './sip-server.js';
export type { SourceBan } from './defence/source-guard.js';
export type { EngineOptions } from './engine.js';
export { checkNewRequest } from './user-agent/request-checks.js';
export type { ListenerOptions } from './listeners.js';
export type { NotSent, SendResult, Sent } from './user-agent/application.js';
export type { SipLogger } from './user-agent/environment.js';
export type { Clock } from './transaction/clock.js';
export type { TimerSettings } from './transaction/timers.js';

export { HeaderFields } from './message/header-fields.js';
export type { HeaderField } from './message/header-fields.js';
export type { SipMessage, SipRequest, SipResponse } from './message/message.js';
export { parseMessage } from './message/parse-message.js';
export type { ParseLimits, ParseResult } from './message/parse-message.js';
export { formatMessage } from './message/format-message.js';
export { escapeUser, formatUri, parseUri, redactUri, unescapeUri } from './message/uri.js';
export type { SipUri } from './message/uri.js';
export { formatNameAddr, parseNameAddr } from './message/name-addr.js';
export type { NameAddr } from './message/name-addr.js';
export { formatParameters, parseParameters, splitCommas } from './message/parameters.js';
export type { Parameters } from './message/parameters.js';
export { formatVia, parseVia } from './message/via.js';
export type { Via } from './message/via.js';
export { formatCSeq, parseCSeq } from './message/cseq.js';
export type { CSeq } from './message/cseq.js';

export type { Flow, TransportProtocol } from './transport/flow.js';
export type {
  BoundAddress,
  ListeningTransport,
  MessageTap,
  TappedFlow,
  Transport,
  TransportStats,
} from './transport/transport.js';
export { UdpTransport } from './transport/udp-transport.js';
export type { SipCertificates, TlsStreamOptions } from './transport/stream-source.js';
export { TcpTransport } from './transport/tcp-transport.js';
export { WebSocketTransport } from './transport/web-socket-transport.js';
