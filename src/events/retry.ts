/** When a message is tried again, and at which of a receiver's two URLs. Pure. */

export interface RetryOptions {
  /** The wait after the first failure. */
  readonly firstMs: number;
  /** The longest wait. */
  readonly longestMs: number;
}

/** Doubles with each failure; ±20 % so that receivers do not get everything at the same moment. `random` is in [0, 1). */
export function retryDelayMs(attempts: number, random: number, { firstMs, longestMs }: RetryOptions): number {
  const delayMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempts - 1, 30));
  return Math.max(firstMs, Math.min(longestMs, Math.round(delayMs * (0.8 + 0.4 * random))));
}

/** How a receiver's two URLs have done lately. */
export interface RouteState {
  /** Failures of the first URL since it last worked. */
  readonly firstFailures: number;
  readonly firstTriedAt: number;
  readonly fallbackFailed: boolean;
}

export const freshRoute: RouteState = { firstFailures: 0, firstTriedAt: 0, fallbackFailed: false };

export interface RouteOptions {
  /** Failures of the first URL before the fallback is used. */
  readonly failuresBeforeFallback: number;
  /** How often the first URL is tried while the fallback is used. */
  readonly probeMs: number;
}

export function chooseRoute(
  state: RouteState,
  hasFallback: boolean,
  now: number,
  options: RouteOptions,
): 'first' | 'fallback' {
  if (!hasFallback || state.firstFailures < options.failuresBeforeFallback) return 'first';
  return state.fallbackFailed || now - state.firstTriedAt >= options.probeMs ? 'first' : 'fallback';
}

export function afterTry(
  state: RouteState,
  route: 'first' | 'fallback',
  isDelivered: boolean,
  now: number,
): RouteState {
  if (route === 'fallback') return { ...state, fallbackFailed: !isDelivered };
  return {
    firstFailures: isDelivered ? 0 : state.firstFailures + 1,
    firstTriedAt: now,
    fallbackFailed: false,
  };
}
