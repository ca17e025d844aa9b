/**
 * Numbers facts: one sequence a session, or an account outside of sessions. The one place where numbers are given, by the
 * node that owns the session; what it gave is kept with the facts (`Activity`), for its next life or the session's next owner.
 */
export class FactSequences {
  /** Last number by session or account; a session's goes when the session does. Accounts are few and stay. */
  readonly #last: Map<string, number>;

  /** `last`: the last numbers that an earlier life gave. */
  constructor(last: ReadonlyMap<string, number> = new Map()) {
    this.#last = new Map(last);
  }

  next(fact: { readonly sessionId: string | null; readonly accountId: string }): number {
    const key = sequenceKey(fact);
    const number = (this.#last.get(key) ?? 0) + 1;
    this.#last.set(key, number);
    return number;
  }

  /** The number of the last fact; 0 before the first. */
  last(fact: { readonly sessionId: string | null; readonly accountId: string }): number {
    return this.#last.get(sequenceKey(fact)) ?? 0;
  }

  /** The session is no more: nothing is numbered for it any longer. */
  end(sessionId: string): void {
    this.#last.delete(sessionId);
  }
}

/** What numbers a fact: its session, or its account outside sessions. */
export function sequenceKey(fact: { readonly sessionId: string | null; readonly accountId: string }): string {
  return fact.sessionId ?? fact.accountId;
}
