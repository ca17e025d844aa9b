/**
 * Which server of a name asked for a password (401, 407): what answers it goes to that one first. Others that the name has need not
 * know what was asked, and would ask anew (RFC 3261 §22.2, §22.3: the request is sent again; RFC 2782 draws among equals each time).
 */
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Clock } from '../transaction/clock.js';
import type { NextHop } from './next-hop.js';
import type { OutgoingRequest } from './outgoing-request.js';
import type { ServerPlace } from './way.js';

/** An answer comes at once, or a password is asked of somebody. */
const keptMs = 60_000;
const maxKept = 1_000;

interface Asked {
  readonly place: ServerPlace;
  readonly hop: string;
  readonly untilMs: number;
}

export class AskedServers {
  readonly #clock: Clock;
  /** By the Call-ID, which the answer has, too (RFC 3261 §8.1.3.5). */
  readonly #asked = new Map<string, Asked>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request of ours outside of a dialog has its final response. */
  responded({ request, attempt, flow }: OutgoingRequest, { status }: SipResponse): void {
    if ((status !== 401 && status !== 407) || attempt === undefined || attempt.way.isSole) return;
    const { protocol, remoteAddress: address, remotePort: port } = flow;
    const callId = request.headers.get('Call-ID') ?? '';
    this.#asked.delete(callId);
    const untilMs = this.#clock.nowMs() + keptMs;
    this.#asked.set(callId, { place: { protocol, address, port }, hop: nameOf(attempt.hop), untilMs });
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= maxKept) return;
      this.#asked.delete(oldest);
    }
  }

  /** The server that the request answers, where it shows a password and goes to the same name. */
  whomItAnswers({ headers }: SipRequest, hop: NextHop): ServerPlace | undefined {
    if (!headers.has('Authorization') && !headers.has('Proxy-Authorization')) return undefined;
    const asked = this.#asked.get(headers.get('Call-ID') ?? '');
    const isKnown = asked !== undefined && asked.untilMs > this.#clock.nowMs() && asked.hop === nameOf(hop);
    return isKnown ? asked.place : undefined;
  }

  clear(): void {
    this.#asked.clear();
  }
}

function nameOf({ protocol, host, port }: NextHop): string {
  return `${protocol} ${host} ${port ?? ''}`;
}
