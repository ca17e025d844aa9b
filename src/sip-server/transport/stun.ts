/** STUN on the SIP port (RFC 8489): how a phone behind a NAT keeps its UDP binding open, and sees where it is (RFC 5626 §4.4.2). */
import { isIPv4 } from 'node:net';

const magicCookie = 0x2112a442;
const headerBytes = 20;
const bindingRequestType = 0x0001;
const bindingSuccess = 0x0101;
const bindingError = 0x0111;
const xorMappedAddress = 0x0020;
const errorCode = 0x0009;
const unknownAttributes = 0x000a;

/**
 * The answer to a Binding request: the address and port that it came from (RFC 8489 §14.2), or 420 with the attributes that
 * must be understood and are not (§6.3.1). Null for what is no Binding request.
 */
export function answerStun(bytes: Buffer, address: string, port: number): Buffer | null {
  const isStun =
    bytes.length >= headerBytes &&
    bytes.readUInt16BE(0) === bindingRequestType &&
    bytes.readUInt32BE(4) === magicCookie &&
    bytes.readUInt16BE(2) === bytes.length - headerBytes &&
    bytes.length % 4 === 0;
  if (!isStun) return null;
  const unknown = requiredAttributes(bytes);
  if (unknown === null) return null;
  const transactionId = bytes.subarray(8, headerBytes);
  if (unknown.length > 0) {
    return message(bindingError, transactionId, [
      attribute(errorCode, Buffer.concat([Buffer.from([0, 0, 4, 20]), Buffer.from('Unknown Attribute')])),
      attribute(unknownAttributes, Buffer.from(unknown.flatMap((type) => [type >> 8, type & 0xff]))),
    ]);
  }
  return message(bindingSuccess, transactionId, [
    attribute(xorMappedAddress, xorAddress(address, port, transactionId)),
  ]);
}

export function bindingRequest(transactionId: Buffer): Buffer {
  return message(bindingRequestType, transactionId, []);
}

export interface BindingResponse {
  readonly transactionId: Buffer;
  /** Address and port, in a form that is the same for the same two and means nothing else; empty where it names none. */
  readonly seenAs: string;
  /** The address alone; null where it names none. */
  readonly address: string | null;
}

/** Null for what is no answer to a Binding request. */
export function readBindingResponse(bytes: Buffer): BindingResponse | null {
  const isStun =
    bytes.length >= headerBytes &&
    [bindingSuccess, bindingError].includes(bytes.readUInt16BE(0)) &&
    bytes.readUInt32BE(4) === magicCookie &&
    bytes.readUInt16BE(2) === bytes.length - headerBytes;
  if (!isStun) return null;
  const transactionId = bytes.subarray(8, headerBytes);
  for (let at = headerBytes; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    const value = bytes.subarray(at + 4, at + 4 + length);
    const isWhole = value.length === length && length >= 8;
    if (bytes.readUInt16BE(at) === xorMappedAddress && isWhole)
      return seenIn(transactionId, xored(value, transactionId));
    at += 4 + padded(length);
  }
  return { transactionId, seenAs: '', address: null };
}

/** `plain`: family, port and address. */
function seenIn(transactionId: Buffer, plain: Buffer): BindingResponse {
  const octets = plain.subarray(4);
  const groups = octets.toString('hex').match(/.{4}/g) ?? [];
  const address =
    octets.length === 4
      ? octets.join('.')
      : octets.length === 16
        ? new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
        : null;
  return { transactionId, seenAs: plain.toString('hex'), address };
}

/** Family, port and address, which are the same again the next time: what they are hidden by is not. */
function xored(value: Buffer, transactionId: Buffer): Buffer {
  const mask = Buffer.concat([Buffer.from([0x21, 0x12, 0xa4, 0x42]), transactionId]);
  const plain = Buffer.from(value);
  for (let at = 4; at < plain.length; at += 1)
    plain.writeUInt8(plain.readUInt8(at) ^ (mask[at - 4] ?? 0), at);
  return plain;
}

/** Attributes below 0x8000 must be understood; we know none. Null where they are cut short. */
function requiredAttributes(bytes: Buffer): number[] | null {
  const found: number[] = [];
  for (let at = headerBytes; at < bytes.length;) {
    if (at + 4 > bytes.length) return null;
    const type = bytes.readUInt16BE(at);
    if (type < 0x8000) found.push(type);
    at += 4 + padded(bytes.readUInt16BE(at + 2));
    if (at > bytes.length) return null;
  }
  return found;
}

function xorAddress(address: string, port: number, transactionId: Buffer): Buffer {
  const plain = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const mask = Buffer.concat([Buffer.from([0x21, 0x12, 0xa4, 0x42]), transactionId]);
  const value = Buffer.alloc(4 + plain.length);
  value.writeUInt8(plain.length === 4 ? 1 : 2, 1);
  value.writeUInt16BE(port ^ (magicCookie >>> 16), 2);
  plain.forEach((byte, i) => value.writeUInt8(byte ^ (mask[i] ?? 0), 4 + i));
  return value;
}

function ipv6Bytes(address: string): Buffer {
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => 0);
  const bytes = Buffer.alloc(16);
  [...head, ...zeros, ...tail].slice(0, 8).forEach((group, i) => bytes.writeUInt16BE(group & 0xffff, 2 * i));
  return bytes;
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function message(type: number, transactionId: Buffer, attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(magicCookie, 4);
  return Buffer.concat([header, transactionId, body]);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
