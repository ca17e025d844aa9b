import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { splitCommas } from '../message/parameters.js';
import { parseUri } from '../message/uri.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { Flow } from '../transport/flow.js';

export type DialogRole = 'uas' | 'uac';
export type DialogPhase = 'early' | 'confirmed' | 'terminated';

/** The ACK of our last INVITE, to be sent again when its 2xx comes again (RFC 3261 §13.2.2.4). */
export interface SentAck {
  readonly cseq: number;
  readonly bytes: Buffer;
  readonly flow: Flow;
}

interface DialogParts {
  readonly role: DialogRole;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localCSeq: number;
  readonly remoteCSeq: number | undefined;
  readonly flow: Flow;
  readonly inviteId: string;
  readonly publicId: string;
}

/** The peer-to-peer relationship that an INVITE begins (RFC 3261 §12): who, where to, by which way, in which order. */
export class Dialog<Owner = unknown> {
  readonly role: DialogRole;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The name by which applications know it; opaque to them. */
  readonly publicId: string;
  /** Our From value in requests, with tag; and To of the peer. */
  readonly local: string;
  readonly remote: string;
  /** Identifier of the INVITE transaction that made it, as applications know it. */
  readonly inviteId: string;
  phase: DialogPhase = 'early';
  /** A BYE of ours is on its way, or waits for an ACK. */
  isEnding = false;
  owner: Owner | undefined;
  remoteTarget: string;
  routeSet: readonly string[];
  localCSeq: number;
  remoteCSeq: number | undefined;
  /** The flow on which the peer was last heard with a request that may move it. */
  flow: Flow;
  /** Where requests go when that is not `flow`; found out when needed, forgotten when the target moves. */
  resolvedFlow: Flow | undefined;
  /** CSeq of our INVITE that waits for its final response (RFC 3261 §14.2). */
  pendingInvite: number | undefined;
  /** CSeq of our UPDATE that waits for its final response (RFC 3311 §5.2). */
  pendingUpdate: number | undefined;
  /** CSeq of our accepted INVITE whose ACK is still to be sent. */
  unacknowledged: number | undefined;
  lastAck: SentAck | undefined;
  /** RSeq of the last reliable provisional response that was passed on (RFC 3262 §4). */
  lastRSeq: number | undefined;
  /** Our last session description, for a refresh by re-INVITE. */
  localSdp: Buffer | undefined;
  /** The peer takes UPDATE (its Allow said so). */
  remoteTakesUpdate = false;

