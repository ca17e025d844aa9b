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
/** One connection has a Contact for each of its lines, and one Contact accounts for each of them. */
const maxLines = 32;

interface Registered {
  readonly flow: Flow;
  readonly untilMs: number;
}

export class RegisteredContacts {
  readonly #clock: Clock;
  /** By Contact, and whose it is: the To of its REGISTER. */
  readonly #byContact = new Map<string, Map<string, Registered>>();
  readonly #byFlow = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An application of ours, a registrar, has answered a request that came by this flow with 2xx. */
  accepted(flow: Flow, request: SipRequest, response: SipResponse): void {
    // What a proxy brought goes back by its Path.
    if (request.method !== 'REGISTER' || request.headers.all('Via').length > 1) return;
    const owner = addressOf(request.headers.get('To') ?? '');
    // RFC 3261 §10.3: the answer lists all that are registered now; some registrars list none.
    const granted = contactsOf(response);
    const secondsOf = new Map(granted.map(({ uri, seconds }) => [keyOf(uri), seconds]));
    const general = response.headers.get('Expires') ?? request.headers.get('Expires');
    for (const { uri, seconds: asked } of contactsOf(request)) {
      if (uri === '*') {
        this.#forgetAllOf(flow, owner);
        continue;
      }
      const key = keyOf(uri);
      if (key === null) continue;
      this.#forget(key, owner);
      if (granted.length > 0 && !secondsOf.has(key)) continue;
      const seconds = Number(secondsOf.get(key) ?? asked ?? general ?? usualRegistrationSeconds);
      if (seconds > 0 && flow.reliable && flow.isOpen)
        this.#keep(key, owner, { flow, untilMs: this.#clock.nowMs() + seconds * 1000 });
    }
  }

  /**
   * The connection that leads to who registered this Contact; null where none is known. Also where two accounts have registered it, such
   * as phones with the same private address behind two NATs: which of them is meant nobody can tell.
   */
  flowTo(uri: string): Flow | null {
    if (this.#byContact.size === 0) return null;
    const [known, ...others] = [...(this.#byContact.get(keyOf(uri) ?? '')?.values() ?? [])].filter(
      ({ flow, untilMs }) => flow.isOpen && untilMs > this.#clock.nowMs(),
    );
    if (known === undefined || others.some(({ flow }) => flow.id !== known.flow.id)) return null;
    const isSecure = known.flow.protocol === 'tls' || known.flow.protocol === 'wss';
    return isSecure || !wantsTls(uri) ? known.flow : null;
  }

  flowClosed(flow: Flow): void {
    for (const key of this.#byFlow.get(flow.id) ?? []) {
      const owners = this.#byContact.get(key);
      for (const [owner, registered] of owners ?? [])
        if (registered.flow.id === flow.id) owners?.delete(owner);
      if (owners?.size === 0) this.#byContact.delete(key);
    }
    this.#byFlow.delete(flow.id);
  }

  clear(): void {
    this.#byContact.clear();
    this.#byFlow.clear();
  }

  #keep(key: string, owner: string, registered: Registered): void {
    const { id } = registered.flow;
    const keys = this.#byFlow.get(id) ?? new Set();
    const owners = this.#byContact.get(key) ?? new Map<string, Registered>();
    if (keys.size >= maxLines && !keys.has(key)) return;
    if (owners.size >= maxLines && !owners.has(owner)) return;
    this.#byFlow.set(id, keys.add(key));
    this.#byContact.delete(key);
    this.#byContact.set(key, owners.set(owner, registered));
    for (const oldest of this.#byContact.keys()) {
      if (this.#byContact.size <= maxContacts) return;
      for (const one of [...(this.#byContact.get(oldest)?.keys() ?? [])]) this.#forget(oldest, one);
    }
  }

  #forget(key: string, owner: string): void {
    const owners = this.#byContact.get(key);
    const id = owners?.get(owner)?.flow.id;
    if (owners === undefined || id === undefined) return;
    owners.delete(owner);
    if (owners.size === 0) this.#byContact.delete(key);
    if ([...owners.values()].some(({ flow }) => flow.id === id)) return;
    const keys = this.#byFlow.get(id);
    keys?.delete(key);
    if (keys?.size === 0) this.#byFlow.delete(id);
  }

  /** RFC 3261 §10.2.2: all that the account has registered by that connection. */
  #forgetAllOf(flow: Flow, owner: string): void {
    for (const key of [...(this.#byFlow.get(flow.id) ?? [])])
      if (this.#byContact.get(key)?.get(owner)?.flow.id === flow.id) this.#forget(key, owner);
  }
}

/** Whoever is called so is not called in the clear. */
function wantsTls(uri: string): boolean {
  const parsed = parseUri(uri);
  return parsed?.scheme === 'sips' || parsed?.params.get('transport')?.toLowerCase() === 'tls';
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
