/** Whose request it is where proxies stand before us; the same answer as Fastify's `request.ip`, for upgrades too. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** A request as far as it tells where it came from. */
export type ForwardedRequest = Pick<IncomingMessage, 'headers'> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

/**
 * Finds the nearest address that is no trusted proxy's: each proxy appends who connected to it to X-Forwarded-For, so what
 * stands left of the first stranger may be anybody's invention. Proxies are addresses or networks like `10.0.0.0/8`.
 */
export function clientAddressBehind(
  trustedProxies: readonly string[],
): (request: ForwardedRequest) => string {
  const trusted = listOf(trustedProxies);
  return ({ headers, socket }) => {
    let address = plain(socket.remoteAddress ?? '');
    const hops = String(headers['x-forwarded-for'] ?? '').split(',');
    while (isListed(trusted, address)) {
      const before = plain(hops.pop()?.trim() ?? '');
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    const family = familyOf(address);
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}

function isListed(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** A dual-stack socket shows 192.0.2.1 as `::ffff:192.0.2.1`. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
