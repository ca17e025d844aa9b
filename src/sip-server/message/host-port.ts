/** Hosts and ports as they stand in URIs and Via: IPv6 in brackets. */
import { isIPv6 } from 'node:net';

export interface HostPort {
  /** A name, an IPv4 address, or an IPv6 address **without** brackets. */
  readonly host: string;
  readonly port?: number;
}

// Underscores are no part of a hostname, but container networks are full of them.
const nameOrIpv4Pattern = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9._])?$/;

/** Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port` (RFC 3261 §25.1 hostport); ports are 1 to 65535. */
export function parseHostPort(text: string): HostPort | null {
  let host: string;
  let rest: string;
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end < 0) return null;
    host = text.slice(1, end);
    // RFC 5118 §4.10: the grammar of RFC 3261 lets a third colon stand before an address of IPv4.
    if (host.includes(':::')) host = host.replace(/^([\dA-Fa-f:]*)::(:(?:\d+\.){3}\d+)$/, '$1:$2');
    // A zone index names an interface of the sender's machine: it means nothing here.
    if (host.includes('%') || !isIPv6(host)) return null;
    rest = text.slice(end + 1);
  } else {
    const colon = text.indexOf(':');
    host = colon < 0 ? text : text.slice(0, colon);
    rest = colon < 0 ? '' : text.slice(colon);
    if (host.length > 255 || !nameOrIpv4Pattern.test(host)) return null;
  }
  if (rest === '') return { host };
  if (!/^:\d{1,5}$/.test(rest)) return null;
  const port = Number(rest.slice(1));
  return port >= 1 && port <= 65535 ? { host, port } : null;
}

/** The host as it stands in a URI, Via or SDP-free text: an IPv6 address gets its brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export function formatHostPort(host: string, port?: number): string {
  return port === undefined ? bracketed(host) : `${bracketed(host)}:${port}`;
}
