/** STUN binding requests as anybody can write them (RFC 8489). */
import { createHmac, randomBytes } from 'node:crypto';

const magicCookie = 0x2112a442;

function attribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

/** With USERNAME and MESSAGE-INTEGRITY. */
export function bindingRequest(username: string, password: string): Buffer {
  const name = attribute(0x0006, Buffer.from(username));
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0001, 0);
  // The length counts the integrity, which covers what is before it (RFC 8489 §14.5).
  head.writeUInt16BE(name.length + 24, 2);
  head.writeUInt32BE(magicCookie, 4);
  randomBytes(12).copy(head, 8);
  const covered = Buffer.concat([head, name]);
  return Buffer.concat([covered, attribute(0x0008, createHmac('sha1', password).update(covered).digest())]);
}
