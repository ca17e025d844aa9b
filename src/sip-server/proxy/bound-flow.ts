/** Who is reached by the connection that they came by, and by nothing else. */
import type { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { parseUri } from '../message/uri.js';
import { isSameAddress } from '../transport/address.js';
import { isWebSocket, type Flow } from '../transport/flow.js';
import { addressKind } from '../user-agent/local-address.js';

/**
 * Whether requests to the sender go down its connection: a browser's, and that of a phone which asks for it (`ob`, RFC 5626 §4.3), or
 * tells an address that it has behind a NAT.
 */
export function isBoundTo(flow: Flow, { headers }: SipRequest): boolean {
  if (isWebSocket(flow)) return true;
  const uri = parseUri(parseNameAddr(headers.get('Contact') ?? '')?.uri ?? '');
  if (!flow.reliable || isSentByProxy(headers) || uri === null) return false;
  if (uri.params.has('ob') || uri.host.toLowerCase().endsWith('.invalid')) return true;
  const kind = addressKind(uri.host);
  return kind !== 'public' && kind !== 'name' && !isSameAddress(uri.host, flow.remoteAddress);
}

/** Its sender is not who came by the connection. */
export function isSentByProxy(headers: HeaderFields): boolean {
  return headers.all('Via').length > 1;
}
