import { AnswerRetransmitter } from '../dialog/answer-retransmitter.js';
import { dialogAsServer } from '../dialog/dialog.js';
import { agreeAsServer, optionTags } from '../dialog/session-expires.js';
import type { SessionTimerTerms } from '../dialog/session-expires.js';
import { formatMessage } from '../message/format-message.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import { notSent, refusals } from './application.js';
import type { Application, OwnedDialog, SendResult } from './application.js';
import type { UserAgentEnvironment } from './environment.js';
import { newTag } from './identifiers.js';
import { IncomingRequest } from './incoming-request.js';
import { ReliableProvisional } from './reliable-provisional.js';
import { checkNewRequest, checkRequire, checkSessionInterval } from './request-checks.js';
import type { Refusal } from './request-checks.js';
import { addContentType, allowValue, copyApplicationFields } from './requests.js';
import { createResponse } from './responses.js';

/** What the server part tells the rest of the user agent about dialogs. */
export interface ServerDialogEvents {
  sessionAgreed(dialog: OwnedDialog, terms: SessionTimerTerms | undefined): void;
  dialogOver(dialog: OwnedDialog): void;
  hangUp(dialog: OwnedDialog, status: number, why: string): void;
}

interface Answer {
  readonly inviteId: string;
  readonly transaction: ServerTransaction;
  readonly retransmitter: AnswerRetransmitter;
  /** A BYE of ours that waits for the ACK (RFC 3261 §15). */
  heldBye: (() => void) | undefined;
}

const IN_DIALOG_METHODS = new Set([
  'INVITE', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'NOTIFY', 'REFER', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH',
]); // prettier-ignore

/** The user agent server: the duties of RFC 3261 §8.2 on every request, and the responses of the applications. */
export class UserAgentServer {
  isDraining = false;
  readonly #environment: UserAgentEnvironment;
  readonly #events: ServerDialogEvents;
  /** Requests without a final response, by the identifier that applications know. */
  readonly #pending = new Map<string, IncomingRequest>();
  readonly #byTransaction = new Map<ServerTransaction, IncomingRequest>();
  /** Requests of the peer that change the session and wait for an answer, by dialog (§14.2, RFC 3311 §5.2). */
  readonly #modifying = new Map<OwnedDialog, IncomingRequest>();
  /** 2xx that wait for their ACK. */
  readonly #answers = new Map<OwnedDialog, Answer>();

