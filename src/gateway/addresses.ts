/** Addresses that something listens on. */
import { uriHost } from '../domain/host-port.js';

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** The address by which this machine reaches what listens on `host`, as it stands in a URI. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return uriHost(host);
}
