/** Completes the responses that applications draft with what the SIP server owns: Via, Contact, Record-Route, tags. */
import { optionTags } from '../dialog/session-expires.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { UserAgentEnvironment } from './environment.js';
import type { IncomingRequest } from './incoming-request.js';
import { isReliable } from './reliable-responses.js';
import type { Refusal } from './request-checks.js';
import { addContentType, allowValue, copyApplicationFields, inBrackets, isSips } from './requests.js';
import { createResponse } from './responses.js';

/** Writes the responses of the user agent server: its own, and those that applications draft. */
export class ResponseComposer {
  readonly #environment: UserAgentEnvironment;

  constructor(environment: UserAgentEnvironment) {
    this.#environment = environment;
  }

  /** The methods that we can serve, for Allow. */
  get allow(): string {
    return allowValue(this.#environment.directory.knownMethods());
  }

  plain(request: SipRequest, toTag: string, status: number): SipResponse {
    const response = createResponse(request, status, toTag);
    this.#addServer(response);
    return response;
  }

  /** A refusal of our own making; counted. */
  refusal(request: SipRequest, toTag: string, refusal: Refusal): SipResponse {
    const { refusals } = this.#environment.counters;
    refusals.set(refusal.status, (refusals.get(refusal.status) ?? 0) + 1);
    const response = createResponse(request, refusal.status, toTag, refusal.reason);
    for (const [name, value] of refusal.headers ?? []) response.headers.append(name, value);
    this.#addServer(response);
    return response;
  }

  /** What we can do (RFC 3261 §11.2). */
  capabilities(request: SipRequest, toTag: string): SipResponse {
    const response = this.plain(request, toTag, 200);
    this.#addCapabilities(response);
    // RFC 5621 §3.1: whoever can be called takes its description among other parts.
    response.headers.append('Accept', 'application/sdp, multipart/mixed');
    return response;
  }

  /** The response an application drafted, with what it need not know of (RFC 3261 §8.2.6, §12.1.1, §13.3.1). */
  drafted(incoming: IncomingRequest, draft: SipResponse): SipResponse {
    const { request, flow } = incoming;
    const { status } = draft;
    const { addressing } = this.#environment;
    const response = createResponse(request, status, status === 100 ? '' : incoming.toTag, draft.reason);
    const { headers } = response;
    const makesDialog = incoming.identity.toTag === '' && incoming.dialog !== undefined;
    if (makesDialog && status > 100 && status < 300) {
      for (const route of request.headers.all('Record-Route')) headers.append('Record-Route', route);
    }
    const contact = draft.headers.get('Contact');
    if (contact !== undefined)
      headers.append('Contact', addressing.rewriteLocalhost(inBrackets(contact), flow, true));
    else if (needsContact(request.method, status))
      headers.append('Contact', addressing.contact(flow, isSips(request.uri)));
    copyApplicationFields(draft.headers, headers, true);
    if (request.method === 'INVITE' && status >= 200 && status < 300) this.#addCapabilities(response);
    // RFC 6665 §4.2.1.1: it must say for how long, and no longer than was asked.
    if (request.method === 'SUBSCRIBE' && status >= 200 && status < 300 && !headers.has('Expires'))
      headers.append('Expires', request.headers.get('Expires') ?? '3600');
    this.#addServer(response);
    response.body = draft.body;
    addContentType(headers, draft.body);
    if (request.method === 'INVITE' && status > 100 && status < 200) decideReliability(incoming, response);
    return response;
  }

  #addCapabilities({ headers }: SipResponse): void {
    if (!headers.has('Allow')) headers.append('Allow', this.allow);
    const { supported } = this.#environment.settings;
    if (!headers.has('Supported') && supported.length > 0) headers.append('Supported', supported.join(', '));
  }

  #addServer({ headers }: SipResponse): void {
    const { userAgent } = this.#environment.settings;
    if (userAgent !== undefined && !headers.has('Server')) headers.append('Server', userAgent);
  }
}

/** Writes `Require: 100rel` and RSeq into what is sent reliably, and leaves the first out of what cannot be (RFC 3262 §3). */
function decideReliability(incoming: IncomingRequest, { headers }: SipResponse): void {
  const isWanted = optionTags(headers, 'Require').includes('100rel');
  if (!isReliable(incoming.request.headers, headers)) {
    if (isWanted) headers.remove('Require');
    return;
  }
  if (!isWanted) headers.append('Require', '100rel');
  headers.append('RSeq', String((incoming.nextRSeq += 1)));
}

/** RFC 3311 §5.2, RFC 6665 §4.4.1, RFC 3515 §2.2. */
const withContactInFinal: ReadonlySet<string> = new Set(['UPDATE', 'SUBSCRIBE', 'REFER']);

function needsContact(method: string, status: number): boolean {
  if (status <= 100 || status >= 300) return false;
  return method === 'INVITE' || (withContactInFinal.has(method) && status >= 200);
}
