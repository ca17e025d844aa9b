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
  timeoutMs: number,
  onLate: (value: T) => void,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const settle = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = (): void => settle(() => reject(new TimeOver('nobody waits for it any longer')));
    const timer = setTimeout(() => settle(() => reject(new TimeOver('it took too long'))), timeoutMs);
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
