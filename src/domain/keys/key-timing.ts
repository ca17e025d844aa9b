/** How long the key presses that are sent to phones last, in milliseconds. */
export const keyTiming = {
  /** The shortest press that receivers are sure to take (ITU-T Q.24). */
  shortestMs: 40,
  longestMs: 5000,
  defaultMs: 160,
  /** The gap between two presses: twice what receivers need (ITU-T Q.24). */
  gapMs: 80,
  /** How long a comma pauses. */
  pauseMs: 1000,
  /** The longest that all keys waiting for one phone may take together. */
  longestInAllMs: 60_000,
} as const;

/** How long these keys take together, the last gap included. */
export function lengthOfKeysMs(digits: string, durationMs: number): number {
  const pauses = Array.from(digits).filter((key) => key === ',').length;
  return pauses * keyTiming.pauseMs + (digits.length - pauses) * (durationMs + keyTiming.gapMs);
}
