/** Whether the gateway takes calls, and if not, why not. */

/** Null where all is well, else the reason. May throw, which is a reason too. */
export type ReadinessCheck = () => string | null | Promise<string | null>;

export interface NotReady {
  readonly check: string;
  readonly reason: string;
}

export interface ReadinessOptions {
  /** A check that takes longer counts as failed. Default 2000. */
  readonly timeoutMs?: number;
}

export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #timeoutMs: number;

  constructor(options: ReadinessOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 2000;
  }

  /** A check of the same name is replaced. */
  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** Empty where the gateway is ready. */
  async reasons(): Promise<NotReady[]> {
    const reasons = await Promise.all(
      [...this.#checks].map(async ([check, run]) => ({ check, reason: await this.#ask(run) })),
    );
    return reasons.flatMap(({ check, reason }) => (reason === null ? [] : [{ check, reason }]));
  }

  async #ask(check: ReadinessCheck): Promise<string | null> {
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timeout = setTimeout(() => resolve('no answer'), this.#timeoutMs);
    });
    try {
      return await Promise.race([Promise.resolve(check()), late]);
    } catch {
      // The error's own text may hold what the world must not read; the owner of the check logs it.
      return 'failed';
    } finally {
      clearTimeout(timeout);
    }
  }
}
