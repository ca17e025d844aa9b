/** The side of the user agent that answers requests. */
import { beginsSubscription, dialogAsServer, publicDialogId } from '../dialog/dialog.js';
import { agreeAsServer, type SessionTimerTerms } from '../dialog/session-expires.js';
import { formatMessage } from '../message/format-message.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import { isWebSocket, type Flow } from '../transport/flow.js';
import { FlowCounts } from '../transport/flow-counts.js';
import { notSent, refusals, type Application, type OwnedDialog, type SendResult } from './application.js';
import {
  checkModification,
  checkOrderAndExtensions,
  inDialogMethods,
  takeLatePrack,
  takePrack,
} from './dialog-checks.js';
import type { UserAgentEnvironment } from './environment.js';
import { FirstAnswers } from './first-answers.js';
import { IncomingRequest, type ArrivedRequest, type IncomingRequestParts } from './incoming-request.js';
import { OwnAnswers } from './own-answers.js';
import { PendingAnswers } from './pending-answers.js';
import { ReliableResponses } from './reliable-responses.js';
import { checkNewRequest, isChallenge, type Refusal } from './request-checks.js';
import { ResponseComposer } from './response-composer.js';

/** What the server part tells the rest of the user agent about dialogs. */
export interface ServerDialogEvents {
  readonly sessionAgreed: (dialog: OwnedDialog, terms: SessionTimerTerms | null) => void;
  readonly hangUp: (dialog: OwnedDialog, status: number, why: string) => void;
  /** The peer is heard by another connection than before: what it was sent by others will not be answered. */
  readonly peerMoved: (dialog: OwnedDialog, flow: Flow) => void;
  /** A request of the peer in a dialog that subscriptions keep alive has its final response. */
  readonly answered: (dialog: OwnedDialog, request: SipRequest, response: SipResponse) => void;
  /** A NOTIFY may overtake the answer to its SUBSCRIBE (RFC 6665 §4.4.1): then `again` is called behind that. */
  readonly overtook: (identity: MessageIdentity, again: () => void) => boolean;
  /** Passes on what belongs to a call that was passed on. False: it does not. */
  readonly forward: (arrived: ArrivedRequest) => boolean;
  readonly forwardAck: (ack: SipRequest, identity: MessageIdentity) => boolean;
  /** The INVITE of that transaction was passed on, and is cancelled. False: it was not. */
  readonly cancelPassedOn: (transaction: ServerTransaction) => boolean;
}

/** A final response that went out, and what it agreed on. */
interface SentAnswer {
  readonly response: SipResponse;
  readonly bytes: Buffer;
  readonly terms: SessionTimerTerms | null;
}

/** The user agent server: the duties of RFC 3261 §8.2 on every request, and the responses of the applications. */
export class UserAgentServer {
  isDraining = false;
  readonly #environment: UserAgentEnvironment;
  readonly #events: ServerDialogEvents;
  /** Requests without a final response, by the identifier that applications know. */
  readonly #pending = new Map<string, IncomingRequest>();
  /** By the connections that they came by. */
  readonly #pendingBy = new FlowCounts();
  readonly #byTransaction = new Map<ServerTransaction, IncomingRequest>();
  /** Requests of the peer that change the session and wait for an answer, by dialog (§14.2, RFC 3311 §5.2). */
  readonly #modifying = new Map<OwnedDialog, IncomingRequest>();
  readonly #answers: PendingAnswers;
  readonly #composer: ResponseComposer;
  readonly #first: FirstAnswers;
  readonly #reliable: ReliableResponses;
  readonly #own: OwnAnswers;

