/** Where phones' media can come to: an address of each family that the gateway has. */
import { isIPv4 } from 'node:net';
import { addressTypeOf, isPublicAddress } from '../../../sdp/media-address.js';
import type { AddressType } from '../../../sdp/session-description.js';
import type { AddressSettings } from '../protocol.js';

export interface PhoneEndpoint {
  /** Literal address that sockets are bound to. */
  readonly bindAddress: string;
  /** Literal address of the same family that descriptions name. */
  readonly advertisedAddress: string;
}

export type PhoneEndpoints = readonly [PhoneEndpoint, ...PhoneEndpoint[]];

/** An address of one of the machine's interfaces. */
export interface InterfaceAddress {
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
  /** Its network, as `127.0.0.1/8`; null: not known. */
  readonly cidr?: string | null;
}

const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::';
const anyOf: Readonly<Record<AddressType, string>> = { IP4: '0.0.0.0', IP6: '::' };
const loopbackOf: Readonly<Record<AddressType, string>> = { IP4: '127.0.0.1', IP6: '::1' };

/**
 * The endpoints for phones, that for our own offers first. A gateway that listens at `::` has both families, as far as the
 * machine has; at the loopback address of one it has the other's too; at any other address only that.
 */
export function phoneEndpoints(
  settings: AddressSettings,
  interfaces: readonly InterfaceAddress[],
): PhoneEndpoints {
  const { bindAddress, advertisedAddress } = settings;
  const own: AddressType = addressTypeOf(bindAddress);
  const other: AddressType = own === 'IP4' ? 'IP6' : 'IP4';
  if (bindAddress === '::') {
    // IPv4 first: who has IPv6 has it as well, and not the other way round.
    const both = (['IP4', 'IP6'] as const).flatMap((type) => {
      const told = advertisedAddress !== null && addressTypeOf(advertisedAddress) === type;
      const address = told ? advertisedAddress : reachable(type, interfaces);
      return address === null ? [] : [{ bindAddress: anyOf[type], advertisedAddress: address }];
    });
    const [first = { bindAddress, advertisedAddress: loopbackOf.IP6 }, ...rest] = both;
    return [first, ...rest];
  }
  const main: PhoneEndpoint = {
    bindAddress,
    advertisedAddress:
      advertisedAddress ??
      (isAny(bindAddress) ? (reachable(own, interfaces) ?? loopbackOf[own]) : bindAddress),
  };
  const loopback = loopbackOf[other];
  const hasOther =
    bindAddress === loopbackOf[own] &&
    advertisedAddress === null &&
    interfaces.some(({ address }) => address === loopback);
  return hasOther ? [main, { bindAddress: loopback, advertisedAddress: loopback }] : [main];
}

/** Those of several addresses, each once: that of the first in front, then what is said of the others. */
export function allPhoneEndpoints(
  first: AddressSettings,
  others: readonly AddressSettings[],
  interfaces: readonly InterfaceAddress[],
): PhoneEndpoints {
  const [main, ...rest] = phoneEndpoints(first, interfaces);
  const further = [...others.flatMap((other) => phoneEndpoints(other, interfaces)), ...rest];
  const isNew = ({ bindAddress }: PhoneEndpoint, index: number): boolean =>
    bindAddress !== main.bindAddress &&
    further.findIndex((other) => other.bindAddress === bindAddress) === index;
  return [main, ...further.filter(isNew)];
}

/** The same, with the one first that signalling came to, where media can come there. */
export function endpointsFrom(endpoints: PhoneEndpoints, localAddress: string | null): PhoneEndpoints {
  const near = endpoints.find(({ bindAddress }) => bindAddress === localAddress);
  return near === undefined ? endpoints : [near, ...endpoints.filter((one) => one !== near)];
}

/** The first public one, else the first that is not loopback. A link-local address means nothing without its interface. */
function reachable(type: AddressType, interfaces: readonly InterfaceAddress[]): string | null {
  const found = interfaces
    .filter(({ address, internal }) => !internal && addressTypeOf(address) === type)
    .map(({ address }) => address)
    .filter((address) => !/^fe[89ab]/i.test(address));
  return found.find(isPublicAddress) ?? found[0] ?? null;
}

/** Every address, or network in CIDR notation, that sockets of these endpoints can be reached at. */
export function reachedAt(
  endpoints: readonly PhoneEndpoint[],
  interfaces: readonly InterfaceAddress[],
): string[] {
  // The whole network of the loopback interface is this machine.
  const all = interfaces.map(({ address, internal, cidr }) => (internal && cidr ? cidr : address));
  return endpoints.flatMap(({ bindAddress, advertisedAddress }) => [
    ...(isAny(bindAddress) ? all : [bindAddress]),
    advertisedAddress,
  ]);
}

/** The addresses that stand for all hosts of a network that this machine is in (RFC 919 §7). */
export function broadcastAddresses(interfaces: readonly InterfaceAddress[]): string[] {
  return interfaces.flatMap(({ address, cidr }) => {
    const bits = Number(cidr?.split('/')[1] ?? 32);
    // Networks of two or one have none (RFC 3021).
    if (!isIPv4(address) || bits > 30) return [];
    const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const last = (number | (2 ** (32 - bits) - 1)) >>> 0;
    return [[24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join('.')];
  });
}
