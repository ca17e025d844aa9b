/** Our answered calls by the names of their dialogs, for calls that are to take their places. */
import type { DialogName } from './replaces-header.js';

/** A call whose place another may take. */
export interface ReplaceableCall {
  readonly legId: string;
  readonly participantId: string;
  /** The trunk that it came over; null where it is of none. */
  readonly trunkId: string | null;
}

/** Ended calls whose names are still known, so that they are told from calls that never were. */
const maxEnded = 1000;

export class StandingDialogs {
  readonly #calls = new Map<string, ReplaceableCall>();
  readonly #ended = new Set<string>();

  /** Gives what forgets the call when it has ended. Idempotent. */
  add(name: DialogName, call: ReplaceableCall): () => void {
    const key = keyOf(name);
    this.#calls.set(key, call);
    return () => {
      if (this.#calls.get(key) !== call) return;
      this.#calls.delete(key);
      this.#ended.add(key);
      const oldest = this.#ended.values().next();
      if (this.#ended.size > maxEnded && oldest.done !== true) this.#ended.delete(oldest.value);
    };
  }

  /** `ended`: there was such a call. Null: there was none, as far as is known. */
  find(name: DialogName): ReplaceableCall | 'ended' | null {
    // RFC 3891 §3: a tag of zero also stands for that of a peer that has none (RFC 2543).
    const names = name.remoteTag === '0' ? [name, { ...name, remoteTag: '' }] : [name];
    for (const one of names) {
      const call = this.#calls.get(keyOf(one));
      if (call !== undefined) return call;
    }
    return names.some((one) => this.#ended.has(keyOf(one))) ? 'ended' : null;
  }
}

function keyOf({ callId, localTag, remoteTag }: DialogName): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}
