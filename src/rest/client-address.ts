/** Finds the client of a request behind proxies; the same answer as Fastify's `request.ip`, for WebSocket upgrades too. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { withoutPort } from '../domain/address-source.js';
import { NetworkList } from '../domain/network-list.js';

/** A request as far as it tells where it came from. */
export type ForwardedRequest = Pick<IncomingMessage, 'headers'> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

/**
 * Finds the nearest address that is not a trusted proxy's. Each proxy appends to X-Forwarded-For who connected to it, so what
 * stands left of the first stranger may be invented. Proxies are addresses or networks like `10.0.0.0/8`.
 */
export function clientAddressBehind(
  trustedProxies: readonly string[],
): (request: ForwardedRequest) => string {
  const trusted = new NetworkList(trustedProxies);
  return ({ headers, socket }) => {
    let address = plain(socket.remoteAddress ?? '');
    const hops = String(headers['x-forwarded-for'] ?? '').split(',');
    while (trusted.has(address)) {
      const before = plain(withoutPort(hops.pop()?.trim() ?? ''));
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

/** A dual-stack socket shows 192.0.2.1 as `::ffff:192.0.2.1`. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
