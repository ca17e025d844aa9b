/** Who is reached by the connection that they came by, and by nothing else. */
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { parseUri } from '../message/uri.js';
import { isSameAddress } from '../transport/address.js';
import type { Flow } from '../transport/flow.js';
import { addressKind } from '../user-agent/local-address.js';

/** A WebSocket cannot be dialled (RFC 7118 §5). */
export function isWebSocket({ protocol }: Flow): boolean {
  return protocol === 'ws' || protocol === 'wss';
}

/**
 * Whether requests to the sender go down its connection: a browser's, and that of a phone which asks for it (`ob`, RFC 5626 §4.3), or
 * tells an address that it has behind a NAT.
 */
export function isBoundTo(flow: Flow, { headers }: SipRequest): boolean {
  if (isWebSocket(flow)) return true;
  const isSentByProxy = headers.all('Via').join().split(',').length > 1;
  const uri = parseUri(parseNameAddr(headers.get('Contact') ?? '')?.uri ?? '');
  if (!flow.reliable || isSentByProxy || uri === null) return false;
  if (uri.params.has('ob') || uri.host.toLowerCase().endsWith('.invalid')) return true;
  const kind = addressKind(uri.host);
  return kind !== 'public' && kind !== 'name' && !isSameAddress(uri.host, flow.remoteAddress);
}
