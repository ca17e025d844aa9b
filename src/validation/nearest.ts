/** What somebody meant who wrote a name that there is not: one of those that there are, or null where none is near. */
export function nearest(written: string, known: Iterable<string>): string | null {
  const wanted = plain(written);
  if (wanted === '') return null;
  let found: string | null = null;
  // A letter in four may be wrong, one in any case; two swapped count as one.
  let best = Math.max(1, Math.floor(wanted.length / 4)) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, plain(name), best);
    if (distance >= best) continue;
    best = distance;
    found = name;
  }
  return found;
}

/** Case and what stands between words are what people mix up, not what they mean. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** How many letters are to be put in, taken out, changed or swapped with the next (optimal string alignment); `limit` for as many and more. */
function editDistance(one: string, other: string, limit: number): number {
  if (Math.abs(one.length - other.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1])
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return Math.min(limit, last[other.length] ?? limit);
}
