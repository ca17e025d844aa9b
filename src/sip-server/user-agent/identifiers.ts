/** Random identifiers: branches, tags, Call-IDs, names of transactions. */
import { createHmac, randomUUID } from 'node:crypto';

/** A From or To tag: 64 bits nobody can guess (RFC 3261 §19.3). */
export function newTag(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(24, 32);
}

/** The To tag of answers that are given without keeping state: the same for each copy of a request (RFC 3261 §8.2.7). */
export function statelessTag(secret: Buffer, names: readonly string[]): string {
  return createHmac('sha256', secret).update(names.join('\n')).digest('hex').slice(0, 16);
}

/** A branch with the magic cookie (RFC 3261 §8.1.1.7). */
export function newBranch(): string {
  return `z9hG4bK${randomUUID()}`;
}

export function newCallId(): string {
  return randomUUID();
}

export const newTransactionId = newCallId;
