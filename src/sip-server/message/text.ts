/**
 * The text of a head. SIP is UTF-8 (RFC 3261 §7), and there are peers that write Latin-1: a byte that belongs to no UTF-8 is kept
 * as a lone surrogate, U+DC80 to U+DCFF for 0x80 to 0xFF, so that a field that is copied into an answer goes back to the byte.
 */
import { isUtf8 } from 'node:buffer';

const lineFeed = 0x0a;
const escapes = 0xdc00;
/** With the flag `u` a surrogate stands for itself only where its other half is missing. */
const escapedBytes = /[\udc80-\udcff]/gu;

/** Never throws. Line by line: one in Latin-1 leaves the others as they are. */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(lineFeed, start) + 1 || bytes.length;
    const line = bytes.subarray(start, end);
    text += isUtf8(line) ? line.toString('utf8') : escapeBytes(line.toString('latin1'));
    start = end;
  }
  return text;
}

/** The bytes that the text was decoded from. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const pieces: Buffer[] = [];
  let start = 0;
  for (const { index } of text.matchAll(escapedBytes)) {
    pieces.push(
      Buffer.from(text.slice(start, index), 'utf8'),
      Buffer.from([text.charCodeAt(index) - escapes]),
    );
    start = index + 1;
  }
  pieces.push(Buffer.from(text.slice(start), 'utf8'));
  return Buffer.concat(pieces);
}

/** The text to be read: kept bytes as the Latin-1 that they probably are. */
export function readableText(text: string): string {
  return text.isWellFormed()
    ? text
    : text.replaceAll(escapedBytes, (kept) => String.fromCharCode(kept.charCodeAt(0) - escapes));
}

function escapeBytes(latin1: string): string {
  return latin1.replaceAll(/[\x80-\xff]/g, (byte) => String.fromCharCode(byte.charCodeAt(0) + escapes));
}
