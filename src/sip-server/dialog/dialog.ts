/** One SIP dialog (RFC 3261 §12): its identifiers, targets and sequence numbers, and how an INVITE and its responses create it. */
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { firstSipUri, parseNameAddr, splitAddresses } from '../message/name-addr.js';
import { splitCommas } from '../message/parameters.js';
import { parseUri } from '../message/uri.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { Flow } from '../transport/flow.js';
import type { FlowCounts } from '../transport/flow-counts.js';
import { nextDialogState, type DialogInput, type DialogState } from './dialog-machine.js';
import { RequestOrder } from './request-order.js';

export type DialogRole = 'uas' | 'uac';

/** What keeps it alive: an INVITE and its BYE, or the subscriptions that SUBSCRIBE or REFER began (RFC 5057, RFC 6665). */
export type DialogUsage = 'call' | 'subscription';

/** Methods that begin a subscription, and with it a dialog, when they are accepted. */
const subscribing: ReadonlySet<string> = new Set(['SUBSCRIBE', 'REFER']);

export function beginsSubscription(method: string): boolean {
  return subscribing.has(method);
}

/** The ACK of our last INVITE, to be sent again when its 2xx comes again (RFC 3261 §13.2.2.4). */
export interface SentAck {
  readonly cseq: number;
  readonly bytes: Buffer;
  readonly flow: Flow;
}

/** What a dialog is made of; the names are those of `Dialog`. */
export interface DialogParts<Owner> {
  readonly role: DialogRole;
  readonly usage: DialogUsage;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localCSeq: number;
  readonly remoteCSeq: number | undefined;
  readonly remoteTakesUpdate: boolean;
  readonly flow: Flow;
  readonly inviteId: string;
  readonly publicId: string;
  readonly owner: Owner | undefined;
}

/**
 * The peer-to-peer relationship that an INVITE begins (RFC 3261 §12), or a SUBSCRIBE (RFC 6665 §4.4): who, where to, by which way, in
 * which order.
 */
export class Dialog<Owner = unknown> {
  readonly role: DialogRole;
  readonly usage: DialogUsage;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The name by which applications know it; opaque to them. */
  readonly publicId: string;
  /** Our From value in requests, with its tag; `remote` is their To. */
  readonly local: string;
  readonly remote: string;
  /** Identifier of the transaction that made it, as applications know it. */
  readonly inviteId: string;
  #state: DialogState = 'early';
  #owner: Owner | undefined;
  #remoteTarget: string;
  #routeSet: readonly string[];
  #localCSeq: number;
  readonly #remoteOrder: RequestOrder;
  #flow: Flow;
  #resolvedFlow: Flow | undefined;
  /** Where it counts for the connections that its messages come and go by. */
  #counts: FlowCounts | undefined;
  #pendingInvite: number | undefined;
  #pendingUpdate: number | undefined;
  #unacknowledged: number | undefined;
  #lastAck: SentAck | undefined;
  /** RSeq of the last reliable provisional response that was passed on (RFC 3262 §4). */
  #lastRSeq: number | undefined;
  #expectedPrack: string | undefined;
  #localSdp: Buffer | undefined;
  #remoteTakesUpdate: boolean;

  constructor(parts: DialogParts<Owner>) {
    this.role = parts.role;
    this.usage = parts.usage;
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.publicId = parts.publicId;
    this.local = parts.local;
    this.remote = parts.remote;
    this.inviteId = parts.inviteId;
    this.#owner = parts.owner;
    this.#remoteTarget = parts.remoteTarget;
    this.#routeSet = parts.routeSet;
    this.#localCSeq = parts.localCSeq;
    this.#remoteOrder = new RequestOrder(parts.remoteCSeq ?? null);
    this.#flow = parts.flow;
    this.#remoteTakesUpdate = parts.remoteTakesUpdate;
  }

  get state(): DialogState {
    return this.#state;
  }

  /** Whose it is; nobody's once it was released. */
  get owner(): Owner | undefined {
    return this.#owner;
  }

  /** Where requests go: the Contact of the peer. */
  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** CSeq number of our last request. */
  get localCSeq(): number {
    return this.#localCSeq;
  }

  /** The flow on which the peer was last heard with a request that may move it. */
  get flow(): Flow {
    return this.#flow;
  }

  /** Where requests go when that is not `flow`; found out when needed, forgotten when the target moves. */
  get resolvedFlow(): Flow | undefined {
    return this.#resolvedFlow;
  }

