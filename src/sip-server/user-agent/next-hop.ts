/** Where a request goes first, read from a URI: host, port and transport. */
import { parseUri } from '../message/uri.js';
import { isSameAddress } from '../transport/address.js';
import type { Flow, TransportProtocol } from '../transport/flow.js';
import { addressKind } from './local-address.js';

/** Where and how to send a request. */
export interface NextHop {
  readonly protocol: TransportProtocol;
  /** Address or name; IPv6 without brackets. */
  readonly host: string;
  /** Absent: look it up in the DNS, else 5060, with TLS 5061 (RFC 3263). */
  readonly port?: number;
  /** The URI names the transport itself; otherwise a long message may go over TCP instead (RFC 3261 §18.1.1). */
  readonly transportGiven: boolean;
  /** The far end of a call chose the name: it is asked of the DNS alone. Absent: an application of ours did. */
  readonly isNamedByPeer?: boolean;
  /** Whom the server proves to be by its certificate. Absent: `host`. */
  readonly serverName?: string;
}

/**
 * Reads the next hop out of a URI; null for what cannot be sent to (tel, nonsense). `sips` is TLS whatever the URI's transport
 * is (RFC 3261 §26.2.2): `tcp` there means what is below TLS, and over UDP there is none.
 */
export function nextHopOf(uri: string): NextHop | null {
  const parsed = parseUri(uri);
  if (!parsed || parsed.scheme === 'tel' || parsed.host === '') return null;
  const transport = parsed.params.get('transport')?.toLowerCase();
  const isSecure = parsed.scheme === 'sips';
  const protocol = isSecure
    ? secureProtocols.get(transport ?? 'tls')
    : plainProtocols.get(transport ?? 'udp');
  if (protocol === undefined) return null;
  const host = parsed.params.get('maddr') ?? parsed.host;
  const transportGiven = isSecure || transport !== undefined;
  return parsed.port === undefined
    ? { protocol, host, transportGiven }
    : { protocol, host, port: parsed.port, transportGiven };
}

/** The next hop that an application names beside a request: `;server-name=` there says whose the certificate has to be. */
export function ordered(uri: string): NextHop | null {
  const hop = nextHopOf(uri);
  const serverName = parseUri(uri)?.params.get('server-name');
  return hop === null || serverName === undefined || serverName === '' ? hop : { ...hop, serverName };
}

const plainProtocols = new Map<string, TransportProtocol>([
  ['udp', 'udp'],
  ['tcp', 'tcp'],
  ['tls', 'tls'],
  ['ws', 'ws'],
  ['wss', 'wss'],
]);
const secureProtocols = new Map<string, TransportProtocol>([
  ['tcp', 'tls'],
  ['tls', 'tls'],
  ['ws', 'wss'],
  ['wss', 'wss'],
]);

/**
 * True when requests to that hop should go down the flow the peer was heard on: the flow is a connection, the hop is a
 * WebSocket client or an invented name (RFC 7118 §5.4.2), or a private address that the peer does not really have.
 */
export function belongsToFlow(hop: NextHop | null, flow: Flow): boolean {
  if (flow.reliable && flow.isOpen) return true;
  if (!hop || hop.protocol === 'ws' || hop.protocol === 'wss') return true;
  if (hop.host.endsWith('.invalid')) return true;
  const kind = addressKind(hop.host);
  if (kind === 'public' || kind === 'name') return false;
  if (!isSameAddress(hop.host, flow.remoteAddress)) return true;
  return hop.protocol === flow.protocol && (hop.port ?? defaultPort(hop.protocol)) === flow.remotePort;
}

/** Whether somebody can be called there without a connection of theirs. */
export function isDialable(uri: string): boolean {
  const parsed = parseUri(uri);
  const transport = parsed?.params.get('transport')?.toLowerCase();
  if (parsed === null || transport === 'ws' || transport === 'wss') return false;
  return !parsed.host.toLowerCase().endsWith('.invalid');
}

/** Where a host is reached that names no port (RFC 3261 §19.1.2). */
export function defaultPort(protocol: TransportProtocol): number {
  return protocol === 'tls' ? 5061 : 5060;
}
