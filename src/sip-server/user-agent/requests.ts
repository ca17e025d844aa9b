/** Completes the requests that applications draft with what the SIP server owns: Via, Contact, CSeq, tags. */
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { parseCSeq } from '../message/cseq.js';
import { splitCommas } from '../message/parameters.js';
import { bracketed } from '../message/host-port.js';
import type { Flow } from '../transport/flow.js';
import type { Addressing } from './addressing.js';
import type { UserAgentEnvironment } from './environment.js';
import { newCallId, newTag } from './identifiers.js';

/** What the server writes itself; an application's own is not taken (hop-by-hop, or the dialog's business). */
const ownFields = new Set([
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Contact',
  'Content-Length',
  'Max-Forwards',
  'Record-Route',
  // Those of a response are numbered where it is sent (RFC 3262 §3), whatever an application copied from another.
  'RSeq',
]);

/** Requests whose Contact matters (RFC 3261 §8.1.1.8, RFC 3311, RFC 6665, RFC 3515). */
const withContact = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER', 'OPTIONS', 'REGISTER']);

/** Copies the fields that an application may set; `Route` only where there is no dialog that knows better. */
export function copyApplicationFields(from: HeaderFields, to: HeaderFields, inDialog: boolean): void {
  for (const { name, value } of from) {
    if (ownFields.has(name) || (inDialog && name === 'Route')) continue;
    to.append(name, value);
  }
}

/** A body that says nothing of its type and looks like SDP is SDP. */
export function addContentType(headers: HeaderFields, body: Buffer): void {
  if (body.length > 2 && body[0] === 0x76 && body[1] === 0x3d && !headers.has('Content-Type')) {
    headers.append('Content-Type', 'application/sdp');
  }
}

/**
 * A request outside of a dialog out of an application's draft: From, To and Call-ID are made up where they are missing,
 * `localhost` becomes our address (RFC 3261 §8.1.1).
 */
export function composeNewRequest(
  draft: SipRequest,
  flow: Flow,
  branch: string,
  environment: UserAgentEnvironment,
): SipRequest {
  const { addressing, settings, directory } = environment;
  const headers = new HeaderFields();
  const { method, uri, body } = draft;
  // RFC 6223: whoever takes pings by STUN says so in the answer.
  const keeps = method === 'REGISTER' && flow.pings !== undefined && (settings.registrationPingMs ?? 0) > 0;
  headers.append('Via', `${addressing.via(flow, branch)}${keeps ? ';keep' : ''}`);
  headers.append('Max-Forwards', '70');
  const from = draft.headers.get('From') ?? `<sip:${bracketed(addressing.host(flow))}>`;
  headers.append('From', withTag(addressing.rewriteLocalhost(from, flow, false)));
  const to = addressing.rewriteLocalhost(draft.headers.get('To') ?? `<${uri}>`, flow, false);
  headers.append('To', to);
  headers.append('Call-ID', draft.headers.get('Call-ID') ?? newCallId());
  const cseq = parseCSeq(draft.headers.get('CSeq') ?? '')?.number ?? 1 + Math.floor(Math.random() * 0xffff);
  headers.append('CSeq', `${cseq} ${method}`);
  if (hasContact(method))
    headers.append('Contact', contactOf(draft.headers.get('Contact'), uri, flow, addressing));
  copyApplicationFields(draft.headers, headers, false);
  const identityValue = headers.get('P-Asserted-Identity');
  if (identityValue?.includes('localhost')) {
    headers.set('P-Asserted-Identity', addressing.rewriteLocalhost(identityValue, flow, false));
  }
  if (method === 'INVITE') {
    if (!headers.has('Allow')) headers.append('Allow', allowValue(directory.knownMethods()));
    if (!headers.has('Supported') && settings.supported.length > 0) {
      headers.append('Supported', settings.supported.join(', '));
    }
  }
  if (settings.userAgent !== undefined && !headers.has('User-Agent')) {
    headers.append('User-Agent', settings.userAgent);
  }
  addContentType(headers, body);
  return { kind: 'request', method, uri, headers, body };
}

