/**
 * The user part of the Contact that we register at a carrier. It works as a password, since whoever knows it may call by it
 * from anywhere: each carrier has its own.
 */
import { randomBytes } from 'node:crypto';

/** 128 bits, in letters and digits alone: some registrars take nothing else. */
export function newContactUser(): string {
  return `lb${randomBytes(16).toString('hex')}`;
}

/** As it stands in a SIP URI, before its `@`. */
export const contactUserForm = 'lb[0-9a-f]{32}';
