/** Which of the credentials counts that a call of no trunk shows. One of a trunk's call was chosen by the trunk's own limits on guesses. */
import { firstGood, mayBeForeign } from '../../domain/legs/first-good.js';
import type { Credential } from '../../domain/participants/token.js';
import { Refusal } from '../../domain/refusal.js';

export interface ShownCredential {
  readonly credential: Credential | null;
  /** Why the others do not count, where the call goes on by the number that it was sent to; null where it need not. */
  readonly refusal: Refusal | null;
}

/** Digits that may be a number go by the number first: they are no guess. Throws Refusal, also that of `identify`. */
export async function chooseCredential(
  credentials: readonly Credential[],
  dialled: string | null,
  identify: (credential: Credential) => Promise<string>,
): Promise<ShownCredential> {
  const others = dialled === null ? credentials : credentials.filter((one) => !isNumberLike(one));
  const [credential = null] = credentials;
  // What nothing stands beside is looked up once, when the leg is admitted.
  const isAlone = credentials.length < 2 && (dialled === null || credential?.kind !== 'join-code');
  if (isAlone || others.length === 0) return { credential, refusal: null };
  try {
    return { credential: (await firstGood(others, identify)).credential, refusal: null };
  } catch (error) {
    if (dialled === null || !(error instanceof Refusal) || !mayBeForeign(others, error)) throw error;
    return { credential: credentials.find(isNumberLike) ?? null, refusal: error };
  }
}

/** A number of twelve digits has the form of a join code; it is a number where it is one of ours. */
export function isNumberLike({ kind, value }: Credential): boolean {
  return kind === 'join-code' && /^\d+$/.test(value);
}
