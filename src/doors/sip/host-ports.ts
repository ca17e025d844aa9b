/** The addresses that a SIP server says it listens on: `udp/192.0.2.1:5060,tcp/[2001:db8::1]:5060`. */
import { formatHostPort } from '../../domain/host-port.js';

export interface SipAddress {
  readonly protocol: string;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const maxLength = 4096;
const pattern = /^([a-z]{2,4})\/(?:\[([0-9A-Fa-f:.]+)\]|([^/:[\]\s]+)):(\d{1,5})$/;

/** As `parseHostPorts` reads it. */
export function formatSipAddress(address: SipAddress): string {
  return `${address.protocol}/${formatHostPort(address)}`;
}

/** What cannot be read is left out. */
export function parseHostPorts(text: string | null | undefined): SipAddress[] {
  if (text === null || text === undefined || text.length > maxLength) return [];
  return text.split(',').flatMap((item): SipAddress[] => {
    const [, protocol, ipv6, name, portText] = pattern.exec(item.trim()) ?? [];
    const host = ipv6 ?? name;
    const port = Number(portText);
    if (protocol === undefined || host === undefined || port < 1 || port > 65_535) return [];
    return [{ protocol, host, port }];
  });
}

/** Where the server is sent a probe: UDP before TCP, its own address before the one that the world knows. */
export function probeAddresses(local: readonly SipAddress[], external: readonly SipAddress[]): SipAddress[] {
  const found = new Map<string, SipAddress>();
  for (const protocol of ['udp', 'tcp'])
    for (const address of [...local, ...external].filter((one) => one.protocol === protocol))
      found.set(`${protocol} ${address.host} ${address.port}`, address);
  return [...found.values()];
}