  constructor(environment: UserAgentEnvironment, events: ServerDialogEvents) {
    this.#environment = environment;
    this.#events = events;
    this.#answers = new PendingAnswers(environment, events.hangUp);
    this.#composer = new ResponseComposer(environment);
    this.#first = new FirstAnswers(environment, this.#composer);
    this.#own = new OwnAnswers(environment, this.#composer, this.#first);
    this.#reliable = new ReliableResponses(environment, (incoming) => this.#giveUpInvite(incoming, 504));
    environment.dialogs.onEnd((dialog) => this.#modifying.delete(dialog));
  }

  /** A request that came by this flow waits for its application. */
  hasPendingFrom(flow: Flow): boolean {
    return this.#pendingBy.has(flow);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** A new request. */
  receive(arrived: ArrivedRequest): void {
    const { request, identity, transaction } = arrived;
    if (request.method === 'CANCEL') this.#receiveCancel(arrived);
    else if (this.#environment.transactions.findMerged(transaction))
      this.#own.turnAway(arrived, { status: 482 });
    else if (identity.toTag !== '') this.#receiveInDialog(arrived);
    else this.#receiveNew(arrived);
  }

  /** The ACK of a 2xx (RFC 3261 §13.3.1.4). */
  receiveAck(ack: SipRequest, identity: MessageIdentity, flow: Flow): void {
    const dialog = this.#environment.dialogs.find(identity.callId, identity.toTag, identity.fromTag);
    if (!dialog) {
      this.#events.forwardAck(ack, identity);
      return;
    }
    this.#answers.acknowledge(dialog, identity.cseq.number, ack, flow);
  }

  /** A BYE must wait while the peer has not acknowledged our 2xx; then `send` is called at the ACK, or without one. */
  holdBye(dialog: OwnedDialog, send: () => void): boolean {
    return this.#answers.holdBye(dialog, send);
  }

  /** Answers a request without a transaction: it is malformed, or there is no room. */
  refuseStateless(request: SipRequest, flow: Flow, refusal: Refusal, isMalformed = false): void {
    this.#own.refuseStateless(request, flow, refusal, isMalformed);
  }

  /** Sends an application's response to the request with that identifier, at once or after the PRACK that it must wait for. */
  respond(
    transactionId: string,
    draft: SipResponse,
    owner: Application,
    told: (result: SendResult) => void,
  ): void {
    const incoming = this.#pending.get(transactionId);
    if (!incoming || incoming.owner !== owner) told(notSent(refusals.unknownTransaction));
    else if (draft.status < 100 || draft.status > 699) told(notSent(`no such status: ${draft.status}`));
    else if (!this.#reliable.holds(incoming, draft, told)) told(this.#send(incoming, draft));
  }

  #send(incoming: IncomingRequest, draft: SipResponse): SendResult {
    const { request, flow, id: transactionId } = incoming;
    const { status } = draft;
    this.#adoptTag(incoming, draft);
    if (incoming.makesDialog(status)) this.#establish(incoming);
    const response = this.#composer.drafted(incoming, draft);
    let terms: SessionTimerTerms | null = null;
    const modifies = request.method === 'INVITE' || request.method === 'UPDATE';
    if (modifies && status >= 200 && status < 300)
      terms = agreeAsServer(request.headers, response.headers, this.#proposedSeconds(incoming));
    const bytes = formatMessage(response);
    // Refused because of what it shows, such as a code that had to be looked up: it may be a scanner's.
    const isInVain = status === 403 && incoming.isInitialInvite;
    if (isInVain) this.#environment.scanners?.calledInVain(request, flow);
    if (!this.#first.send(incoming, status, bytes)) {
      this.#finish(incoming);
      return notSent(refusals.unknownTransaction);
    }
    if (status < 200 && response.headers.has('RSeq')) this.#reliable.sent(incoming, response, bytes);
    if (status >= 200 && status < 300) {
      const { standings } = this.#environment;
      standings.accepted(flow, request, response);
      standings.contacts.accepted(flow, request, response);
    }
    if (status >= 200) this.#finish(incoming);
    if (isInVain) this.#environment.guard?.refused(flow);
    const { dialog } = incoming;
    if (incoming.isInitialInvite) this.#record(response);
    if (dialog && modifies && status >= 200) this.#modified(incoming, dialog, { response, bytes, terms });
    if (dialog?.usage === 'subscription' && status >= 200) this.#subscribed(incoming, dialog, response);
    return { ok: true, bytes, flow, transactionId, dialogId: dialog?.publicId ?? '' };
  }

  /** Gives away a request that is to be passed on, and the duty to answer it; null where it was answered, or there is no such one. */
  handOver(transactionId: string, owner: Application): IncomingRequest | null {
    const incoming = this.#pending.get(transactionId);
    if (!incoming || incoming.owner !== owner || incoming.dialog !== undefined) return null;
    if (incoming.request.method === 'INVITE') this.#first.announceNow(incoming);
    this.#finish(incoming);
    return incoming;
  }

  /** An application is gone: nothing of it stays unanswered. */
  release(owner: Application): void {
    for (const incoming of [...this.#pending.values()]) {
      if (incoming.owner !== owner) continue;
      this.#finish(incoming);
      if (incoming.isInitialInvite) this.#recordEnd(incoming.request);
      if (incoming.isInitialInvite && incoming.dialog) this.#environment.dialogs.end(incoming.dialog);
      if (incoming.request.method === 'BYE') this.#own.answer(incoming, incoming.toTag, 200);
      else this.#own.refuse(incoming, this.#own.unavailable, incoming.toTag);
    }
  }

  /**
   * A WebSocket client cannot be reached again once its connection is gone: an INVITE of it is as good as cancelled, and
   * an answer that it has not acknowledged will not be.
   */
  flowClosed(flow: Flow): void {
    if (!isWebSocket(flow)) return;
    for (const incoming of [...this.#pending.values()]) {
      if (incoming.flow.id !== flow.id || incoming.request.method !== 'INVITE') continue;
      this.#finish(incoming);
      incoming.transaction.abandon();
      this.#tellCancelled(incoming);
    }
    this.#answers.flowClosed(flow);
  }

  close(): void {
    this.#answers.close();
    for (const incoming of [...this.#pending.values()]) this.#finish(incoming);
  }

  #receiveNew(arrived: ArrivedRequest): void {
    const { settings, directory, dialogs } = this.#environment;
    const { request, flow } = arrived;
    const { method } = request;
    const isInvite = method === 'INVITE';
    const isOptions = method === 'OPTIONS';
    const isStrayInfo = method === 'INFO' && !directory.isKnown(method);
    const refusal = isStrayInfo ? { status: 481 } : checkNewRequest(request, settings.supported);
    if (refusal?.status !== 481 && !isInvite && !isOptions && !directory.isKnown(method)) {
      return this.#own.turnAway(arrived, this.#own.wrongMethod);
    }
    if (refusal) return this.#own.turnAwayNew(arrived, refusal);
    const owner = directory.choose(method);
    if (!owner && isOptions) return this.#own.answerOptions(arrived, this.isDraining);
    const wantsDialog = isInvite || beginsSubscription(method);
    const isFull = this.#pending.size >= settings.maxPendingRequests || (wantsDialog && dialogs.isFull);
    if (!owner || isFull) return this.#own.turnAwayNew(arrived, this.#own.unavailable);
    const screened = (isInvite ? settings.screen?.(request, flow) : null) ?? null;
    if (screened) {
      if (!isChallenge(screened)) this.#environment.scanners?.calledInVain(request, flow);
      return this.#own.turnAway(arrived, screened);
    }
    const incoming = this.#accept({ ...arrived, owner, dialog: undefined, toTag: this.#own.tagFor(arrived) });
    if (isInvite) this.#first.announce(incoming);
    if (isInvite) this.#environment.records.attempt('network', request);
    owner.request(request, flow, incoming.id, '');
  }

  #receiveInDialog(arrived: ArrivedRequest): void {
    const { dialogs } = this.#environment;
    const { request, identity, flow } = arrived;
    const dialog = dialogs.find(identity.callId, identity.toTag, identity.fromTag);
    if (!dialog) {
      const again = (): void => this.#receiveInDialog(arrived);
      if (request.method === 'NOTIFY' && this.#events.overtook(identity, again)) return;
      if (this.#events.forward(arrived)) return;
      return this.#own.turnAway(arrived, { status: 481 });
    }
    if (isWebSocket(flow) && flow.id !== dialog.flow.id) this.#peerMoved(dialog, flow);
    if (takeLatePrack(dialog, request) && dialog.acceptsCSeq(identity.cseq.number))
      return this.#own.answer(arrived, '', 200);
    const refusal =
      this.#checkInDialog(dialog, request, identity) ??
      checkModification(dialog, request, this.#modifying.has(dialog));
    if (refusal) return this.#own.refuse(arrived, refusal);
    const { owner } = dialog;
    if (request.method === 'BYE') {
      const wasNoCall = this.#receiveBye(dialog, request, flow);
      if (wasNoCall || !owner) return this.#own.answer(arrived, '', 200);
    }
    if (!owner) return this.#own.refuse(arrived, { status: 481 });
    if (request.method === 'INVITE') this.#own.answer(arrived, '', 100);
    const incoming = this.#accept({ ...arrived, owner, dialog, toTag: '' });
    if (request.method === 'INVITE' || request.method === 'UPDATE') {
      this.#modifying.set(dialog, incoming);
      // A new INVITE shows that the answer to the one before arrived, even where its ACK did not.
      if (request.method === 'INVITE') this.#answers.stop(dialog);
    }
    owner.request(request, flow, incoming.id, dialog.publicId);
    if (request.method === 'PRACK') this.#acknowledged(dialog);
  }

  /** What waited for the PRACK goes out. */
  #acknowledged(dialog: OwnedDialog): void {
    const invite = this.#unanswered(dialog);
    if (invite) this.#reliable.acknowledged(invite, ({ draft, told }) => told(this.#send(invite, draft)));
  }

  /** The INVITE that made the dialog, or one that changes it, without a final response. */
  #unanswered(dialog: OwnedDialog): IncomingRequest | undefined {
    return this.#pending.get(dialog.inviteId) ?? this.#modifying.get(dialog);
  }

  /** A browser on another network opens another WebSocket long before anybody notices that the old one is dead. */
  #peerMoved(dialog: OwnedDialog, flow: Flow): void {
    const unanswered = this.#modifying.get(dialog);
    if (unanswered !== undefined && unanswered.flow.id !== flow.id) {
      this.#finish(unanswered);
      unanswered.transaction.abandon();
      this.#tellCancelled(unanswered);
    }
    this.#events.peerMoved(dialog, flow);
  }

  /** Order, required extensions, and PRACK (RFC 3261 §12.2.2, RFC 3262 §3). */
  #checkInDialog(dialog: OwnedDialog, request: SipRequest, identity: MessageIdentity): Refusal | null {
    if (!inDialogMethods.has(request.method)) return this.#own.wrongMethod;
    const { supported } = this.#environment.settings;
    const refusal = checkOrderAndExtensions(dialog, request, identity, supported);
    if (refusal) return refusal;
    return request.method === 'PRACK' ? takePrack(request, this.#unanswered(dialog)) : null;
  }

  #receiveCancel(arrived: ArrivedRequest): void {
    const { request: cancel, identity, flow } = arrived;
    const cancelled = this.#environment.transactions.findCancelled(cancel, identity);
    if (!cancelled) return this.#own.turnAway(arrived, { status: 481 });
    const invite = this.#byTransaction.get(cancelled);
    this.#own.answer(arrived, cancelled.toTag, 200);
    if (this.#events.cancelPassedOn(cancelled)) return;
    // Already answered: CANCEL has no effect (RFC 3261 §9.2); the far end has to send a BYE.
    if (invite) this.#cancelled(invite, cancel, flow);
  }

  #cancelled(invite: IncomingRequest, cancel: SipRequest, flow: Flow): void {
    this.#environment.counters.cancelled += 1;
    this.#finish(invite);
    this.#first.send(invite, 487, formatMessage(this.#composer.plain(invite.request, invite.toTag, 487)));
    if (invite.isInitialInvite) this.#environment.records.stop('network', 'call-canceled', cancel);
    if (invite.isInitialInvite && invite.dialog) this.#environment.dialogs.end(invite.dialog);
    invite.owner.cancelled(cancel, flow, invite.id);
  }

  /** Ends the dialog and INVITEs in it that have no answer yet (RFC 3261 §15.1.2). True: it was not yet a call. */
  #receiveBye(dialog: OwnedDialog, bye: SipRequest, flow: Flow): boolean {
    const initial = dialog.role === 'uas' ? this.#pending.get(dialog.inviteId) : undefined;
    const unanswered = initial ?? this.#modifying.get(dialog);
    if (initial === undefined) this.#environment.records.stop('network', 'normal-release', bye);
    this.#environment.dialogs.end(dialog);
    if (unanswered?.request.method === 'INVITE') this.#cancelled(unanswered, bye, flow);
    return initial !== undefined;
  }

  #accept(parts: IncomingRequestParts): IncomingRequest {
    const { clock, timers, settings } = this.#environment;
    const { request, transaction } = parts;
    const incoming = new IncomingRequest(parts);
    const isInvite = request.method === 'INVITE';
    this.#pending.set(incoming.id, incoming);
    this.#pendingBy.add(incoming.flow);
    if (isInvite) this.#byTransaction.set(transaction, incoming);
    // RFC 4320 §4.2: a non-INVITE request that was not answered in time is not answered at all.
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
    this.#own.refuse(incoming, { status }, incoming.toTag);
    this.#tellCancelled(incoming);
  }

  /** The application waits for a call that is over without its doing. */
  #tellCancelled(incoming: IncomingRequest): void {
    if (incoming.isInitialInvite && incoming.dialog) this.#environment.dialogs.end(incoming.dialog);
    const cancel: SipRequest = { ...incoming.request, method: 'CANCEL', body: Buffer.alloc(0) };
    if (incoming.isInitialInvite) this.#recordEnd(cancel);
    incoming.owner.cancelled(cancel, incoming.flow, incoming.id);
  }

  #finish(incoming: IncomingRequest): void {
    if (this.#pending.delete(incoming.id)) this.#pendingBy.remove(incoming.flow);
    this.#byTransaction.delete(incoming.transaction);
    if (incoming.dialog && this.#modifying.get(incoming.dialog) === incoming) {
      this.#modifying.delete(incoming.dialog);
    }
    this.#reliable.over(incoming);
    this.#first.stop(incoming);
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

  /**
   * The session interval that a caller who asks for none is offered. None over a WebSocket, which tells of its end by itself. None
   * without UPDATE: a refresh would be a re-INVITE, whose answer may move the media without the application's knowledge.
   */
  #proposedSeconds({ dialog, flow, request }: IncomingRequest): number | null {
    const isEarly = request.method === 'UPDATE' && dialog?.state !== 'confirmed';
    if (isEarly || isWebSocket(flow) || dialog?.remoteTakesUpdate !== true) return null;
    return this.#environment.settings.sessionSeconds ?? null;
  }

  #recordEnd(message: SipRequest): void {
    this.#environment.records.stop('application', 'system-initiated-termination', message);
  }

  #record(response: SipResponse): void {
    const { records } = this.#environment;
    if (response.status >= 300) records.stop('application', 'call-rejected', response);
    else if (response.status >= 200) records.start('application', 'uas', response);
  }

