/** Where a request came from, and to where. */
import { sourceOf } from '../../domain/address-source.js';
import type { SrfRequest } from './srf.js';

/** Its sender has a WebSocket (RFC 7118 §5.2): a browser. What stands between it and us need not have one. */
export function isOverWebSocket(request: Pick<SrfRequest, 'get'>): boolean {
  const hops = [...(request.get('Via') ?? '').matchAll(/SIP\s*\/\s*2\.0\s*\/\s*(\w+)/gi)];
  return /^wss?$/i.test(hops.at(-1)?.[1] ?? '');
}

/** `address:port`, of IPv6 without brackets, as drachtio-srf puts the two together. */
export function localAddressOf({ receivedOn }: SrfRequest): string | null {
  return receivedOn?.replace(/:\d*$/, '') ?? null;
}

/** Over UDP anybody writes any address: what comes so is not held against those who hold a connection from there. */
export function guesserOf({
  source_address: address,
  protocol,
}: Pick<SrfRequest, 'source_address' | 'protocol'>): string {
  return /^udp$/i.test(protocol) ? `udp ${sourceOf(address)}` : address;
}
