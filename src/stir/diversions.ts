/** The ways by which a call was sent on (RFC 8946). */
import { nobody, overlaps } from './parties.js';
import type { Parties, Passport } from './passport.js';

/** Whole ways that are tried, and ways that are looked at for them, whatever a request bears. */
const maxWays = 8;
const maxSteps = 200;

/**
 * The diversions that lead from who is called now back to whom the PASSporT is for, the shortest first: each is to whom the next
 * sent the call (RFC 8946 §6). None where there is no such way.
 */
export function waysBack(
  passport: Passport,
  diversions: readonly Passport[],
  called: Parties,
): readonly (readonly Passport[])[] {
  const whole: (readonly Passport[])[] = [];
  const begun: (readonly Passport[])[] = diversions
    .filter(({ destination }) => overlaps(destination, called))
    .map((first) => [first]);
  for (let step = 0; step < maxSteps && whole.length < maxWays; step += 1) {
    const way = begun[step];
    if (way === undefined) break;
    const reached = way.at(-1)?.diverted ?? nobody;
    if (overlaps(reached, passport.destination)) whole.push(way);
    // Each diversion stands in a way once: those that lead in circles end.
    else
      begun.push(
        ...diversions
          .filter((one) => !way.includes(one) && overlaps(one.destination, reached))
          .map((one) => [...way, one]),
      );
  }
  return whole;
}
