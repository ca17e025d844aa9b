/** Ranks connections by what came over them (accepted requests, registrations): the lowest are closed where there are too many. */
import { parseNameAddr, splitAddresses } from '../message/name-addr.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Clock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';
import { RegisteredContacts, usualRegistrationSeconds } from './registered-contacts.js';

export class FlowStandings {
  /** By which of them registered phones are reached. */
  readonly contacts: RegisteredContacts;
  readonly #clock: Clock;
  /** Flows of which a request was accepted, by id, with the time in ms that a registration over it lasts to; 0: there is none. */
  readonly #known = new Map<string, number>();
  /** Our registrations by each flow, by its id: until when each lasts in ms, by its Call-ID; and the flow of each. */
  readonly #registrations = new Map<string, Map<string, number>>();
  readonly #flowOf = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.contacts = new RegisteredContacts(clock);
  }

  /**
   * An application has answered a request that came by this flow with 2xx: there was something to accept. Not so OPTIONS, which
   * anybody may ask.
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

  /**
   * A registrar has answered a REGISTER of ours, which went by this flow, with 2xx: calls come by it. Several may share the flow, such
   * as those of two accounts at one carrier, and each ends by itself.
   */
  registered(flow: Flow, request: SipRequest, response: SipResponse): void {
    const callId = request.headers.get('Call-ID') ?? '';
    const before = this.#flowOf.get(callId);
    if (before !== undefined) this.#registrations.get(before)?.delete(callId);
    this.#flowOf.delete(callId);
    if (!flow.reliable || !flow.isOpen) return;
    this.#known.set(flow.id, this.#known.get(flow.id) ?? 0);
    const seconds = registrationSeconds(request, response);
    if (seconds === 0) return;
    this.#flowOf.set(callId, flow.id);
    const registrations = this.#registrations.get(flow.id) ?? new Map<string, number>();
    this.#registrations.set(flow.id, registrations.set(callId, this.#clock.nowMs() + seconds * 1000));
  }

  isKnown(flow: Flow): boolean {
    return this.#known.has(flow.id);
  }

  isRegistered(flow: Flow): boolean {
    const nowMs = this.#clock.nowMs();
    if ((this.#known.get(flow.id) ?? 0) > nowMs) return true;
    return [...(this.#registrations.get(flow.id)?.values() ?? [])].some((untilMs) => untilMs > nowMs);
  }

  /** The Call-IDs of our registrations that it had. */
  flowClosed(flow: Flow): readonly string[] {
    this.#known.delete(flow.id);
    this.contacts.flowClosed(flow);
    const lost = [...(this.#registrations.get(flow.id)?.keys() ?? [])];
    this.#registrations.delete(flow.id);
    for (const callId of lost) this.#flowOf.delete(callId);
    return lost;
  }

  clear(): void {
    this.contacts.clear();
    this.#known.clear();
    this.#registrations.clear();
    this.#flowOf.clear();
  }
}

/** For how long the longest binding that the registrar names lasts; 0 where it names none (RFC 3261 §10.3). */
export function registrationSeconds(request: SipRequest, response: SipResponse): number {
  const contacts = response.headers.all('Contact').flatMap(splitAddresses);
  const general = response.headers.get('Expires') ?? request.headers.get('Expires');
  return contacts.reduce((longest, contact) => {
    const seconds = Number(parseNameAddr(contact)?.params.get('expires') ?? general ?? NaN);
    return Math.max(longest, Number.isFinite(seconds) ? seconds : usualRegistrationSeconds);
  }, 0);
}
