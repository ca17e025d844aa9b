/** Hosts and ports as they stand in URIs: an IPv6 address in brackets (RFC 3986 §3.2.2). */

export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export function formatHostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${uriHost(host)}:${port}`;
}
