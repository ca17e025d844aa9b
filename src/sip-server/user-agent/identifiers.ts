/** Random identifiers: branches, tags, Call-IDs, names of transactions. */
import { hash, randomUUID } from 'node:crypto';

/** A From or To tag: 64 bits nobody can guess (RFC 3261 §19.3). */
export function newTag(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(24, 32);
}

/** The To tag of answers that are given without keeping state: the same for each copy of a request (RFC 3261 §8.2.7). */
export function statelessTag(secret: string, names: readonly string[]): string {
  // What is left of the digest is no more than a quarter: nothing can be put behind the names.
  return hash('sha256', secret + names.join('\n')).slice(0, 16);
}

/** A branch with the magic cookie (RFC 3261 §8.1.1.7). */
export function newBranch(): string {
  return `z9hG4bK${randomUUID()}`;
}

export function newCallId(): string {
  return randomUUID();
}

export const newTransactionId = newCallId;