  constructor(environment: UserAgentEnvironment, events: ServerDialogEvents) {
    this.#environment = environment;
    this.#events = events;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** A new request, with the transaction it is to be answered in. */
  receive(request: SipRequest, identity: MessageIdentity, transaction: ServerTransaction, flow: Flow): void {
    if (request.method === 'CANCEL') this.#receiveCancel(request, identity, transaction, flow);
    else if (this.#environment.transactions.findMerged(transaction)) {
      this.#refuse(request, transaction, { status: 482 });
    } else if (identity.toTag !== '') this.#receiveInDialog(request, identity, transaction, flow);
    else this.#receiveNew(request, identity, transaction, flow);
  }

  /** The ACK of a 2xx (RFC 3261 §13.3.1.4). */
  receiveAck(ack: SipRequest, identity: MessageIdentity, flow: Flow): void {
    const dialog = this.#environment.dialogs.find(identity.callId, identity.toTag, identity.fromTag);
    const answer = dialog && this.#answers.get(dialog);
    if (!dialog || answer?.retransmitter.cseq !== identity.cseq.number) return;
    const send = this.#settle(dialog, answer);
    dialog.owner?.acknowledged(ack, flow, answer.inviteId, dialog.publicId);
    send?.();
  }

  /** A BYE must wait while the peer has not acknowledged our 2xx; then `send` is called at the ACK, or without one. */
  holdBye(dialog: OwnedDialog, send: () => void): boolean {
    const answer = this.#answers.get(dialog);
    if (!answer || answer.heldBye) return false;
    answer.heldBye = send;
    return true;
  }

  /** Answers a request without a transaction: it is malformed, or there is no room. */
  refuseStateless(request: SipRequest, flow: Flow, refusal: Refusal): void {
    if (request.method === 'ACK') return;
    const bytes = formatMessage(this.#createRefusal(request, newTag(), refusal));
    flow.send(bytes).catch(() => undefined);
  }

  /** Sends an application's response to the request with that identifier. */
  respond(transactionId: string, draft: SipResponse, owner: Application): SendResult {
    const incoming = this.#pending.get(transactionId);
    if (!incoming || incoming.owner !== owner) return notSent(refusals.unknownTransaction);
    const { request, transaction, flow } = incoming;
    const { status } = draft;
    if (status < 100 || status > 699) return notSent(`no such status: ${status}`);
    this.#adoptTag(incoming, draft);
    if (status > 100 && status < 300 && incoming.isInitialInvite) this.#establish(incoming);
    const response = this.#compose(incoming, draft);
    const reliable = status > 100 && status < 200 && response.headers.has('RSeq');
    let terms: SessionTimerTerms | undefined;
    const modifies = request.method === 'INVITE' || request.method === 'UPDATE';
    if (modifies && status >= 200 && status < 300) terms = agreeAsServer(request.headers, response.headers);
    const bytes = formatMessage(response);
    if (!transaction.respond(status, bytes)) {
      this.#finish(incoming);
      return notSent(refusals.unknownTransaction);
    }
    if (reliable) this.#sendReliably(incoming, status, bytes);
    if (status >= 200) this.#finish(incoming);
    const { dialog } = incoming;
    if (dialog && modifies && status >= 200) this.#modified(incoming, dialog, response, bytes, terms);
    return { ok: true, bytes, flow, transactionId, dialogId: dialog?.publicId ?? '' };
  }

  /** An application is gone: nothing of it stays unanswered. */
  release(owner: Application): void {
    for (const incoming of [...this.#pending.values()]) {
      if (incoming.owner !== owner) continue;
      const { request, transaction } = incoming;
      this.#finish(incoming);
      if (incoming.isInitialInvite && incoming.dialog) this.#events.dialogOver(incoming.dialog);
      if (request.method === 'BYE') this.#answer(request, transaction, incoming.toTag, 200);
      else this.#refuse(request, transaction, this.#unavailable(), incoming.toTag);
    }
  }

  /** The dialog is over: its 2xx need no ACK any more. */
  forget(dialog: OwnedDialog): void {
    this.#modifying.delete(dialog);
    this.#stopAnswer(dialog);
  }

  /**
   * A WebSocket client cannot be reached again once its connection is gone: an INVITE of it is as good as cancelled, and
   * an answer that it has not acknowledged will not be.
   */
  flowClosed(flow: Flow): void {
    if (flow.protocol !== 'ws' && flow.protocol !== 'wss') return;
    for (const incoming of [...this.#pending.values()]) {
      if (incoming.flow.id !== flow.id || incoming.request.method !== 'INVITE') continue;
      this.#finish(incoming);
      incoming.transaction.abandon();
      this.#tellCancelled(incoming);
    }
    for (const [dialog, answer] of [...this.#answers]) {
      if (answer.transaction.flow.id === flow.id) this.#noAck(dialog, 'connection lost before the ACK');
    }
  }

  close(): void {
    for (const answer of this.#answers.values()) answer.retransmitter.stop();
    this.#answers.clear();
    for (const incoming of [...this.#pending.values()]) this.#finish(incoming);
  }

  #receiveNew(
    request: SipRequest,
    identity: MessageIdentity,
    transaction: ServerTransaction,
    flow: Flow,
  ): void {
    const { settings, directory, dialogs } = this.#environment;
    const { method } = request;
    const isInvite = method === 'INVITE';
    const isOptions = method === 'OPTIONS';
    const refusal = checkNewRequest(request, settings.supported);
    if (refusal?.status !== 481 && !isInvite && !isOptions && !directory.isKnown(method)) {
      this.#refuse(request, transaction, { status: 405, headers: [['Allow', this.#allow()]] });
      return;
    }
    if (refusal) {
      this.#refuse(request, transaction, refusal);
      return;
    }
    const owner = directory.choose(method);
    if (!owner && isOptions) {
      this.#answerOptions(request, transaction);
      return;
    }
    const isFull = this.#pending.size >= settings.maxPendingRequests || (isInvite && dialogs.isFull);
    if (!owner || isFull) {
      this.#refuse(request, transaction, this.#unavailable());
      return;
    }
    // RFC 3261 §17.2.1 allows 200 ms; at once it spares the caller a retransmission whatever happens behind us.
    if (isInvite) this.#answer(request, transaction, '', 100);
    const incoming = this.#accept(request, identity, transaction, flow, owner, undefined);
    owner.request(request, flow, incoming.id, '');
  }

  #receiveInDialog(
    request: SipRequest,
    identity: MessageIdentity,
    transaction: ServerTransaction,
    flow: Flow,
  ): void {
    const { dialogs, settings } = this.#environment;
    const dialog = dialogs.find(identity.callId, identity.toTag, identity.fromTag);
    if (!dialog) {
      this.#refuse(request, transaction, { status: 481 });
      return;
    }
    const refusal =
      this.#checkInDialog(dialog, request, identity) ??
      checkRequire(request, settings.supported) ??
      this.#checkModification(dialog, request);
    if (refusal) {
      this.#refuse(request, transaction, refusal);
      return;
    }
    const { owner } = dialog;
    if (request.method === 'BYE') this.#events.dialogOver(dialog);
    if (request.method === 'BYE' && this.#endEarly(dialog, request, flow)) {
      this.#answer(request, transaction, '', 200);
      return;
    }
    if (!owner) {
      if (request.method === 'BYE') this.#answer(request, transaction, '', 200);
      else this.#refuse(request, transaction, { status: 481 });
      return;
    }
    if (request.method === 'INVITE') this.#answer(request, transaction, '', 100);
    const incoming = this.#accept(request, identity, transaction, flow, owner, dialog);
    if (request.method === 'INVITE' || request.method === 'UPDATE') {
      this.#modifying.set(dialog, incoming);
      // A new INVITE shows that the answer to the one before arrived, even where its ACK did not.
      if (request.method === 'INVITE') this.#stopAnswer(dialog);
    }
    owner.request(request, flow, incoming.id, dialog.publicId);
  }

  /** The order of requests, and PRACK (RFC 3261 §12.2.2, RFC 3262 §3). */
  #checkInDialog(dialog: OwnedDialog, request: SipRequest, identity: MessageIdentity): Refusal | undefined {
    if (!IN_DIALOG_METHODS.has(request.method)) {
      return { status: 405, headers: [['Allow', this.#allow()]] };
    }
    if (!dialog.acceptsCSeq(identity.cseq.number)) return { status: 500, reason: 'CSeq out of order' };
    if (request.method !== 'PRACK') return undefined;
    const rack = /^(\d+)\s+(\d+)\s+(\S+)$/.exec(request.headers.get('RAck') ?? '');
    const invite = this.#pending.get(dialog.inviteId);
    if (
      !rack ||
      invite?.reliable?.rseq !== Number(rack[1]) ||
      invite.identity.cseq.number !== Number(rack[2])
    ) {
      return { status: 481 };
    }
    invite.reliable.stop();
    invite.reliable = undefined;
    return undefined;
  }

  /** Offers that cross (RFC 3261 §14.2, RFC 3311 §5.2). */
  #checkModification(dialog: OwnedDialog, request: SipRequest): Refusal | undefined {
    const { method } = request;
    if (method !== 'INVITE' && method !== 'UPDATE') return undefined;
    const ourInvite = dialog.pendingInvite !== undefined && (method === 'INVITE' || request.body.length > 0);
    if (ourInvite || dialog.pendingUpdate !== undefined) return { status: 491 };
    const tooEarly = this.#modifying.has(dialog) || (method === 'INVITE' && dialog.phase === 'early');
    if (tooEarly) {
      return { status: 500, headers: [['Retry-After', String(Math.floor(Math.random() * 11))]] };
    }
    return checkSessionInterval(request);
  }

  #receiveCancel(
    cancel: SipRequest,
    identity: MessageIdentity,
    transaction: ServerTransaction,
    flow: Flow,
  ): void {
    const cancelled = this.#environment.transactions.findCancelled(cancel, identity);
    if (!cancelled) {
      this.#refuse(cancel, transaction, { status: 481 });
      return;
    }
    const invite = this.#byTransaction.get(cancelled);
    this.#answer(cancel, transaction, cancelled.toTag, 200);
    // Already answered: CANCEL has no effect (RFC 3261 §9.2); the far end has to send a BYE.
    if (invite) this.#cancelled(invite, cancel, flow);
  }

  #cancelled(invite: IncomingRequest, cancel: SipRequest, flow: Flow): void {
    this.#environment.counters.cancelled += 1;
    this.#finish(invite);
    this.#answer(invite.request, invite.transaction, invite.toTag, 487);
    if (invite.isInitialInvite && invite.dialog) this.#events.dialogOver(invite.dialog);
    invite.owner.cancelled(cancel, flow, invite.id);
  }

  /** A BYE also ends INVITEs of its dialog that are not answered yet (RFC 3261 §15.1.2). True: the call was not yet one. */
  #endEarly(dialog: OwnedDialog, bye: SipRequest, flow: Flow): boolean {
    const initial = dialog.role === 'uas' ? this.#pending.get(dialog.inviteId) : undefined;
    if (initial) {
      this.#cancelled(initial, bye, flow);
      return true;
    }
    for (const incoming of [...this.#pending.values()]) {
      if (incoming.dialog !== dialog || incoming.request.method !== 'INVITE') continue;
      this.#cancelled(incoming, bye, flow);
    }
    return false;
  }

  #answerOptions(request: SipRequest, transaction: ServerTransaction): void {
    if (this.isDraining) {
      this.#refuse(request, transaction, this.#unavailable());
      return;
    }
    const response = createResponse(request, 200, newTag());
    this.#addCapabilities(response);
    response.headers.append('Accept', 'application/sdp');
    this.#send(transaction, response);
  }

  #accept(
    request: SipRequest,
    identity: MessageIdentity,
    transaction: ServerTransaction,
    flow: Flow,
    owner: Application,
    dialog: OwnedDialog | undefined,
  ): IncomingRequest {
    const { clock, timers, settings } = this.#environment;
    const incoming = new IncomingRequest(request, identity, transaction, flow, owner, dialog);
    this.#pending.set(incoming.id, incoming);
    if (request.method === 'INVITE') this.#byTransaction.set(transaction, incoming);
    // RFC 4320 §4.2: a non-INVITE request that was not answered in time is not answered at all.
    const isInvite = request.method === 'INVITE';
    incoming.timeout = clock.setTimer(isInvite ? settings.inviteTimeoutMs : 64 * timers.t1Ms, () => {
      this.#finish(incoming);
      if (isInvite) this.#giveUpInvite(incoming, 408);
      else transaction.abandon();
    });
    return incoming;
  }

  /** Answers in the application's place, and tells it that there is nothing left to answer. */
  #giveUpInvite(incoming: IncomingRequest, status: number): void {
    this.#finish(incoming);
    this.#refuse(incoming.request, incoming.transaction, { status }, incoming.toTag);
    this.#tellCancelled(incoming);
  }

  /** The application waits for a call that is over without its doing. */
  #tellCancelled(incoming: IncomingRequest): void {
    if (incoming.isInitialInvite && incoming.dialog) this.#events.dialogOver(incoming.dialog);
    const cancel: SipRequest = { ...incoming.request, method: 'CANCEL', body: Buffer.alloc(0) };
    incoming.owner.cancelled(cancel, incoming.flow, incoming.id);
  }

  #finish(incoming: IncomingRequest): void {
    this.#pending.delete(incoming.id);
    this.#byTransaction.delete(incoming.transaction);
    if (incoming.dialog && this.#modifying.get(incoming.dialog) === incoming) {
      this.#modifying.delete(incoming.dialog);
    }
    incoming.reliable?.stop();
    incoming.reliable = undefined;
    if (incoming.timeout !== undefined) this.#environment.clock.clearTimer(incoming.timeout);
    incoming.timeout = undefined;
  }

