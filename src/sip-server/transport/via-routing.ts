/** The way back: what requests are stamped with, and where responses go (RFC 3261 §18.2, RFC 3581). */
import { isIP } from 'node:net';
import type { SipRequest } from '../message/message.js';
import { formatVia, parseVia, type Via } from '../message/via.js';
import { isSameAddress, withoutZone } from './address.js';

/**
 * Writes where a request really came from into its top Via: `received` where sent-by is a name or another address
 * (RFC 3261 §18.2.1), and `rport` where it was asked for, then `received` too (RFC 3581 §4). What the sender wrote
 * into these two itself is replaced, so that nobody can point the response at a third party.
 */
export function stampReceived(request: SipRequest, remoteAddress: string, remotePort: number): void {
  const via = request.headers.read('Via', parseVia);
  if (!via) return;
  const wantsRport = via.params.has('rport');
  const stated = via.params.has('received');
  const matches = isSameAddress(via.host, remoteAddress);
  if (matches && !wantsRport && !stated) return;
  const params = new Map(via.params);
  if (!matches || wantsRport) params.set('received', withoutZone(remoteAddress));
  else params.delete('received');
  if (wantsRport) params.set('rport', String(remotePort));
  request.headers.replaceFirst('Via', formatVia({ ...via, params }));
}

export interface ResponseTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * Where a response goes when there is no connection to send it down (RFC 3261 §18.2.2, RFC 3581 §4): `received` or
 * else sent-by; `rport` or else the port of sent-by or else 5060, for TLS 5061. `isOverConnection`: to the port of sent-by,
 * for nobody listens at the one that a connection came from.
 *
 * Deviation: `maddr` is not obeyed: it names an address that the sender chose and nobody verified.
 */
export function responseTarget(via: Via, isOverConnection = false): ResponseTarget {
  const rport = isOverConnection ? '' : (via.params.get('rport') ?? '');
  const received = via.params.get('received')?.replace(/^\[|\]$/g, '');
  const port = /^\d{1,5}$/.test(rport) ? Number(rport) : (via.port ?? defaultPort(via.transport));
  return { host: received !== undefined && isIP(received) !== 0 ? received : via.host, port };
}

function defaultPort(transport: string): number {
  return transport === 'TLS' || transport === 'WSS' ? 5061 : 5060;
}
