/**
 * The user of the Contact that a carrier is told where we register: who knows it can call by it from anywhere, so it is a secret
 * between us and that carrier.
 */
import { randomBytes } from 'node:crypto';

/** 128 bits, in letters and digits alone: some registrars take nothing else. */
export function newContactUser(): string {
  return `lb${randomBytes(16).toString('hex')}`;
}

/** As it stands in a SIP URI, before its `@`. */
export const contactUserForm = 'lb[0-9a-f]{32}';
