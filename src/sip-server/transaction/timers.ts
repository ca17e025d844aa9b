/** The timers of RFC 3261 table 4 and RFC 6026 §8, as data. */

/** The times that all timers are made of (RFC 3261 §17.1). */
export interface TimerSettings {
  /** Round-trip estimate. Default 500 ms. */
  readonly t1Ms: number;
  /** Longest interval between retransmissions of a non-INVITE request or a final response. Default 4,000 ms. */
  readonly t2Ms: number;
  /** Longest time that a message stays in the network. Default 5,000 ms. */
  readonly t4Ms: number;
}

export const defaultTimerSettings: TimerSettings = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 };

export type TimerName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M';

/** `off`: not started on that kind of transport. Else a number of T1 or T4; 0 fires at once. */
type TimerLength = 'off' | { readonly t1: number } | { readonly t4: number };

interface TimerRow {
  readonly unreliable: TimerLength;
  readonly reliable: TimerLength;
  /** How the interval grows each time it is started again; absent: not at all. */
  readonly growth?: 'doubles' | 'doubles to T2';
}

const now = { t1: 0 };

/** Timer C is 3 minutes by RFC 3261 §16.6; as 384 · T1 it is 192 s, and shrinks with the others in tests. */
const timerRows: Readonly<Record<TimerName, TimerRow>> = {
  A: { unreliable: { t1: 1 }, reliable: 'off', growth: 'doubles' }, //         §17.1.1.2
  B: { unreliable: { t1: 64 }, reliable: { t1: 64 } }, //                      §17.1.1.2
  C: { unreliable: { t1: 384 }, reliable: { t1: 384 } }, //                    §16.6 (11)
  D: { unreliable: { t1: 64 }, reliable: now }, //                             §17.1.1.2: at least 32 s
  E: { unreliable: { t1: 1 }, reliable: 'off', growth: 'doubles to T2' }, //   §17.1.2.2
  F: { unreliable: { t1: 64 }, reliable: { t1: 64 } }, //                      §17.1.2.2
  G: { unreliable: { t1: 1 }, reliable: 'off', growth: 'doubles to T2' }, //   §17.2.1
  H: { unreliable: { t1: 64 }, reliable: { t1: 64 } }, //                      §17.2.1
  I: { unreliable: { t4: 1 }, reliable: now }, //                              §17.2.1
  J: { unreliable: { t1: 64 }, reliable: now }, //                             §17.2.2
  K: { unreliable: { t4: 1 }, reliable: now }, //                              §17.1.2.2
  L: { unreliable: { t1: 64 }, reliable: { t1: 64 } }, //                      RFC 6026 §8.7
  M: { unreliable: { t1: 64 }, reliable: { t1: 64 } }, //                      RFC 6026 §8.4
};

/**
 * The time until a timer fires, in milliseconds; null when it is not to be started. `round` counts its earlier
 * starts in the same transaction.
 */
export function timerDelayMs(
  name: TimerName,
  reliable: boolean,
  round: number,
  settings: TimerSettings,
): number | null {
  const row = timerRows[name];
  const length = reliable ? row.reliable : row.unreliable;
  if (length === 'off') return null;
  const firstMs = 't1' in length ? length.t1 * settings.t1Ms : length.t4 * settings.t4Ms;
  if (row.growth === undefined) return firstMs;
  const grownMs = firstMs * 2 ** Math.min(round, 16);
  return row.growth === 'doubles to T2' ? Math.min(grownMs, settings.t2Ms) : grownMs;
}
