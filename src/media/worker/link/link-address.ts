/** Addresses of links. */
import { randomBytes } from 'node:crypto';
import type { ListenOptions, NetConnectOpts } from 'node:net';

/** Where a worker takes links: an abstract Unix socket (Linux) or a loopback TCP port. Either asks for the secret. */
export type LinkAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Abstract sockets leave nothing in the file system, whoever is killed; where there are none, loopback TCP serves. */
export function linkListenOptions(platform: NodeJS.Platform = process.platform): ListenOptions {
  if (platform === 'linux') return { path: `\0landbridge-link-${randomBytes(12).toString('hex')}` };
  return { host: '127.0.0.1', port: 0 };
}

export const linkConnectOptions = (address: LinkAddress): NetConnectOpts => ({ ...address });

export const linkKey = (address: LinkAddress): string =>
  'path' in address ? address.path : `${address.host}:${address.port}`;
