/** Addresses of media: where a description says that RTP is wanted, and whether anything can be sent there. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';
import { SdpRefusal } from './sdp-refusal.js';
import type { AddressType } from './session-description.js';

/** A destination of packets. */
export interface MediaAddress {
  /** Literal, in decimal or hexadecimal notation: never a name. */
  readonly address: string;
  readonly port: number;
}

export const addressTypeOf = (address: string): AddressType => (isIPv6(address) ? 'IP6' : 'IP4');

/** The whole of a range in which no single host is ever addressed. IPv4 addresses written as IPv6 are found as well. */
function ranges(...subnets: readonly [network: string, prefix: number][]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
}

/** Groups, what is reserved, and the broadcast address (RFC 5771, RFC 4291 §2.7, RFC 6890). */
const groups = ranges(['224.0.0.0', 4], ['240.0.0.0', 4], ['ff00::', 8]);
/** "This host on this network" (RFC 6890), and the address that is none (RFC 4291 §2.5.2). */
const unspecified = ranges(['0.0.0.0', 8], ['::', 128]);

/** Addresses within one network or one link (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 §2.5.6), and of this machine. */
const inner = ranges(
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
);

const isIn = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** Whether others than those near may reach it. */
export function isPublicAddress(address: string): boolean {
  return ![groups, unspecified, inner].some((list) => isIn(list, address));
}

/** As sockets write it: 2001:DB8:0:0::1 is 2001:db8::1. */
const canonical = (address: string): string =>
  isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;

/** An address as sockets write it, where the text is one; null for anything else. Brackets and a zone are left out. */
export function literalAddress(text: string): string | null {
  const plain = text
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) === 0 ? null : canonical(plain);
}

/** The old way to hold (RFC 3264 §8.4), for both families and however written: nothing shall be sent to whoever gives it. */
export function isNowhere(address: string): boolean {
  // Some write all places of it.
  if (/^0{1,3}(?:\.0{1,3}){3}$/.test(address)) return true;
  const literal = literalAddress(address);
  return literal === '0.0.0.0' || literal === '::';
}

/**
 * What can be sent to, or null where the description leaves it open: a name, which would need a resolver; an address with a
 * zone, which means something on the far end's machine only; one that is no host's; a port that cannot be. Throws SdpRefusal
 * `bad-sdp` for an address that no peer can have: a group, the broadcast address, or a literal that is none (999.1.1.1).
 */
export function usableDestination(address: string, port: number): MediaAddress | null {
  if (isIP(address) === 0) {
    if (/^[\d.]+$|:/.test(address)) throw new SdpRefusal('bad-sdp', 'an address is malformed');
    return null;
  }
  if (address.includes('%')) return null;
  if (isIn(groups, address)) throw new SdpRefusal('bad-sdp', 'an address is not that of one host');
  return isIn(unspecified, address) || port < 1 || port > 65_535
    ? null
    : { address: canonical(address), port };
}
