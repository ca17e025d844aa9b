/** Where browsers' media comes, as far as it is a port of its own that is open from the start on. */
import type { Config } from './config-schema.js';
import { sipPlaces } from './sip-places.js';

export interface BrowserSocket {
  readonly setting: string;
  readonly transport: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
}

/** One for each worker; none of UDP where each connection has a port. */
export function browserSockets({
  browser,
  workers,
  ...config
}: Pick<Config, 'browser' | 'workers' | 'sip' | 'tls' | 'publicIp'>): BrowserSocket[] {
  const [{ host }] = sipPlaces(config);
  const first = [
    { setting: 'browser.sharedPort', transport: 'udp', port: browser.sharedPort },
    { setting: 'browser.tcpPort', transport: 'tcp', port: browser.tcpPort },
  ] as const;
  return first.flatMap(({ port, ...socket }) =>
    port === 0
      ? []
      : Array.from({ length: workers }, (_, index) => ({ ...socket, host, port: port + index })),
  );
}
