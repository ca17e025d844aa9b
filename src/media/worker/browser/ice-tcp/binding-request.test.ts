import { describe, expect, it } from 'vitest';
import { bindingRequest } from '../../../../../test/integration/stun-request.js';
import { readBindingRequest } from './binding-request.js';

describe('a binding request', () => {
  it('says whom it is for, and is signed with a password (RFC 8489 §14.5)', () => {
    const request = readBindingRequest(bindingRequest('theirs:mine', 'a password'));
    expect(request?.usernameFragment).toBe('theirs');
    expect(request?.isSignedWith('a password')).toBe(true);
    expect(request?.isSignedWith('another')).toBe(false);
    expect(request?.isSignedWith('a password')).toBe(true);
  });

  it('is signed also where something stands behind the signature, such as FINGERPRINT', () => {
    const message = bindingRequest('theirs:mine', 'a password');
    const longer = Buffer.concat([message, Buffer.from([0x80, 0x28, 0, 4, 1, 2, 3, 4])]);
    longer.writeUInt16BE(longer.length - 20, 2);
    expect(readBindingRequest(longer)?.isSignedWith('a password')).toBe(true);
  });

  it('is not what was changed on its way', () => {
    const message = bindingRequest('theirs:mine', 'a password');
    for (let at = 0; at < message.length; at++) {
      const changed = Buffer.from(message);
      changed[at]! ^= 1;
      const request = readBindingRequest(changed);
      expect(request?.isSignedWith('a password') ?? false, `octet ${at}`).toBe(false);
    }
  });

  it('is not what has no name, no signature, or is cut off', () => {
    const message = bindingRequest('theirs:mine', 'a password');
    for (let length = 0; length < message.length; length++)
      expect(readBindingRequest(message.subarray(0, length)), `${length} octets`).toBeNull();
    const signatureFirst = Buffer.concat([
      message.subarray(0, 20),
      message.subarray(message.length - 24),
      message.subarray(20, message.length - 24),
    ]);
    expect(readBindingRequest(signatureFirst)).toBeNull();
  });
});
