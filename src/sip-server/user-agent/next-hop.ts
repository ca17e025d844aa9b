/** Where a request goes first, read from a URI: host, port and transport. */
import { parseUri } from '../message/uri.js';
import type { Flow, TransportProtocol } from '../transport/flow.js';
import { addressKind } from './local-address.js';

/** Where and how to send a request. */
export interface NextHop {
  readonly protocol: TransportProtocol;
  /** Address or name; IPv6 without brackets. */
  readonly host: string;
  /** Absent: look it up in the DNS, else 5060 (RFC 3263). */
  readonly port?: number;
  /** The URI names the transport itself; otherwise a long message may go over TCP instead (RFC 3261 §18.1.1). */
  readonly transportGiven: boolean;
}

/** Reads the next hop out of a URI; null for what cannot be sent to (tel, sips, nonsense). */
export function nextHopOf(uri: string): NextHop | null {
  const parsed = parseUri(uri);
  if (!parsed || parsed.scheme !== 'sip' || parsed.host === '') return null;
  const transport = parsed.params.get('transport')?.toLowerCase();
  if (transport !== undefined && !['udp', 'tcp', 'ws', 'wss'].includes(transport)) return null;
  const protocol = (transport ?? 'udp') as TransportProtocol;
  const host = parsed.params.get('maddr') ?? parsed.host;
  const transportGiven = transport !== undefined;
  return parsed.port === undefined
    ? { protocol, host, transportGiven }
    : { protocol, host, port: parsed.port, transportGiven };
}

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
  if (hop.host !== flow.remoteAddress) return true;
  return hop.protocol === flow.protocol && (hop.port ?? 5060) === flow.remotePort;
}
