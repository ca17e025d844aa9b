/** What has not come by then comes no more, however busy the machine: a wait's end is no assertion about time. */
export const hangMs = 25_000;

/** Waits for a fact that nobody announces. What is announced (an event, a message) is awaited where it comes. */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  { timeoutMs = hangMs, everyMs = 20 } = {},
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<NonNullable<T>, false>;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** What the promise resolves with, or a rejection that names what did not come in time. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = hangMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
