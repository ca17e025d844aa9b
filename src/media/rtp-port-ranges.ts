/** Ports for media: a range, and its parts for several workers. */

export interface PortRange {
  /** Both ends included. */
  readonly from: number;
  readonly to: number;
}

/** A phone leg takes a pair of ports, and pairs begin at an even one (RFC 3550 §11). */
const smallestShare = 4;

/** Cuts a range into `shares` disjoint ranges that begin at even ports. Throws RangeError where it is too small. */
export function splitPortRange({ from, to }: PortRange, shares: number): PortRange[] {
  const first = from + (from % 2);
  const perShare = Math.floor((to + 1 - first) / shares / 2) * 2;
  if (perShare < smallestShare)
    throw new RangeError(`ports ${from}-${to} are too few for ${shares} media workers`);
  return Array.from({ length: shares }, (_, index) => {
    const start = first + index * perShare;
    return { from: start, to: start + perShare - 1 };
  });
}
