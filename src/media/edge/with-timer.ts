/** Waiting that has an end. */
import type { Clock } from '../../domain/clock.js';

export interface TimeLimit {
  readonly clock: Clock;
  readonly ms: number;
}

/** Time is up, or nobody waits any longer. */
export class TimeOver extends Error {
  override readonly name = 'TimeOver';
}

/**
 * Settles as `work` does, or rejects with TimeOver when the time is up, or when the signal says that nobody wants it any
 * longer. What `work` resolves with after that goes to `onLate`; its late error to nobody.
 */
export function withTimer<T>(
  work: Promise<T>,
  { clock, ms }: TimeLimit,
  onLate: (value: T) => void,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const settle = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = (): void => settle(() => reject(new TimeOver('nobody waits for it any longer')));
    const timer = clock.after(ms, () => settle(() => reject(new TimeOver('it took too long'))));
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
    work.then(
      (value) => {
        if (isOver) onLate(value);
        else settle(() => resolve(value));
      },
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}

/** Resolves when the time is up, or when the signal says that nobody wants to wait any longer. */
export function pause({ clock, ms }: TimeLimit, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal?.addEventListener('abort', finish);
    if (signal?.aborted === true) finish();
  });
}
