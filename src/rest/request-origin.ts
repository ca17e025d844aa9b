/** Our URL without a path, as a request names it. */
import type { FastifyRequest } from 'fastify';
import { formatHostPort } from '../domain/host-port.js';

/** RFC 9112 §3.2: a host and perhaps a port, and nothing else of a URL. */
const hostForm = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** By the request's Host, or what a trusted proxy says that it was; where that is no host, by the address that it came to. */
export function originOf({ protocol, host, raw }: Pick<FastifyRequest, 'protocol' | 'host' | 'raw'>): string {
  const named = `${protocol}://${host}`;
  if (hostForm.test(host) && URL.canParse(named)) return named;
  const { localAddress = '', localPort } = raw.socket;
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/i, '');
  return `${protocol}://${formatHostPort({ host: address, port: localPort ?? 0 })}`;
}
