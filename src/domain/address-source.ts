/** Who an address counts as, where something is limited per source. */
import { isIPv6, SocketAddress } from 'node:net';

/**
 * Names the customer that an address stands for, as far as an address tells. An IPv6 address counts as its network of 64 bits (`2001:db8:0:1::/64`): one customer has at least that many addresses. An IPv4
 * address, also mapped into IPv6 (`::ffff:192.0.2.1`), counts as itself, and what is no address as its text.
 */
export function sourceOf(address: string): string {
  const plain = withoutPort(address).replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain)) return plain;
  // A zone (`fe80::1%eth0`) names the interface, not the neighbour.
  const canonical = new SocketAddress({ family: 'ipv6', address: plain.replace(/%.*$/, '') }).address;
  const [before = '', after] = canonical.split('::');
  const head = before === '' ? [] : before.split(':');
  // A dotted end (`::192.0.2.1`) is two groups, and never among the first four.
  const tail = after === undefined || after === '' ? [] : after.replace(/[\d.]+\.\d+$/, '0:0').split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const groups = after === undefined ? head : [...head, ...zeros, ...tail];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Some proxies write `192.0.2.1:4444` or `[2001:db8::1]:4444` of whom they speak for. */
export function withoutPort(address: string): string {
  return (
    /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? address
  );
}
