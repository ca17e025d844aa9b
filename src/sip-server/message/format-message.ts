/** Writes messages to the byte. */
import type { SipMessage } from './message.js';
import { encodeText, readableText } from './text.js';

/** The bytes of a message. Content-Length is written here, whatever the header fields say (RFC 3261 §20.14). */
export function formatMessage(message: SipMessage): Buffer {
  return format(message, encodeText);
}

/** The message for a program that reads UTF-8 alone. */
export function formatReadable(message: SipMessage): Buffer {
  return format(message, (head) => Buffer.from(readableText(head), 'utf8'));
}

function format(message: SipMessage, encode: (head: string) => Buffer): Buffer {
  let head =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  for (const { name, value } of message.headers) {
    if (name !== 'Content-Length') head += `${name}: ${value}\r\n`;
  }
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  const headBytes = encode(head);
  return message.body.length === 0 ? headBytes : Buffer.concat([headBytes, message.body]);
}