  /** Counts the connections that its messages come and go by in `counts`, and no longer where they were before; null: nowhere. */
  countIn(counts: FlowCounts | null): void {
    for (const flow of [this.#flow, this.#resolvedFlow]) {
      this.#counts?.remove(flow);
      counts?.add(flow);
    }
    this.#counts = counts ?? undefined;
  }

  /** Our INVITE in it waits for its final response (RFC 3261 §14.2). */
  get hasPendingInvite(): boolean {
    return this.#pendingInvite !== undefined;
  }

  /** Our UPDATE waits for its final response (RFC 3311 §5.2). */
  get hasPendingUpdate(): boolean {
    return this.#pendingUpdate !== undefined;
  }

  get lastAck(): SentAck | undefined {
    return this.#lastAck;
  }

  /** Our last session description, for a refresh by re-INVITE. */
  get localSdp(): Buffer | undefined {
    return this.#localSdp;
  }

  /** The peer takes UPDATE (its Allow said so). */
  get remoteTakesUpdate(): boolean {
    return this.#remoteTakesUpdate;
  }

  /** Our 2xx to the INVITE has gone out. */
  acceptedAsServer(): void {
    this.#step('accepted');
  }

  /** The 2xx to our INVITE is here: its route set replaces that of a provisional response (RFC 3261 §13.2.2.4). */
  acceptedAsClient(response: SipResponse, flow: Flow): void {
    this.#step('accepted');
    this.#routeSet = routesOf(response.headers).reverse();
    this.refreshTarget(response, flow);
  }

  /** A BYE of ours is about to be sent, now or when the ACK is here. */
  ending(): void {
    this.#step('bye');
  }

  /** Nothing more is to be sent in it. Only the store calls this, which tells everybody who keeps something of the dialog. */
  terminated(): void {
    this.#step('over');
  }

  /** Takes the dialog from its owner, for good. */
  release(): Owner | undefined {
    const owner = this.#owner;
    this.#owner = undefined;
    return owner;
  }

  /** Requests go over this flow until the target moves. */
  resolve(flow: Flow): Flow {
    this.#goesBy(this.#flow, flow);
    return flow;
  }

  /** The CSeq number of our next request. */
  takeCSeq(): number {
    return (this.#localCSeq += 1);
  }

  /** Our last reliable provisional response had no PRACK when the INVITE was answered: one may still come (RFC 3262 §3). */
  expectPrack(rseq: number, cseq: number): void {
    this.#expectedPrack = `${rseq} ${cseq}`;
  }

  /** Whether that is the PRACK that may still come; once. */
  takesPrack(rseq: number, cseq: number): boolean {
    const isExpected = this.#expectedPrack === `${rseq} ${cseq}`;
    if (isExpected) this.#expectedPrack = undefined;
    return isExpected;
  }

  /** Our INVITE or UPDATE with the latest CSeq is on its way. */
  modifying(method: 'INVITE' | 'UPDATE'): void {
    if (method === 'INVITE') this.#pendingInvite = this.#localCSeq;
    else this.#pendingUpdate = this.#localCSeq;
  }

  /** The INVITE or UPDATE of that CSeq has its final response. */
  modified(cseq: number): void {
    if (this.#pendingInvite === cseq) this.#pendingInvite = undefined;
    if (this.#pendingUpdate === cseq) this.#pendingUpdate = undefined;
  }

  /** No response will come to what was sent. */
  modificationsLost(): void {
    this.#pendingInvite = undefined;
    this.#pendingUpdate = undefined;
  }

  /** Our INVITE of that CSeq was accepted: its ACK is to be sent. */
  oweAck(cseq: number): void {
    this.#unacknowledged = cseq;
  }

  /** CSeq of the INVITE whose ACK is about to be sent, once; null where none is owed. */
  takeOwedAck(): number | null {
    const cseq = this.#unacknowledged ?? null;
    this.#unacknowledged = undefined;
    return cseq;
  }

  acknowledged(ack: SentAck): void {
    this.#lastAck = ack;
  }

  /** The body of what we sent, where it may be a session description. */
  described(body: Buffer): void {
    if (body.length > 0) this.#localSdp = body;
  }

  /** The peer said that it takes UPDATE, and does not. */
  refusedUpdate(): void {
    this.#remoteTakesUpdate = false;
  }

  /** RFC 3262 §4: a reliable provisional response comes again until its PRACK; true the first time. */
  acceptsRSeq(response: SipResponse): boolean {
    const value = response.headers.get('RSeq');
    if (value === undefined) return true;
    const rseq = Number(value);
    if (this.#lastRSeq !== undefined && rseq !== this.#lastRSeq + 1) return false;
    this.#lastRSeq = rseq;
    return true;
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  /** Takes the peer's request into account; false when it is out of order (RFC 3261 §12.2.2): answer 500. */
  acceptsCSeq(cseq: number): boolean {
    return this.#remoteOrder.accepts(cseq);
  }

  /** A target refresh: the Contact of an INVITE or UPDATE, or of its 2xx, and the flow it came by (§12.2). */
  refreshTarget(message: SipRequest | SipResponse, flow: Flow): void {
    const target = contactUri(message.headers);
    if (target === null) return;
    this.#remoteTarget = target;
    this.#goesBy(flow, undefined);
    if (allows(message.headers, 'UPDATE')) this.#remoteTakesUpdate = true;
  }

  /** Where a request goes first: the top route, or the peer itself (RFC 3261 §8.1.2). */
  get nextHop(): string {
    const route = this.#routeSet[0];
    return (route === undefined ? undefined : parseNameAddr(route)?.uri) ?? this.#remoteTarget;
  }

  /**
   * A request within the dialog without Via and Contact (RFC 3261 §12.2.1.1). `cseq` is given for an ACK, which has that
   * of its INVITE; every other method takes the next number.
   */
  createRequest(method: string, cseq = (this.#localCSeq += 1)): SipRequest {
    const headers = new HeaderFields();
    let uri = this.#remoteTarget;
    let routes = this.#routeSet;
    const first = routes[0] === undefined ? undefined : parseNameAddr(routes[0])?.uri;
    if (first !== undefined && !parseUri(first)?.params.has('lr')) {
      // A strict router wants its own address in the Request-URI, and the target at the end of the route.
      uri = first;
      routes = [...routes.slice(1), `<${this.#remoteTarget}>`];
    }
    for (const route of routes) headers.append('Route', route);
    headers.append('Max-Forwards', '70');
    headers.append('From', this.local);
    headers.append('To', this.remote);
    headers.append('Call-ID', this.callId);
    headers.append('CSeq', `${cseq} ${method}`);
    return { kind: 'request', method, uri, headers, body: Buffer.alloc(0) };
  }

  #goesBy(flow: Flow, resolved: Flow | undefined): void {
    const counts = this.#counts ?? null;
    this.countIn(null);
    this.#flow = flow;
    this.#resolvedFlow = resolved;
    this.countIn(counts);
  }

  #step(input: DialogInput): void {
    this.#state = nextDialogState(this.#state, input);
  }
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

/** What a dialog of ours begins with beside the messages. */
export interface DialogBeginning<Owner> {
  readonly flow: Flow;
  readonly inviteId: string;
  readonly publicId: string;
  readonly owner: Owner | undefined;
}

/** The dialog an INVITE or SUBSCRIBE makes at the side that is called (RFC 3261 §12.1.1). */
export function dialogAsServer<Owner>(
  invite: SipRequest,
  identity: MessageIdentity,
  localTag: string,
  beginning: DialogBeginning<Owner>,
): Dialog<Owner> {
  const { headers } = invite;
  return new Dialog<Owner>({
    ...beginning,
    role: 'uas',
    usage: usageOf(invite),
    callId: identity.callId,
    localTag,
    remoteTag: identity.fromTag,
    local: `${headers.get('To') ?? ''};tag=${localTag}`,
    remote: headers.get('From') ?? '',
    remoteTarget: contactUri(headers) ?? identity.from.uri,
    routeSet: routesOf(headers),
    localCSeq: 0,
    remoteCSeq: identity.cseq.number,
    remoteTakesUpdate: allows(headers, 'UPDATE'),
  });
}

/** The dialog a response with a To tag makes at the side that calls (RFC 3261 §12.1.2). */
export function dialogAsClient<Owner>(
  invite: SipRequest,
  response: SipResponse,
  identity: MessageIdentity,
  beginning: DialogBeginning<Owner>,
): Dialog<Owner> {
  return new Dialog<Owner>({
    ...beginning,
    role: 'uac',
    usage: usageOf(invite),
    callId: identity.callId,
    localTag: identity.fromTag,
    remoteTag: identity.toTag,
    local: invite.headers.get('From') ?? '',
    remote: response.headers.get('To') ?? '',
    // What is no SIP URI cannot be looked up: it stands in the Request-URI, and the route or the flow leads there.
    remoteTarget: contactUri(response.headers) ?? foreignContact(response.headers) ?? invite.uri,
    routeSet: routesOf(response.headers).reverse(),
    localCSeq: identity.cseq.number,
    remoteCSeq: undefined,
    remoteTakesUpdate: allows(response.headers, 'UPDATE'),
  });
}

/**
 * What drachtio calls the dialog. A `|`, a blank or what is no ASCII would not come through its frames, and none belongs into a
 * Call-ID.
 */
export function publicDialogId(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`.replaceAll(
    /[^\x21-\x7b\x7d\x7e]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
}

/** The URI of the first Contact; null when there is none that could be called. */
export function contactUri(headers: HeaderFields): string | null {
  return headers.read('Contact', firstSipUri);
}

/** The URI of the first Contact, of whatever scheme; null where there is none that a request could be for. */
function foreignContact(headers: HeaderFields): string | null {
  const uri = parseNameAddr(splitAddresses(headers.get('Contact') ?? '')[0] ?? '')?.uri ?? null;
  return uri !== null && /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(uri) && !/^sips?:/i.test(uri) ? uri : null;
}

function usageOf({ method }: SipRequest): DialogUsage {
  return method === 'INVITE' ? 'call' : 'subscription';
}

function routesOf(headers: HeaderFields): string[] {
  return headers.all('Record-Route').flatMap(splitCommas);
}

/** True when one of the comma-separated values of `Allow` is the method. */
function allows(headers: HeaderFields, method: string): boolean {
  return headers.all('Allow').some((value) => value.split(',').some((item) => item.trim() === method));
}
