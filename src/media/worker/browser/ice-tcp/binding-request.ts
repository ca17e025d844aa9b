/** The first packet of ICE: a STUN binding request with the receiver's name, signed with the receiver's password (RFC 8445 §7.2.2). Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const headLength = 20;
const bindingRequest = 0x0001;
const magicCookie = 0x2112a442;
const usernameType = 0x0006;
const integrityType = 0x0008;
const integrityLength = 20;

export interface BindingRequest {
  /** The receiver's part of USERNAME. */
  readonly usernameFragment: string;
  /** MESSAGE-INTEGRITY is of this password (RFC 8489 §14.5). */
  isSignedWith(password: string): boolean;
}

/** Null for anything else, and for a request without name or signature. */
export function readBindingRequest(message: Buffer): BindingRequest | null {
  if (message.length < headLength || message.readUInt16BE(0) !== bindingRequest) return null;
  if (message.readUInt16BE(2) !== message.length - headLength || message.readUInt32BE(4) !== magicCookie)
    return null;
  let usernameFragment: string | null = null;
  for (let offset = headLength; offset + 4 <= message.length;) {
    const type = message.readUInt16BE(offset);
    const length = message.readUInt16BE(offset + 2);
    const value = message.subarray(offset + 4, offset + 4 + length);
    if (value.length < length) return null;
    if (type === usernameType) usernameFragment ??= value.toString('utf8').split(':', 1)[0] ?? '';
    if (type === integrityType) {
      if (length !== integrityLength || usernameFragment === null) return null;
      const signed = Buffer.from(message.subarray(0, offset));
      return {
        usernameFragment,
        isSignedWith: (password) => timingSafeEqual(value, signatureOf(signed, password)),
      };
    }
    offset += 4 + length + ((4 - (length % 4)) % 4);
  }
  return null;
}

/** The length in the head counts the signature, and nothing behind it. */
function signatureOf(signed: Buffer, password: string): Buffer {
  signed.writeUInt16BE(signed.length - headLength + 4 + integrityLength, 2);
  return createHmac('sha1', password).update(signed).digest();
}