/** Completes what `Dialog.createRequest` began: Via, Contact and what the application wants to say. */
export function completeInDialog(
  request: SipRequest,
  draft: SipRequest | undefined,
  way: {
    readonly flow: Flow;
    readonly branch: string;
    /** By which the peer is told to reach us; default: the same. */
    readonly contactFlow?: Flow;
  },
  { addressing, settings }: UserAgentEnvironment,
): void {
  const { headers } = request;
  headers.prepend('Via', addressing.via(way.flow, way.branch));
  if (hasContact(request.method)) {
    const own = (draft ?? request).headers.get('Contact');
    headers.append('Contact', contactOf(own, request.uri, way.contactFlow ?? way.flow, addressing));
  }
  if (draft) {
    copyApplicationFields(draft.headers, headers, true);
    request.body = draft.body;
  }
  if (settings.userAgent !== undefined && !headers.has('User-Agent')) {
    headers.append('User-Agent', settings.userAgent);
  }
  addContentType(headers, request.body);
}

/** The CANCEL of an INVITE: the same top Via, Request-URI, Route and CSeq number (RFC 3261 §9.1). */
export function createCancel(invite: SipRequest, draft: SipRequest | undefined): SipRequest {
  const headers = new HeaderFields();
  for (const name of ['Via', 'Route', 'Max-Forwards', 'From', 'To', 'Call-ID']) {
    for (const value of invite.headers.all(name)) headers.append(name, value);
  }
  headers.append('CSeq', `${parseCSeq(invite.headers.get('CSeq') ?? '')?.number ?? 1} CANCEL`);
  if (draft) copyApplicationFields(draft.headers, headers, true);
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers, body: Buffer.alloc(0) };
}

/** What every call here can do, and what applications asked for beyond that. */
const baseMethods = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'UPDATE', 'INFO', 'PRACK'];

export function allowValue(known: Iterable<string>): string {
  return [...new Set([...baseMethods, ...known])].join(', ');
}

function hasContact(method: string): boolean {
  return withContact.has(method);
}

/** `own`: the Contact that the application wants. Who calls a `sips` URI shows one (RFC 3261 §8.1.1.8). */
function contactOf(own: string | undefined, uri: string, flow: Flow, addressing: Addressing): string {
  if (own === undefined) return addressing.contact(flow, isSips(uri));
  const contact = inBrackets(own);
  const isOurs = isSips(uri) && flow.protocol === 'tls' && /<sip:(?:[^@>]*@)?localhost/i.test(contact);
  return addressing.rewriteLocalhost(isOurs ? contact.replace(/<sip:/i, '<sips:') : contact, flow, true);
}

export function isSips(uri: string): boolean {
  return /^sips:/i.test(uri);
}

/** Parameters that mean something in a URI (RFC 3261 §19.1.1, RFC 5626 §5.3, RFC 5627 §3), of which more are a Contact's own. */
const uriParameters = new Set(['transport', 'user', 'method', 'ttl', 'maddr', 'lr', 'ob', 'gr', 'comp']);

/** A Contact as applications write it, with each URI in brackets: without them its parameters would be the field's (RFC 3261 §20.10). */
export function inBrackets(contact: string): string {
  const addresses = splitCommas(contact).map((address) => {
    if (address === '*' || address.includes('<')) return address;
    const [uri = '', ...parameters] = address.split(';').map((part) => part.trim());
    const isOfUri = (parameter: string): boolean =>
      uriParameters.has((parameter.split('=', 1)[0] ?? '').trim().toLowerCase());
    const ofUri = parameters.filter(isOfUri).map((parameter) => `;${parameter}`);
    const ofField = parameters.filter((parameter) => !isOfUri(parameter)).map((parameter) => `;${parameter}`);
    return `<${uri}${ofUri.join('')}>${ofField.join('')}`;
  });
  return addresses.join(', ');
}

function withTag(value: string): string {
  if (parseNameAddr(value)?.params.has('tag')) return value;
  return `${value};tag=${newTag()}`;
}
