/**
 * The connections by which registered phones are reached: a browser, or a phone behind a NAT, takes calls down the connection that
 * it registered by, and nowhere else (RFC 5626 §5.3, RFC 7118 §5).
 */
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr, splitAddresses } from '../message/name-addr.js';
import { parseUri } from '../message/uri.js';
import type { Clock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';
import { isDialable } from './next-hop.js';

/** RFC 3261 §10.2.4: what a registrar that says nothing of the time may have meant. */
export const usualRegistrationSeconds = 3600;

/** The oldest is forgotten first. */
const maxContacts = 20_000;

interface Registered {
  readonly flow: Flow;
  /** Whose it is: the To of its REGISTER. Nobody else takes its place while its connection is there. */
  readonly owner: string;
  readonly untilMs: number;
}

export class RegisteredContacts {
  readonly #clock: Clock;
  readonly #byContact = new Map<string, Registered>();
  readonly #byFlow = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An application has answered a request that came by this flow with 2xx. */
  accepted(flow: Flow, request: SipRequest, response: SipResponse): void {
    // What a proxy brought goes back by its Path.
    if (request.method !== 'REGISTER' || request.headers.all('Via').join().split(',').length > 1) return;
    const owner = addressOf(request.headers.get('To') ?? '');
    const granted = new Map(contactsOf(response).map(({ uri, seconds }) => [keyOf(uri), seconds]));
    const general = response.headers.get('Expires') ?? request.headers.get('Expires');
    for (const { uri, seconds: asked } of contactsOf(request)) {
      const key = uri === '*' ? '*' : keyOf(uri);
      if (key === null) continue;
      const seconds = Number(granted.get(key) ?? asked ?? general ?? usualRegistrationSeconds);
      const known = this.#byContact.get(key);
      if (known !== undefined && known.owner !== owner && this.#isThere(known)) continue;
      this.#forget(key);
      if (key === '*') this.#forgetAllOf(flow, owner);
      else if (seconds > 0 && flow.reliable && flow.isOpen)
        this.#keep(key, { flow, owner, ...this.#until(seconds) });
    }
  }

  /** The connection that leads to who registered this Contact; null where none is known. */
  flowTo(uri: string): Flow | null {
    if (this.#byContact.size === 0) return null;
    const known = this.#byContact.get(keyOf(uri) ?? '');
    return known !== undefined && this.#isThere(known) ? known.flow : null;
  }

  flowClosed(flow: Flow): void {
    for (const key of this.#byFlow.get(flow.id) ?? []) this.#byContact.delete(key);
    this.#byFlow.delete(flow.id);
  }

  clear(): void {
    this.#byContact.clear();
    this.#byFlow.clear();
  }

  #until(seconds: number): { untilMs: number } {
    return { untilMs: this.#clock.nowMs() + seconds * 1000 };
  }

  #isThere({ flow, untilMs }: Registered): boolean {
    return flow.isOpen && untilMs > this.#clock.nowMs();
  }

  #keep(key: string, registered: Registered): void {
    this.#byContact.set(key, registered);
    const { id } = registered.flow;
    this.#byFlow.set(id, (this.#byFlow.get(id) ?? new Set()).add(key));
    for (const oldest of this.#byContact.keys()) {
      if (this.#byContact.size <= maxContacts) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const id = this.#byContact.get(key)?.flow.id ?? '';
    this.#byContact.delete(key);
    const keys = this.#byFlow.get(id);
    keys?.delete(key);
    if (keys?.size === 0) this.#byFlow.delete(id);
  }

  /** RFC 3261 §10.2.2: all that the account has registered by that connection. */
  #forgetAllOf(flow: Flow, owner: string): void {
    for (const key of [...(this.#byFlow.get(flow.id) ?? [])])
      if (this.#byContact.get(key)?.owner === owner) this.#forget(key);
  }
}

function contactsOf({ headers }: SipRequest | SipResponse): { uri: string; seconds: string | undefined }[] {
  return headers
    .all('Contact')
    .flatMap(splitAddresses)
    .flatMap((text) => {
      if (text.trim() === '*') return [{ uri: '*', seconds: '0' }];
      const contact = parseNameAddr(text);
      return contact === null ? [] : [{ uri: contact.uri, seconds: contact.params.get('expires') }];
    });
}

/**
 * What one Contact is told from another by. Parameters are left out: not everybody keeps them, but for `ob`, with which a phone asks for
 * its connection. Null for what can be called without one: else who may register could have the calls for any URI, a carrier's too.
 */
function keyOf(uri: string): string | null {
  const parsed = parseUri(uri);
  if (parsed === null || parsed.host === '') return null;
  const asks = parsed.params.has('ob');
  if (!asks && isDialable(uri)) return null;
  return `${parsed.user ?? ''}@${parsed.host.toLowerCase()}:${String(parsed.port ?? '')}${asks ? ';ob' : ''}`;
}

/** Whose it is, without parameters. */
function addressOf(field: string): string {
  const uri = parseUri(parseNameAddr(field)?.uri ?? field);
  return uri === null ? field : `${uri.user ?? ''}@${uri.host.toLowerCase()}`;
}