  /** A final response in a subscription's dialog has gone out. */
  #subscribed(incoming: IncomingRequest, dialog: OwnedDialog, response: SipResponse): void {
    const { request, flow, identity } = incoming;
    if (response.status < 300) {
      if (identity.toTag === '') dialog.acceptedAsServer();
      else if (request.method === 'SUBSCRIBE' || request.method === 'NOTIFY')
        dialog.refreshTarget(request, flow);
    }
    this.#events.answered(dialog, request, response);
  }

  /** The first response that makes a dialog (RFC 3261 §12.1.1). */
  #establish(incoming: IncomingRequest): void {
    if (incoming.dialog) return;
    const { dialogs, counters } = this.#environment;
    const { request, identity, toTag, flow, id } = incoming;
    const wanted = publicDialogId(identity.callId, identity.fromTag);
    const publicId = dialogs.freePublicId(wanted, `to-tag=${toTag}`);
    const beginning = { flow, inviteId: id, publicId, owner: incoming.owner };
    incoming.dialog = dialogAsServer(request, identity, toTag, beginning);
    dialogs.add(incoming.dialog);
    counters.dialogsCreated += 1;
  }

  /** A final response to an INVITE or UPDATE of a dialog has gone out. */
  #modified(incoming: IncomingRequest, dialog: OwnedDialog, { response, bytes, terms }: SentAnswer): void {
    if (response.status >= 300) {
      if (incoming.isInitialInvite) this.#environment.dialogs.end(dialog);
      return;
    }
    if (dialog.state === 'terminated') return;
    if (incoming.isInitialInvite) dialog.acceptedAsServer();
    else dialog.refreshTarget(incoming.request, incoming.flow);
    dialog.described(response.body);
    this.#events.sessionAgreed(dialog, terms);
    if (incoming.request.method === 'INVITE') this.#answers.add(dialog, incoming, bytes);
  }
}
