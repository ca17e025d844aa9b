/** In which order the servers of a service are tried (RFC 2782). */
import type { SrvRecord } from './resolver.js';

/**
 * Orders servers by priority, and within one priority by weight, drawn anew each time so that the load is shared. One of weight 0 is
 * rarely drawn before the others, but may be. `random`: 0 ≤ x < 1. Gives the first `max` of them.
 */
export function orderServers(
  records: readonly SrvRecord[],
  random: () => number,
  max = Infinity,
): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  const order: SrvRecord[] = [];
  for (const wanted of priorities) {
    if (order.length >= max) break;
    const equals = records.filter(({ priority }) => priority === wanted);
    order.push(...drawn(equals, random, max - order.length));
  }
  return order;
}

function drawn(records: readonly SrvRecord[], random: () => number, max: number): SrvRecord[] {
  // Those of weight 0 first, so that they are drawn where the number drawn is 0.
  const left = records.toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const order: SrvRecord[] = [];
  while (left.length > 0 && order.length < max) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const number = Math.floor(random() * (total + 1));
    let running = 0;
    const index =
      total === 0
        ? Math.floor(random() * left.length)
        : left.findIndex(({ weight }) => (running += weight) >= number);
    order.push(...left.splice(Math.max(0, index), 1));
  }
  return order;
}
