/** An error answered on the bare socket, where Node has no response to offer: what is not HTTP, and WebSockets that no door takes. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeError, type RestError } from './rest-error.js';

/** Writes the answer and ends the connection. */
export function answerOnSocket(socket: Duplex, error: RestError): void {
  const requestId = randomUUID();
  const answer = describeError(error, requestId);
  const body = JSON.stringify(answer.body);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
