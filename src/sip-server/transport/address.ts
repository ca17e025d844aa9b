/** Addresses as texts: one IPv6 address may be written in many ways (RFC 5952 §1). */
import { isIPv6, SocketAddress } from 'node:net';

/** Whether the two are one address, however each is written. */
export function isSameAddress(one: string, other: string): boolean {
  if (one === other) return true;
  // Nearly all are IPv4, of which each has one form.
  return isIPv6(one) && isIPv6(other) && canonical(one) === canonical(other);
}

/** An address without its zone, which names an interface of this machine and means nothing to anybody else (RFC 4007 §11.2). */
export function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

function canonical(address: string): string {
  return new SocketAddress({ address: withoutZone(address), family: 'ipv6' }).address;
}
