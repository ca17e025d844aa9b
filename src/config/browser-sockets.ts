/** Where browsers' media comes, as far as it is a port of its own that is open from the start on. */
import type { Config } from './config-schema.js';
import { sipPlaces } from './sip-places.js';

export interface BrowserSocket {
  readonly setting: string;
  readonly transport: 'udp';
  readonly host: string;
  readonly port: number;
}

/** One for each worker; none where each connection has a port. */
export function browserSockets({
  browser,
  workers,
  ...config
}: Pick<Config, 'browser' | 'workers' | 'sip' | 'tls' | 'publicIp'>): BrowserSocket[] {
  if (browser.sharedPort === 0) return [];
  const [{ host }] = sipPlaces(config);
  return Array.from({ length: workers }, (_, index) => ({
    setting: 'browser.sharedPort',
    transport: 'udp',
    host,
    port: browser.sharedPort + index,
  }));
}
