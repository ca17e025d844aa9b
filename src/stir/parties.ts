/** Who calls and who is called, as a request names them and as a signature does. */
import { canonicalNumber, canonicalUri } from './identities.js';
import type { Parties } from './passport.js';

export interface CallParties {
  readonly caller: Parties;
  readonly called: Parties;
}

export const nobody: Parties = { numbers: [], uris: [] };

export function overlaps(one: Parties, other: Parties): boolean {
  return (
    one.numbers.some((number) => other.numbers.includes(number)) ||
    one.uris.some((uri) => other.uris.includes(uri))
  );
}

/** What is a number is none but that, though a SIP URI may have it for its user. */
export function partiesIn(texts: readonly string[]): Parties {
  const of = (read: (text: string) => string | null) => [
    ...new Set(texts.flatMap((text) => read(text) ?? [])),
  ];
  return { numbers: of(canonicalNumber), uris: of(canonicalUri) };
}

/** Few enough that to try them all costs nothing. */
const maxTried = 4;

export function eachOf({ numbers, uris }: Parties): readonly Parties[] {
  const each = [
    ...numbers.map((number) => ({ numbers: [number], uris: [] })),
    ...uris.map((uri) => ({ numbers: [], uris: [uri] })),
  ];
  return each.slice(0, maxTried);
}
