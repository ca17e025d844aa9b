/** What the peers of connections have shown: whose connection is one to keep where there is no room for all. */
import { parseNameAddr, splitAddresses } from '../message/name-addr.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Clock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';

/** RFC 3261 §10.2.4: what a registrar that says nothing of the time may have meant. */
const usualRegistrationSeconds = 3600;

export class FlowStandings {
  readonly #clock: Clock;
  /** Flows of which a request was accepted, by id, with the time in ms that a registration over it lasts to; 0: there is none. */
  readonly #known = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * An application has answered a request that came by this flow with 2xx: there was something to accept. Not so OPTIONS, which
   * anybody may ask. Or a registrar has answered a REGISTER of ours so that went by it: calls come by this flow.
   */
  accepted(flow: Flow, request: SipRequest, response: SipResponse): void {
    if (!flow.reliable || !flow.isOpen || request.method === 'OPTIONS') return;
    const before = this.#known.get(flow.id) ?? 0;
    const untilMs =
      request.method === 'REGISTER'
        ? this.#clock.nowMs() + registrationSeconds(request, response) * 1000
        : before;
    this.#known.set(flow.id, untilMs);
  }

  isKnown(flow: Flow): boolean {
    return this.#known.has(flow.id);
  }

  isRegistered(flow: Flow): boolean {
    return (this.#known.get(flow.id) ?? 0) > this.#clock.nowMs();
  }

  flowClosed(flow: Flow): void {
    this.#known.delete(flow.id);
  }

  clear(): void {
    this.#known.clear();
  }
}

/** For how long the longest binding that the registrar names lasts; 0 where it names none (RFC 3261 §10.3). */
function registrationSeconds(request: SipRequest, response: SipResponse): number {
  const contacts = response.headers.all('Contact').flatMap(splitAddresses);
  const general = response.headers.get('Expires') ?? request.headers.get('Expires');
  return contacts.reduce((longest, contact) => {
    const seconds = Number(parseNameAddr(contact)?.params.get('expires') ?? general ?? NaN);
    return Math.max(longest, Number.isFinite(seconds) ? seconds : usualRegistrationSeconds);
  }, 0);
}
