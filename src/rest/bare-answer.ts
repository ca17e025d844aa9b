/** An error answered on the bare socket, where Node has no response to offer: what is not HTTP, and WebSockets that no door takes. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeError, type RestError } from './rest-error.js';
import { noPagePolicy } from './security-headers.js';

/**
 * Writes the answer and ends the connection. What the client still sends is thrown away; where it does not end its side, too, it
 * is cut off after `lingerMs`. At once, it might lose the answer (RFC 9112 §9.6).
 */
export function answerOnSocket(socket: Duplex, error: RestError, lingerMs: number): void {
  const requestId = randomUUID();
  const answer = describeError(error, requestId);
  const body = JSON.stringify(answer.body);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    `Content-Security-Policy: ${noPagePolicy}`,
    'X-Content-Type-Options: nosniff',
    'X-Frame-Options: DENY',
    'Referrer-Policy: no-referrer',
    ...Object.entries({ ...answer.headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}
