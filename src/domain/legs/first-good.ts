/**
 * Which of several credentials of one call counts. A value of somebody else's may have the form of one, and hides none: a token
 * that is ours goes first, for its signature proves it; then each code is looked up, and is a guess of its own.
 */
import type { Credential } from '../participants/token.js';
import { Refusal } from '../refusal.js';

/** Enough for others' values beside ours, and no more work than one call is worth. */
export const maxTokens = 8;
export const maxCodes = 3;

export interface Identified<T> {
  readonly credential: Credential;
  /** Whom it stands for. */
  readonly identity: T;
}

/**
 * The first that `identify` knows: tokens in their order, then codes in theirs. Rejects with its Refusal where it knows none: of
 * several, the one that says most. After too many guesses nothing more is looked up.
 */
export async function firstGood<T>(
  credentials: readonly Credential[],
  identify: (credential: Credential) => Promise<T>,
): Promise<Identified<T>> {
  const of = (kind: Credential['kind']) => credentials.filter((one) => one.kind === kind);
  let refusal = new Refusal('token-missing');
  for (const credential of [...of('jwt').slice(0, maxTokens), ...of('join-code').slice(0, maxCodes)]) {
    try {
      return { credential, identity: await identify(credential) };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'too-many-guesses') throw error;
      if (
        refusal.code !== 'token-expired' &&
        (refusal.code === 'token-missing' || error.code !== 'token-invalid')
      )
        refusal = error;
    }
  }
  throw refusal;
}

/**
 * The number that was called counts where all that was shown has the form of a code, and nobody has that code, or it was not looked
 * up after too many guesses: a system that writes such values into every call must not be shut out by them.
 */
export function mayBeForeign(credentials: readonly Credential[], { code }: Refusal): boolean {
  const isUnknown = code === 'token-invalid' || code === 'too-many-guesses';
  return isUnknown && credentials.every(({ kind }) => kind === 'join-code');
}
