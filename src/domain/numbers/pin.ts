/** PINs: 4 to 12 digits that a caller keys in to be let into a session. */
import { createHmac, randomInt } from 'node:crypto';

const pinForm = /^\d{4,12}$/;

export function isPin(text: string): boolean {
  return pinForm.test(text);
}

/** Six digits. */
export function createPin(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** What the store keeps. Keyed, because so few digits could be tried out from a hash alone. */
export function hashPin(secret: string, numberId: string, pin: string): string {
  return createHmac('sha256', secret).update(`landbridge pin ${numberId} ${pin}`).digest('base64url');
}