  constructor(parts: DialogParts) {
    this.role = parts.role;
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.publicId = parts.publicId;
    this.local = parts.local;
    this.remote = parts.remote;
    this.remoteTarget = parts.remoteTarget;
    this.routeSet = parts.routeSet;
    this.localCSeq = parts.localCSeq;
    this.remoteCSeq = parts.remoteCSeq;
    this.flow = parts.flow;
    this.inviteId = parts.inviteId;
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  /** Takes the peer's request into account; false when it is out of order (RFC 3261 §12.2.2): answer 500. */
  acceptsCSeq(cseq: number): boolean {
    if (this.remoteCSeq !== undefined && cseq <= this.remoteCSeq) return false;
    this.remoteCSeq = cseq;
    return true;
  }

  /** A target refresh: the Contact of an INVITE or UPDATE, or of its 2xx, and the flow it came by (§12.2). */
  refreshTarget(message: SipRequest | SipResponse, flow: Flow): void {
    const target = contactUri(message.headers);
    if (target === undefined) return;
    this.remoteTarget = target;
    this.flow = flow;
    this.resolvedFlow = undefined;
    if (allows(message.headers, 'UPDATE')) this.remoteTakesUpdate = true;
  }

  /** The route set of the 2xx replaces that of a provisional response (RFC 3261 §13.2.2.4). */
  confirmAsClient(response: SipResponse, flow: Flow): void {
    this.phase = 'confirmed';
    this.routeSet = routesOf(response.headers).reverse();
    this.refreshTarget(response, flow);
  }

  /** Where a request goes first: the top route, or the peer itself (RFC 3261 §8.1.2). */
  get nextHop(): string {
    const route = this.routeSet[0];
    return (route === undefined ? undefined : parseNameAddr(route)?.uri) ?? this.remoteTarget;
  }

  /**
   * A request within the dialog without Via and Contact (RFC 3261 §12.2.1.1). `cseq` is given for an ACK, which has that
   * of its INVITE; every other method takes the next number.
   */
  createRequest(method: string, cseq = (this.localCSeq += 1)): SipRequest {
    const headers = new HeaderFields();
    let uri = this.remoteTarget;
    let routes = this.routeSet;
    const first = routes[0] === undefined ? undefined : parseNameAddr(routes[0])?.uri;
    if (first !== undefined && !parseUri(first)?.params.has('lr')) {
      // A strict router wants its own address in the Request-URI, and the target at the end of the route.
      uri = first;
      routes = [...routes.slice(1), `<${this.remoteTarget}>`];
    }
    for (const route of routes) headers.append('Route', route);
    headers.append('Max-Forwards', '70');
    headers.append('From', this.local);
    headers.append('To', this.remote);
    headers.append('Call-ID', this.callId);
    headers.append('CSeq', `${cseq} ${method}`);
    return { kind: 'request', method, uri, headers, body: Buffer.alloc(0) };
  }
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

/** The dialog an INVITE makes at the side that is called (RFC 3261 §12.1.1). */
export function dialogAsServer<Owner>(
  invite: SipRequest,
  identity: MessageIdentity,
  localTag: string,
  flow: Flow,
  inviteId: string,
  choosePublicId: (wanted: string) => string,
): Dialog<Owner> {
  const { headers } = invite;
  const dialog = new Dialog<Owner>({
    role: 'uas',
    callId: identity.callId,
    localTag,
    remoteTag: identity.fromTag,
    local: `${headers.get('To') ?? ''};tag=${localTag}`,
    remote: headers.get('From') ?? '',
    remoteTarget: contactUri(headers) ?? identity.from.uri,
    routeSet: routesOf(headers),
    localCSeq: 0,
    remoteCSeq: identity.cseq.number,
    flow,
    inviteId,
    publicId: choosePublicId(publicDialogId(identity.callId, identity.fromTag)),
  });
  dialog.remoteTakesUpdate = allows(headers, 'UPDATE');
  return dialog;
}

/** The dialog a response with a To tag makes at the side that calls (RFC 3261 §12.1.2). */
export function dialogAsClient<Owner>(
  invite: SipRequest,
  response: SipResponse,
  identity: MessageIdentity,
  flow: Flow,
  inviteId: string,
  publicId: string,
): Dialog<Owner> {
  const dialog = new Dialog<Owner>({
    role: 'uac',
    callId: identity.callId,
    localTag: identity.fromTag,
    remoteTag: identity.toTag,
    local: invite.headers.get('From') ?? '',
    remote: response.headers.get('To') ?? '',
    remoteTarget: contactUri(response.headers) ?? invite.uri,
    routeSet: routesOf(response.headers).reverse(),
    localCSeq: identity.cseq.number,
    remoteCSeq: undefined,
    flow,
    inviteId,
    publicId,
  });
  dialog.remoteTakesUpdate = allows(response.headers, 'UPDATE');
  return dialog;
}

/** What drachtio calls the dialog. A `|` or a line break would break its frames, and neither belongs into a Call-ID. */
export function publicDialogId(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`.replace(/[|\s]/g, '_');
}

/** The URI of the first Contact; undefined when there is none that could be called. */
export function contactUri(headers: HeaderFields): string | undefined {
  const contact = headers.get('Contact');
  if (contact === undefined) return undefined;
  const uri = parseNameAddr(splitCommas(contact)[0] ?? '')?.uri;
  const scheme = uri === undefined ? undefined : parseUri(uri)?.scheme;
  return scheme === 'sip' || scheme === 'sips' ? uri : undefined;
}

function routesOf(headers: HeaderFields): string[] {
  return headers.all('Record-Route').flatMap(splitCommas);
}

/** True when one of the comma-separated values of `Allow` is the method. */
function allows(headers: HeaderFields, method: string): boolean {
  return headers.all('Allow').some((value) => value.split(',').some((item) => item.trim() === method));
}
