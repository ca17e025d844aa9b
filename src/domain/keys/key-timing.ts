/** Of key presses that are sent to phones, in milliseconds. */
export const keyTiming = {
  /** What receivers are sure to take (ITU-T Q.24). */
  shortestMs: 40,
  longestMs: 5000,
  defaultMs: 160,
  /** Between two: twice what receivers need (ITU-T Q.24). */
  gapMs: 80,
  /** Of a comma. */
  pauseMs: 1000,
  /** Of all that wait to be sent to one phone. */
  longestInAllMs: 60_000,
} as const;

/** How long these take, the last gap included. */
export function lengthOfKeysMs(digits: string, durationMs: number): number {
  const pauses = [...digits].filter((key) => key === ',').length;
  return pauses * keyTiming.pauseMs + (digits.length - pauses) * (durationMs + keyTiming.gapMs);
}