  /** An application may choose the To tag, once, with its first response. */
  #adoptTag(incoming: IncomingRequest, draft: SipResponse): void {
    if (incoming.dialog || incoming.identity.toTag !== '') return;
    const tag = parseNameAddr(draft.headers.get('To') ?? '')?.params.get('tag');
    if (tag === undefined || !/^[A-Za-z0-9\-.!%*_+`'~]{1,128}$/.test(tag)) return;
    incoming.toTag = tag;
    incoming.transaction.toTag = tag;
  }

  /** The first response that makes a dialog (RFC 3261 §12.1.1). */
  #establish(incoming: IncomingRequest): void {
    if (incoming.dialog) return;
    const { dialogs, counters } = this.#environment;
    const { request, identity, toTag, flow, id } = incoming;
    const named = dialogAsServer<Application>(request, identity, toTag, flow, id, (wanted) =>
      dialogs.freePublicId(wanted, `to-tag=${toTag}`),
    );
    named.owner = incoming.owner;
    incoming.dialog = named;
    dialogs.add(named);
    counters.dialogsCreated += 1;
  }

  #compose(incoming: IncomingRequest, draft: SipResponse): SipResponse {
    const { request, flow } = incoming;
    const { status } = draft;
    const { addressing } = this.#environment;
    const response = createResponse(request, status, status === 100 ? '' : incoming.toTag, draft.reason);
    const { headers } = response;
    if (incoming.isInitialInvite && status > 100 && status < 300) {
      for (const route of request.headers.all('Record-Route')) headers.append('Record-Route', route);
    }
    const contact = draft.headers.get('Contact');
    if (contact !== undefined) headers.append('Contact', addressing.rewriteLocalhost(contact, flow, true));
    else if (needsContact(request.method, status)) headers.append('Contact', addressing.contact(flow));
    copyApplicationFields(draft.headers, headers, true);
    if (request.method === 'INVITE' && status >= 200 && status < 300) this.#addCapabilities(response);
    this.#addServer(response);
    response.body = draft.body;
    addContentType(headers, draft.body);
    if (request.method === 'INVITE' && status > 100 && status < 200)
      this.#decideReliability(incoming, response);
    return response;
  }

  /** `Require: 100rel` in a provisional response sends it reliably, where the caller can take that (RFC 3262 §3). */
  #decideReliability(incoming: IncomingRequest, response: SipResponse): void {
    const wanted = optionTags(response.headers, 'Require').includes('100rel');
    const demanded = optionTags(incoming.request.headers, 'Require').includes('100rel');
    const possible = demanded || optionTags(incoming.request.headers, 'Supported').includes('100rel');
    if (demanded && !wanted) response.headers.append('Require', '100rel');
    else if (wanted && !possible) response.headers.remove('Require');
    if (possible && (wanted || demanded)) response.headers.append('RSeq', String((incoming.nextRSeq += 1)));
  }

  #sendReliably(incoming: IncomingRequest, status: number, bytes: Buffer): void {
    const { clock, timers } = this.#environment;
    incoming.reliable?.stop();
    const { nextRSeq, transaction } = incoming;
    incoming.reliable = new ReliableProvisional(
      nextRSeq,
      status,
      bytes,
      transaction,
      clock,
      timers.t1Ms,
      () => this.#giveUpInvite(incoming, 504),
    );
  }

  /** A final response to an INVITE or UPDATE of a dialog has gone out. */
  #modified(
    incoming: IncomingRequest,
    dialog: OwnedDialog,
    response: SipResponse,
    bytes: Buffer,
    terms: SessionTimerTerms | undefined,
  ): void {
    if (response.status >= 300) {
      if (incoming.isInitialInvite) this.#events.dialogOver(dialog);
      return;
    }
    if (dialog.phase === 'terminated') return;
    if (incoming.isInitialInvite) dialog.phase = 'confirmed';
    if (!incoming.isInitialInvite) dialog.refreshTarget(incoming.request, incoming.flow);
    if (response.body.length > 0) dialog.localSdp = response.body;
    this.#events.sessionAgreed(dialog, terms);
    if (incoming.request.method !== 'INVITE') return;
    const { clock, timers } = this.#environment;
    const { cseq } = incoming.identity;
    const giveUp = (): void => this.#noAck(dialog, 'no ACK received');
    const retransmitter = new AnswerRetransmitter(
      cseq.number,
      incoming.transaction,
      bytes,
      clock,
      timers,
      giveUp,
    );
    const { transaction } = incoming;
    this.#answers.set(dialog, { inviteId: incoming.id, transaction, retransmitter, heldBye: undefined });
    // An ACK that bears the branch of its INVITE (RFC 2543 habits) reaches the transaction instead of the dialog.
    transaction.user = {
      acknowledged: (ack, flow) =>
        this.receiveAck(ack, { ...incoming.identity, toTag: dialog.localTag }, flow),
      transactionFailed: () => undefined,
      transactionEnded: () => undefined,
    };
  }

  #noAck(dialog: OwnedDialog, why: string): void {
    const answer = this.#answers.get(dialog);
    const heldBye = answer && this.#settle(dialog, answer);
    if (heldBye) heldBye();
    else this.#events.hangUp(dialog, 408, why);
  }

  /** The ACK came, was shown to be lost, or is not to be expected any more. */
  #stopAnswer(dialog: OwnedDialog): void {
    const answer = this.#answers.get(dialog);
    if (answer) this.#settle(dialog, answer)?.();
  }

  /** Ends the wait for an ACK; gives the BYE that waited for it. */
  #settle(dialog: OwnedDialog, answer: Answer): (() => void) | undefined {
    this.#answers.delete(dialog);
    answer.retransmitter.stop();
    // The transaction stays for 32 s to absorb copies; what hangs on its user need not.
    answer.transaction.user = undefined;
    return answer.heldBye;
  }

  #unavailable(): Refusal {
    return { status: 503, headers: [['Retry-After', String(this.#environment.settings.retryAfterSeconds)]] };
  }

  #refuse(request: SipRequest, transaction: ServerTransaction, refusal: Refusal, toTag = newTag()): void {
    const response = this.#createRefusal(request, toTag, refusal);
    transaction.toTag = toTag;
    transaction.respond(response.status, formatMessage(response));
  }

  #createRefusal(request: SipRequest, toTag: string, refusal: Refusal): SipResponse {
    const { refusals: counts } = this.#environment.counters;
    counts.set(refusal.status, (counts.get(refusal.status) ?? 0) + 1);
    const response = createResponse(request, refusal.status, toTag, refusal.reason);
    for (const [name, value] of refusal.headers ?? []) response.headers.append(name, value);
    this.#addServer(response);
    return response;
  }

  #answer(request: SipRequest, transaction: ServerTransaction, toTag: string, status: number): void {
    this.#send(transaction, createResponse(request, status, toTag));
  }

  #send(transaction: ServerTransaction, response: SipResponse): void {
    this.#addServer(response);
    transaction.respond(response.status, formatMessage(response));
  }

  #addCapabilities({ headers }: SipResponse): void {
    if (!headers.has('Allow')) headers.append('Allow', this.#allow());
    const { supported } = this.#environment.settings;
    if (!headers.has('Supported') && supported.length > 0) headers.append('Supported', supported.join(', '));
  }

  #addServer({ headers }: SipResponse): void {
    const { userAgent } = this.#environment.settings;
    if (userAgent !== undefined && !headers.has('Server')) headers.append('Server', userAgent);
  }

  #allow(): string {
    return allowValue(this.#environment.directory.knownMethods());
  }
}

function needsContact(method: string, status: number): boolean {
  if (status <= 100 || status >= 300) return false;
  return method === 'INVITE' || ((method === 'UPDATE' || method === 'SUBSCRIBE') && status >= 200);
}
