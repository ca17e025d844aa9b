/** Times in a query, as RFC 3339 writes them. Node's own reading takes `foo 1` for a year, and a time without a zone for ours. */

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?:[Zz]|([+\- ])(\d{2}):?(\d{2})))?$/;

const minuteMs = 60_000;

/**
 * Milliseconds since the epoch; null for what is no time. A date is its midnight in UTC. A time must say its zone, whose plus may
 * have become a blank, as it does in a query that was not escaped.
 */
export function parseMoment(text: string): number | null {
  const match = form.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    ...[number, number, number],
    ...[number, number, number],
  ];
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  // A 30th of February would be a day of March.
  if (month > 12 || new Date(at).getUTCDate() !== day || new Date(at).getUTCMonth() !== month - 1)
    return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const [fraction = '', sign = '+', zoneHours, zoneMinutes] = match.slice(7);
  const zone = Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0);
  if (Number(zoneHours ?? 0) > 23 || Number(zoneMinutes ?? 0) > 59) return null;
  return at + Math.floor(Number(`0${fraction}`) * 1000) - (sign === '-' ? -zone : zone) * minuteMs;
}
