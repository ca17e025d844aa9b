/**
 * Holds the ways over UDP open that our registrations went by: a NAT forgets a binding within half a minute, and with it where calls for us
 * are to be brought (RFC 5626 §4.4.2). Connections keep themselves (connection-keep-alive.ts), as often as their registrars want it.
 */
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseVia } from '../message/via.js';
import type { Clock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';
import { registrationSeconds } from './flow-standings.js';

export interface KeptRegistrationsOptions {
  readonly clock: Clock;
  /** The longest time between two pings; each comes after 80 to 100 % of it. 0: there are none. */
  readonly everyMs: number;
  /** The way is gone that the registration with this Call-ID went by. Must not throw. */
  readonly onLost: (callId: string) => void;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** One way, and the registrations that went by it. */
interface Kept {
  readonly flow: Flow;
  /** Until when each lasts in ms, by its Call-ID. */
  readonly registrations: Map<string, number>;
  everyMs: number;
  /** The registrar has said that it takes STUN there. */
  takesStun: boolean;
  /** As whom it saw us last; undefined: it was not asked yet. */
  seenAs: string | undefined;
  timer: unknown;
}

/** However often a registrar wants to be pinged. */
const shortestMs = 5_000;

export class KeptRegistrations {
  readonly #options: KeptRegistrationsOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: KeptRegistrationsOptions) {
    this.#options = options;
  }

  /** A registrar has answered a REGISTER of ours with 2xx, which went by that flow. */
  registered(flow: Flow, request: SipRequest, response: SipResponse): void {
    const { everyMs, clock } = this.#options;
    const callId = request.headers.get('Call-ID') ?? '';
    for (const kept of [...this.#kept.values()]) if (kept.registrations.delete(callId)) this.#endUnused(kept);
    const isEnd = request.headers.get('Expires')?.trim() === '0';
    const seconds = isEnd ? 0 : registrationSeconds(request, response);
    const wish = wishOf(response);
    if (seconds > 0 && wish !== null && wish > 0) flow.keepAliveWithin?.(Math.max(shortestMs, wish * 1000));
    if (everyMs === 0 || seconds === 0 || flow.pings === undefined) return;
    const known = this.#kept.get(flow.id);
    const kept = known ?? {
      ...{ flow, everyMs, registrations: new Map<string, number>() },
      ...{ takesStun: false, seenAs: undefined, timer: undefined },
    };
    kept.takesStun ||= wish !== null;
    // What one registrar said once holds for its way.
    const wishedMs = wish === null || wish === 0 ? Infinity : wish * 1000;
    kept.everyMs = Math.max(Math.min(shortestMs, everyMs), Math.min(kept.everyMs, wishedMs));
    kept.registrations.set(callId, clock.nowMs() + seconds * 1000);
    this.#kept.set(flow.id, kept);
    if (known === undefined) this.#schedule(kept);
  }

  close(): void {
    for (const kept of [...this.#kept.values()]) this.#end(kept);
  }

  #schedule(kept: Kept): void {
    const { clock, random } = this.#options;
    kept.timer = clock.setTimer(kept.everyMs * (0.8 + 0.2 * random()), () => {
      this.#forgetExpired(kept);
      if (kept.registrations.size === 0) this.#end(kept);
      else void this.#ping(kept);
    });
  }

  async #ping(kept: Kept): Promise<void> {
    const isOpen = await this.#isOpen(kept);
    if (this.#kept.get(kept.flow.id) !== kept) return;
    if (isOpen) {
      this.#schedule(kept);
      return;
    }
    const lost = [...kept.registrations.keys()];
    this.#end(kept);
    for (const callId of lost) this.#options.onLost(callId);
  }

  /** Whether calls still come by the way, as far as that is to be seen. */
  async #isOpen(kept: Kept): Promise<boolean> {
    const { pings } = kept.flow;
    try {
      if (!kept.takesStun) {
        await pings?.sendBreaks();
        return true;
      }
      const seenAs = (await pings?.ask()) ?? null;
      // Not every server does what it says: only one that has answered before can fail to.
      if (seenAs === null && kept.seenAs === undefined) {
        kept.takesStun = false;
        return true;
      }
      if (seenAs === null) return false;
      // One that names none says only that it is there.
      const isMoved = seenAs !== '' && (kept.seenAs ?? '') !== '' && kept.seenAs !== seenAs;
      kept.seenAs = seenAs === '' ? (kept.seenAs ?? '') : seenAs;
      return !isMoved;
    } catch {
      return false;
    }
  }

  #forgetExpired({ registrations }: Kept): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [callId, untilMs] of registrations) if (untilMs <= nowMs) registrations.delete(callId);
  }

  #endUnused(kept: Kept): void {
    if (kept.registrations.size === 0) this.#end(kept);
  }

  #end(kept: Kept): void {
    this.#options.clock.clearTimer(kept.timer);
    this.#kept.delete(kept.flow.id);
  }
}

/** How often the registrar wants to be pinged, over UDP by STUN, in s (RFC 6223 §5, RFC 5626 §4.4); 0: it does not matter; null: it said nothing of STUN. */
function wishOf({ headers }: SipResponse): number | null {
  const via = parseVia(headers.get('Via') ?? '')?.params.get('keep');
  const wish = via ?? headers.get('Flow-Timer');
  return wish !== undefined && /^\s*\d{1,5}\s*$/.test(wish) ? Number(wish) : null;
}
