import { isIPv6 } from 'node:net';
import type { Endpoint } from './traced-message.js';

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
export function formatHostPort({ address, port }: Endpoint): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${String(port)}`;
}
