/** Tells public addresses from those of private networks and of this machine. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { withoutZone } from '../transport/address.js';

export interface LocalInterface {
  readonly address: string;
  readonly netmask: string;
  readonly family: 'IPv4' | 'IPv6';
}

export type AddressKind = 'unspecified' | 'loopback' | 'private' | 'public' | 'name';

/** "This host on this network" (RFC 6890) and the address that is none (RFC 4291 §2.5.2): what goes there a system sends to itself. */
const unspecified = new BlockList();
unspecified.addSubnet('0.0.0.0', 8, 'ipv4');
unspecified.addAddress('::', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** RFC 1918, RFC 6598 (carrier-grade NAT), link-local, unique local (RFC 4193); groups and broadcasts, which stay near as well. */
const privateNetworks = new BlockList();
const privateIpv4 = [
  { network: '10.0.0.0', prefix: 8 },
  { network: '172.16.0.0', prefix: 12 },
  { network: '192.168.0.0', prefix: 16 },
  { network: '100.64.0.0', prefix: 10 },
  { network: '169.254.0.0', prefix: 16 },
  { network: '224.0.0.0', prefix: 4 },
  { network: '240.0.0.0', prefix: 4 },
];
for (const { network, prefix } of privateIpv4) privateNetworks.addSubnet(network, prefix, 'ipv4');
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');
privateNetworks.addSubnet('ff00::', 8, 'ipv6');

/** From where an address can be reached, however it is written. IPv6 without brackets; IPv4 within IPv6 counts as IPv4. */
export function addressKind(address: string): AddressKind {
  // Asked for every message: for IPv4, which nearly all have, without what a list costs.
  if (isIPv4(address)) return ipv4Kind(toNumber(address));
  if (!isIPv6(address)) return 'name';
  if (/^[0:]/.test(address) && unspecified.check(address, 'ipv6')) return 'unspecified';
  if (loopback.check(address, 'ipv6')) return 'loopback';
  return privateNetworks.check(address, 'ipv6') ? 'private' : 'public';
}

const privateBits = privateIpv4.map(({ network, prefix }) => ({
  bits: toNumber(network) >>> (32 - prefix),
  rest: 32 - prefix,
}));

function ipv4Kind(address: number): AddressKind {
  const first = address >>> 24;
  if (first === 0) return 'unspecified';
  if (first === 127) return 'loopback';
  return privateBits.some(({ bits, rest }) => address >>> rest === bits) ? 'private' : 'public';
}

/**
 * The address of this machine that a peer sees when the socket is bound to all of them: one in the peer's own network, else one as
 * public or private as the peer's, else the first of its family that leads out.
 */
export function chooseLocalAddress(interfaces: readonly LocalInterface[], remoteAddress: string): string {
  const family = isIPv4(remoteAddress) ? 'IPv4' : 'IPv6';
  const loopbackAddress = family === 'IPv4' ? '127.0.0.1' : '::1';
  const kind = addressKind(remoteAddress);
  if (kind === 'loopback') return loopbackAddress;
  const isNear = isLinkLocal(remoteAddress);
  const outward = interfaces.filter(
    (one) =>
      one.family === family &&
      addressKind(one.address) !== 'loopback' &&
      (family === 'IPv4' || isLinkLocal(one.address) === isNear),
  );
  const chosen =
    outward.find((candidate) => sameNetwork(candidate, remoteAddress)) ??
    outward.find(({ address }) => addressKind(address) === kind) ??
    outward[0];
  return chosen?.address ?? loopbackAddress;
}

function sameNetwork(local: LocalInterface, remoteAddress: string): boolean {
  if (local.family === 'IPv6') return isIn(local, remoteAddress);
  const mask = toNumber(local.netmask);
  return mask !== 0 && (toNumber(local.address) & mask) === (toNumber(remoteAddress) & mask);
}

function isIn({ address, netmask }: LocalInterface, remoteAddress: string): boolean {
  const bits = netmask.split(':').reduce(
    (sum, group) =>
      sum +
      Number.parseInt(group || '0', 16)
        .toString(2)
        .replaceAll('0', '').length,
    0,
  );
  if (bits === 0) return false;
  const network = new BlockList();
  network.addSubnet(withoutZone(address), bits, 'ipv6');
  return network.check(withoutZone(remoteAddress), 'ipv6');
}

/** Whether the address belongs to one link, and means nothing elsewhere (RFC 4291 §2.5.6). */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}
