/** NOTIFYs of a subscription whose SUBSCRIBE has no answer yet: they wait for it (RFC 6665 §4.4.1). */
import { dialogKey } from '../dialog/dialog.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import type { MessageIdentity } from '../transaction/identity.js';

/** How many may wait for the answer to one SUBSCRIBE. */
const maxWaiting = 8;

export class OvertakingNotifies {
  readonly #waiting = new Map<string, (() => void)[]>();

  /** A request has gone out that begins a subscription. */
  asked(request: SipRequest): void {
    this.#waiting.set(keyOf(request), []);
  }

  /** Calls `again` once the answer is here. False: the NOTIFY belongs to no such request, or to one that too many wait for. */
  waits({ callId, toTag }: MessageIdentity, again: () => void): boolean {
    const waiting = this.#waiting.get(dialogKey(callId, toTag, ''));
    if (waiting === undefined || waiting.length >= maxWaiting) return false;
    waiting.push(again);
    return true;
  }

  /** The request has its final response, which was told: now come those that were faster. */
  answered(request: SipRequest): void {
    const key = keyOf(request);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const again of waiting) again();
  }

  clear(): void {
    this.#waiting.clear();
  }
}

function keyOf({ headers }: SipRequest): string {
  const fromTag = parseNameAddr(headers.get('From') ?? '')?.params.get('tag') ?? '';
  return dialogKey(headers.get('Call-ID') ?? '', fromTag, '');
}
