/** Which addresses webhooks, and requests to trunks, may be sent to: those of the internet, and what the operator adds. Never decides by a name. */
import { isIP } from 'node:net';
import { addressFamily, NetworkList } from '../domain/network-list.js';

export interface AddressPolicyOptions {
  /** Every address but multicast and broadcast. Default false. */
  readonly allowPrivateNetworks?: boolean;
  /** Addresses and networks (`10.1.0.0/16`) that are allowed beside those of the internet. */
  readonly allowedNetworks?: readonly string[];
}

/** IANA's special-purpose address registries (RFC 6890 and its updates), and multicast (RFC 5771). */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Global unicast (RFC 4291 section 2.4): everything else is loopback, link-local, unique-local, mapped, multicast or unassigned. */
const globalIpv6 = ['2000::/3'];
/** Within it: protocol assignments with Teredo, documentation, 6to4 (which carries an IPv4 address). */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
const neverIpv4 = ['224.0.0.0/4', '255.255.255.255'];
const neverIpv6 = ['ff00::/8'];

const specialV4 = new NetworkList(specialIpv4);
const globalV6 = new NetworkList(globalIpv6);
const specialV6 = new NetworkList(specialIpv6);
const never = new NetworkList([...neverIpv4, ...neverIpv6]);

export class AddressPolicy {
  readonly #allowPrivateNetworks: boolean;
  readonly #allowed: NetworkList;

  /** Throws RangeError where a network is none. */
  constructor(options: AddressPolicyOptions = {}) {
    this.#allowPrivateNetworks = options.allowPrivateNetworks ?? false;
    this.#allowed = new NetworkList(options.allowedNetworks ?? []);
  }

  /** False also for what is no address. */
  allows(address: string): boolean {
    const family = addressFamily(address);
    if (family === null) return false;
    if (this.#allowed.has(address)) return true;
    if (this.#allowPrivateNetworks) return !never.has(address);
    return family === 'ipv4' ? !specialV4.has(address) : globalV6.has(address) && !specialV6.has(address);
  }

  /** Why a URL can never be used, or null. A name may still turn out to lead to a forbidden address. */
  objection(url: string): string | null {
    if (!URL.canParse(url)) return 'The URL cannot be read';
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'http:' && protocol !== 'https:') return 'The URL must begin with http:// or https://';
    const host = hostOf(hostname);
    return isIP(host) !== 0 && !this.allows(host)
      ? 'The URL leads to a private address, which the settings webhooks.allowedNetworks and webhooks.allowPrivateNetworks do not allow'
      : null;
  }
}

/** Without the brackets around an IPv6 address. */
export function hostOf(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
