/** The side of the user agent that sends requests. */
import { beginsSubscription, dialogAsClient, publicDialogId } from '../dialog/dialog.js';
import { agreeAsClient, type SessionTimerTerms } from '../dialog/session-expires.js';
import { formatMessage } from '../message/format-message.js';
import { parseCSeq } from '../message/cseq.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { identify, type MessageIdentity } from '../transaction/identity.js';
import type { Flow } from '../transport/flow.js';
import { Acknowledger } from './acknowledger.js';
import { AskedServers } from './asked-servers.js';
import { notSent, refusals, type Application, type OwnedDialog, type SendResult } from './application.js';
import { takenElsewhere } from './call-records.js';
import { streamFor } from './dialog-stream.js';
import { findFlow, knownFlow } from './dialog-way.js';
import type { UserAgentEnvironment } from './environment.js';
import { FailOver, type Departure } from './fail-over.js';
import { newBranch, newTransactionId } from './identifiers.js';
import { withLongerSession } from './longer-session.js';
import { nextHopOf, ordered } from './next-hop.js';
import { OutgoingRequest, type OutgoingRequestHandler } from './outgoing-request.js';
import { OvertakingNotifies } from './overtaking-notifies.js';
import { cancelInvite, releaseCancel } from './outgoing-cancel.js';
import { completeInDialog } from './requests.js';
import { createLocalResponse } from './responses.js';
import { soleFlow } from './sole-flow.js';

/** What the client tells the rest of the user agent about dialogs. */
export interface ClientDialogEvents {
  /** A 2xx to our INVITE or UPDATE: these terms hold from now on; undefined: no session timer. */
  readonly sessionAgreed: (dialog: OwnedDialog, terms: SessionTimerTerms | null) => void;
  /** End the dialog with a BYE and tell the application. */
  readonly hangUp: (dialog: OwnedDialog, status: number, why: string) => void;
  /** The peer does not know the dialog: tell the application, send nothing. */
  readonly dialogLost: (dialog: OwnedDialog, status: number, why: string) => void;
  /** A request of ours in a dialog that subscriptions keep alive has its final response. */
  readonly answered: (dialog: OwnedDialog, request: SipRequest, response: SipResponse) => void;
  /** An ACK is awaited from the peer: a BYE must wait for it (RFC 3261 §15). Takes over the call if so. */
  readonly holdBye: (dialog: OwnedDialog, send: () => void) => boolean;
}

/** Each proxy on the way may ask for a longer session interval than the one before it. */
const maxLonger = 3;

interface ArrivedResponse {
  readonly response: SipResponse;
  readonly identity: MessageIdentity;
  readonly flow: Flow;
}

/** The user agent client: sends requests and sorts their responses into dialogs (RFC 3261 §8.1, §12, §13.2). */
export class UserAgentClient implements OutgoingRequestHandler {
  readonly #environment: UserAgentEnvironment;
  readonly #events: ClientDialogEvents;
  /** Requests without a final response, by the identifier that applications know. */
  readonly #pending = new Map<string, OutgoingRequest>();
  /** New requests whose server is still looked for, and whose they are; null: theirs no longer. */
  readonly #departing = new Set<{ owner: Application | null }>();
  /** Failures that are to be told in the next turn. */
  readonly #failures = new Set<unknown>();
  readonly #overtaking = new OvertakingNotifies();
  readonly #acknowledger: Acknowledger;
  readonly #failOver: FailOver;
  readonly #asked: AskedServers;

  constructor(environment: UserAgentEnvironment, events: ClientDialogEvents) {
    this.#failOver = new FailOver(environment, {
      launch: (departure) => this.#launch(departure),
      isPending: (outgoing) => this.#pending.get(outgoing.id) === outgoing,
      giveUp: (outgoing) => this.giveUp(outgoing),
      conclude: (outgoing, response, flow) => this.#conclude(outgoing, response, flow),
    });
    this.#environment = environment;
    this.#events = events;
    this.#asked = new AskedServers(environment.clock);
    this.#acknowledger = new Acknowledger(environment, events.hangUp);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Sends a request outside of a dialog. `proxy` is a URI to send it to instead of its own. */
  async sendNew(draft: SipRequest, owner: Application, proxy?: string): Promise<SendResult> {
    const environment = this.#environment;
    const route = draft.headers.get('Route');
    const firstRoute = route === undefined ? undefined : parseNameAddr(route)?.uri;
    const hop = proxy === undefined ? nextHopOf(firstRoute ?? draft.uri) : ordered(proxy);
    // Who is asked for by name goes before who registered: a carrier's connection is nobody's to take.
    const isAsked = proxy !== undefined || firstRoute !== undefined;
    const registered = isAsked ? null : environment.standings.contacts.flowTo(draft.uri);
    const way =
      registered === null
        ? hop && environment.wayTo(hop, this.#asked.whomItAnswers(draft, hop))
        : soleFlow(registered);
    if (!way || !hop) return notSent(refusals.noTransport);
    if (environment.transactions.isFull) return notSent('too many transactions');
    const departing: { owner: Application | null } = { owner };
    this.#departing.add(departing);
    try {
      const departure = await this.#failOver.begin({
        ...{ hop, way, draft },
        mayStream: registered === null && !hop.transportGiven,
      });
      // Nobody would hear of what comes of it, or end it.
      if (departing.owner === null) return notSent('its application is gone');
      return this.#launch({ ...departure, owner });
    } finally {
      this.#departing.delete(departing);
    }
  }

  /** Sends an application's request in its dialog. */
  async sendInDialog(dialogId: string, draft: SipRequest, owner: Application): Promise<SendResult> {
    const dialog = this.#environment.dialogs.findPublic(dialogId);
    if (!dialog || dialog.owner !== owner) return notSent(refusals.unknownDialog);
    if (draft.method === 'ACK') return this.#acknowledger.acknowledge(dialog, draft);
    return this.send(dialog, draft, owner, undefined);
  }

  /** Sends a request of the application or of the server itself in a dialog. */
  async send(
    dialog: OwnedDialog,
    draft: SipRequest,
    owner: Application | undefined,
    onResponse: ((response: SipResponse) => void) | undefined,
  ): Promise<SendResult> {
    const { method } = draft;
    if (method === 'INVITE' && dialog.hasPendingInvite) return notSent('request pending');
    if (method === 'BYE' && dialog.state === 'early' && dialog.role === 'uas') {
      return notSent('an early dialog is ended with a response');
    }
    if (dialog.state === 'ending' || dialog.state === 'terminated') return notSent(refusals.unknownDialog);
    if (method === 'BYE') dialog.ending();
    let flow: Flow;
    try {
      flow = knownFlow(dialog) ?? (await findFlow(dialog, this.#environment.connect));
    } catch {
      if (method === 'BYE') this.#environment.dialogs.end(dialog);
      return notSent(refusals.noTransport);
    }
    const looked = streamFor(dialog, draft, flow, this.#environment);
    const stream = looked && (await looked);
    if (hasEnded(dialog)) return notSent(refusals.unknownDialog);
    // Another may have gone out while the way was looked for (RFC 3261 §14.1).
    if (method === 'INVITE' && dialog.hasPendingInvite) return notSent('request pending');
    const request = dialog.createRequest(method);
    const branch = newBranch();
    const datagrams = stream === null ? undefined : flow;
    completeInDialog(request, draft, { flow: stream ?? flow, branch, contactFlow: flow }, this.#environment);
    if (method === 'INVITE' || method === 'UPDATE') dialog.modifying(method);
    if (method === 'INVITE') dialog.described(request.body);
    const bytes = formatMessage(request);
    return this.#launch({
      ...{ request, bytes, branch, datagrams, owner, dialog, onResponse },
      flow: stream ?? flow,
    });
  }

  /** Cancels the INVITE with that identifier; at once, or when the far end has shown that it is there. */
  cancel(transactionId: string, draft: SipRequest, owner: Application): SendResult {
    const outgoing = this.#pending.get(transactionId);
    if (!outgoing || outgoing.owner !== owner || outgoing.request.method !== 'INVITE' || outgoing.isFinal) {
      return notSent(refusals.unknownTransaction);
    }
    const bytes = cancelInvite(outgoing, draft, this.#environment.transactions);
    return { ok: true, bytes, flow: outgoing.flow, transactionId: newTransactionId(), dialogId: '' };
  }

  /** An application is gone: what it started is cancelled, and what is answered all the same is ended. */
  release(owner: Application): void {
    for (const departing of this.#departing) if (departing.owner === owner) departing.owner = null;
    for (const outgoing of [...this.#pending.values()]) {
      if (outgoing.owner !== owner) continue;
      outgoing.owner = undefined;
      if (outgoing.request.method === 'INVITE' && !outgoing.dialog && !outgoing.isFinal)
        this.giveUp(outgoing);
    }
  }

  giveUp(outgoing: OutgoingRequest): void {
    cancelInvite(outgoing, undefined, this.#environment.transactions);
  }

  failed(outgoing: OutgoingRequest, why: 'timeout' | 'transport error'): void {
    // Later, so that an application always hears that its request was sent before it hears that it failed.
    const timer = this.#environment.clock.setTimer(0, () => {
      this.#failures.delete(timer);
      if (why === 'transport error' && this.#fallsBack(outgoing)) return;
      const response = createLocalResponse(outgoing.request, why === 'timeout' ? 408 : 503);
      if (!this.#failOver.takes(outgoing, response, outgoing.flow, true))
        this.#conclude(outgoing, response, outgoing.flow);
    });
    this.#failures.add(timer);
  }

  /** What was sent to the peer by another connection has failed; it is told to the application a moment later. */
  peerMoved(dialog: OwnedDialog, flow: Flow): void {
    for (const outgoing of [...this.#pending.values()]) {
      if (outgoing.dialog !== dialog || outgoing.flow.id === flow.id) continue;
      outgoing.transaction?.flowClosed();
      // Nothing stands in the way of what the peer asks for now.
      dialog.modificationsLost();
    }
  }

  close(): void {
    for (const departing of this.#departing) departing.owner = null;
    this.#acknowledger.close();
    for (const timer of this.#failures) this.#environment.clock.clearTimer(timer);
    this.#failures.clear();
    for (const outgoing of this.#pending.values()) this.#failOver.unwatch(outgoing);
    this.#pending.clear();
    this.#overtaking.clear();
    this.#asked.clear();
  }

  /** A NOTIFY of a subscription whose SUBSCRIBE has no answer yet waits for that (RFC 6665 §4.4.1). False: it is none. */
  overtook(identity: MessageIdentity, again: () => void): boolean {
    return this.#overtaking.waits(identity, again);
  }

  responded(outgoing: OutgoingRequest, response: SipResponse, flow: Flow): void {
    if (!this.#failOver.takes(outgoing, response, flow, false)) this.#conclude(outgoing, response, flow);
  }

  /** A response that counts. */
  #conclude(outgoing: OutgoingRequest, response: SipResponse, flow: Flow): void {
    const identity = identify(response);
    if (!identity) return;
    if (this.#asksForLonger(outgoing, response)) return;
    const { method } = outgoing.request;
    if (response.status < 200) releaseCancel(outgoing, this.#environment.transactions);
    else if (!outgoing.isFinal) {
      outgoing.isFinal = true;
      this.#asked.responded(outgoing, response);
      if (this.#pending.get(outgoing.id) === outgoing) this.#pending.delete(outgoing.id);
    }
    const arrived = { response, identity, flow };
    if (method === 'INVITE' && !outgoing.dialog) this.#inviteResponded(outgoing, arrived);
    else if (beginsSubscription(method) && !outgoing.dialog) this.#subscribeResponded(outgoing, arrived);
    else if (outgoing.dialog && (method === 'INVITE' || method === 'UPDATE')) {
      this.#modificationResponded(outgoing, outgoing.dialog, arrived);
    } else {
      const { dialog, request } = outgoing;
      if (dialog && response.status >= 200) this.#events.answered(dialog, request, response);
      if (method === 'REGISTER' && response.status >= 200 && response.status < 300) {
        this.#environment.standings.registered(flow, request, response);
        this.#environment.kept.registered(outgoing.flow, request, response);
      }
      this.#pass(outgoing, response, flow, dialog?.publicId ?? '');
      this.#checkLost(outgoing, response);
    }
  }

  /** A 2xx whose transaction is over: its ACK was lost, so it goes out again (RFC 3261 §13.2.2.4). */
  strayResponse(response: SipResponse, identity: MessageIdentity): void {
    if (identity.cseq.method !== 'INVITE' || response.status < 200 || response.status > 299) return;
    const dialog = this.#environment.dialogs.find(identity.callId, identity.fromTag, identity.toTag);
    if (dialog) this.#acknowledger.acknowledgeAgain(dialog, identity.cseq.number);
  }

  /** Sends the request once more, as the same to its application, where its session interval was too short (RFC 4028 §7.3). */
  #asksForLonger(outgoing: OutgoingRequest, response: SipResponse): boolean {
    const { dialog, flow, owner, isCancelled, isFinal } = outgoing;
    if (!owner || isCancelled || isFinal || outgoing.timesTooShort >= maxLonger) return false;
    const request = withLongerSession(outgoing.request, response);
    if (request === null || (dialog && dialog.state !== 'confirmed')) return false;
    outgoing.timesTooShort += 1;
    for (const early of outgoing.dialogs) if (early.state === 'early') this.#environment.dialogs.end(early);
    // It is there that it was asked for.
    outgoing.attempt = undefined;
    this.#sendAgain(outgoing, request, flow);
    return true;
  }

  /** Sends the request by datagrams, as the same to its application, where the connection that it went by broke before any answer came. */
  #fallsBack(outgoing: OutgoingRequest): boolean {
    const { dialog, datagrams, flow, request, wasHeard } = outgoing;
    if (datagrams === undefined || flow === datagrams) return false;
    this.#environment.streams.broke(flow);
    if (wasHeard || dialog?.state !== 'confirmed') return false;
    this.#sendAgain(outgoing, request, datagrams);
    return true;
  }

  /** Sends the request by that flow, with the next number of its call. */
  #sendAgain(outgoing: OutgoingRequest, request: SipRequest, flow: Flow): void {
    const { dialog } = outgoing;
    const { method, headers } = request;
    const branch = newBranch();
    headers.takeFirst('Via');
    headers.prepend('Via', this.#environment.addressing.via(flow, branch));
    const cseq = parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0;
    dialog?.modified(cseq);
    headers.set('CSeq', `${dialog?.takeCSeq() ?? cseq + 1} ${method}`);
    if (method === 'INVITE' || method === 'UPDATE') dialog?.modifying(method);
    outgoing.request = request;
    outgoing.flow = flow;
    const departure = { request, branch, bytes: formatMessage(request), flow };
    outgoing.transaction = this.#environment.transactions.send(departure, outgoing);
  }

  #launch(departure: Departure): SendResult {
    const { request, bytes, branch, flow, dialog } = departure;
    const outgoing = new OutgoingRequest(this, departure);
    this.#pending.set(outgoing.id, outgoing);
    // Not where the same request goes to the next server.
    const isNew = !dialog && departure.id === undefined;
    if (isNew && beginsSubscription(request.method)) this.#overtaking.asked(request);
    if (isNew && request.method === 'INVITE') this.#environment.records.attempt('application', request);
    const start = (): void => {
      outgoing.transaction = this.#environment.transactions.send({ request, branch, bytes, flow }, outgoing);
      this.#failOver.watch(outgoing);
    };
    if (request.method === 'BYE' && dialog) {
      if (departure.owner) this.#environment.records.stop('application', 'normal-release', request);
      const end = (): void => {
        start();
        this.#environment.dialogs.end(dialog);
      };
      if (!this.#events.holdBye(dialog, end)) end();
    } else start();
    return { ok: true, bytes, flow, transactionId: outgoing.id, dialogId: dialog?.publicId ?? '' };
  }

  #pass(outgoing: OutgoingRequest, response: SipResponse, flow: Flow, dialogId: string): void {
    outgoing.onResponse?.(response);
    outgoing.owner?.response(response, flow, outgoing.id, dialogId);
  }

  /** RFC 3261 §12.2.1.2: the peer does not know the dialog any more. */
  #checkLost(outgoing: OutgoingRequest, response: SipResponse): void {
    const { dialog } = outgoing;
    if (response.status === 481 && dialog && dialog.state !== 'terminated' && outgoing.owner) {
      this.#events.dialogLost(dialog, 481, 'dialog unknown to the far end');
    }
  }

  #inviteResponded(outgoing: OutgoingRequest, arrived: ArrivedResponse): void {
    const { response, identity, flow } = arrived;
    const { status } = response;
    if (status >= 300) {
      const reason = status === 487 ? 'call-canceled' : 'call-rejected';
      const source = response.isLocal === true ? 'application' : 'network';
      if (!outgoing.isReplaced) this.#environment.records.stop(source, reason, response);
      for (const dialog of outgoing.dialogs) {
        if (dialog.state === 'early') this.#environment.dialogs.end(dialog);
      }
      this.#pass(outgoing, response, flow, '');
      return;
    }
    if (status === 100 || identity.toTag === '') {
      if (status < 200) this.#pass(outgoing, response, flow, '');
      else this.#acceptedWithoutTag(outgoing, arrived);
      return;
    }
    const known = outgoing.dialogs.findLast((dialog) => dialog.remoteTag === identity.toTag);
    if (status < 200) {
      const dialog = known ?? this.#newDialog(outgoing, arrived);
      if (dialog?.acceptsRSeq(response) === true) this.#pass(outgoing, response, flow, dialog.publicId);
      return;
    }
    if (known && (known.state === 'confirmed' || known.lastAck)) {
      this.#acknowledger.acknowledgeAgain(known, identity.cseq.number);
      return;
    }
    // A fork that we have given up, or said BYE to, accepts after all.
    const isUnwanted = known !== undefined && known.state !== 'early';
    const dialog = known?.state === 'early' ? known : this.#newDialog(outgoing, arrived);
    if (!dialog) return;
    dialog.acceptedAsClient(response, flow);
    dialog.oweAck(identity.cseq.number);
    if (isUnwanted || outgoing.accepted || !outgoing.owner) {
      // Another fork answered too, or nobody is there to take the call: it is accepted only to be ended (§13.2.2.4).
      const isElsewhere = outgoing.isReplaced || outgoing.accepted !== undefined;
      this.#acknowledger.acknowledgeAndEnd(dialog, 487, isElsewhere ? takenElsewhere : 'call given up');
      return;
    }
    outgoing.accepted = dialog;
    dialog.described(outgoing.request.body);
    for (const other of outgoing.dialogs) if (other.state === 'early') this.#environment.dialogs.end(other);
    this.#events.sessionAgreed(dialog, agreeAsClient(outgoing.request.headers, response.headers));
    this.#acknowledger.expect(dialog);
    this.#environment.records.start('network', 'uac', response);
    this.#pass(outgoing, response, flow, dialog.publicId);
  }

  /** The answer to a SUBSCRIBE, or a REFER outside of dialogs; NOTIFYs that were faster come behind it. */
  #subscribeResponded(outgoing: OutgoingRequest, arrived: ArrivedResponse): void {
    const { response, identity, flow } = arrived;
    let dialog: OwnedDialog | null = null;
    if (response.status >= 200 && response.status < 300 && identity.toTag !== '' && outgoing.owner) {
      dialog = this.#newDialog(outgoing, arrived);
      dialog?.acceptedAsClient(response, flow);
      if (dialog) this.#events.answered(dialog, outgoing.request, response);
    }
    this.#pass(outgoing, response, flow, dialog?.publicId ?? '');
    if (response.status >= 200) this.#overtaking.answered(outgoing.request);
  }

  /**
   * A 2xx without a tag in To, which makes no dialog that others could be told from. The call is acknowledged and ended, and
   * the application hears of a failure: it would wait for its answer for ever.
   */
  #acceptedWithoutTag(outgoing: OutgoingRequest, arrived: ArrivedResponse): void {
    const { response, identity, flow } = arrived;
    const known = outgoing.dialogs.findLast(({ remoteTag }) => remoteTag === '');
    if (known) {
      this.#acknowledger.acknowledgeAgain(known, identity.cseq.number);
      return;
    }
    const dialog = this.#newDialog(outgoing, arrived);
    if (!dialog) return;
    dialog.release();
    dialog.acceptedAsClient(response, flow);
    dialog.oweAck(identity.cseq.number);
    this.#acknowledger.acknowledgeAndEnd(dialog, 400, 'accepted without a tag');
    if (outgoing.accepted) return;
    for (const other of outgoing.dialogs) if (other.state === 'early') this.#environment.dialogs.end(other);
    // drachtio-srf has 500 for an answer that makes no dialog, and applications know that.
    this.#pass(outgoing, createLocalResponse(outgoing.request, 500), flow, '');
  }

  #modificationResponded(
    outgoing: OutgoingRequest,
    dialog: OwnedDialog,
    { response, identity, flow }: ArrivedResponse,
  ): void {
    const { status } = response;
    const cseq = identity.cseq.number;
    if (status >= 200) dialog.modified(cseq);
    if (status >= 200 && status < 300) {
      if (outgoing.accepted) {
        this.#acknowledger.acknowledgeAgain(dialog, cseq);
        return;
      }
      outgoing.accepted = dialog;
      // A connection for one long request is not where the peer is heard.
      dialog.refreshTarget(response, outgoing.datagrams ?? flow);
      this.#events.sessionAgreed(dialog, agreeAsClient(outgoing.request.headers, response.headers));
      if (outgoing.request.method === 'INVITE') {
        dialog.oweAck(cseq);
        // Its own refresh, an application that is gone, or a call that ended meanwhile: the ACK is the server's.
        if (!outgoing.owner || dialog.state === 'terminated') void this.#acknowledger.acknowledge(dialog);
        else this.#acknowledger.expect(dialog);
      }
    }
    this.#pass(outgoing, response, flow, dialog.publicId);
    this.#checkLost(outgoing, response);
  }

  /** The dialog that the first response of a fork makes. */
  #newDialog(outgoing: OutgoingRequest, { response, identity, flow }: ArrivedResponse): OwnedDialog | null {
    const { dialogs, counters } = this.#environment;
    // A far end that invents forks without end does not fill our memory; a 2xx is always taken.
    if (response.status < 200 && (dialogs.isFull || outgoing.dialogs.length >= 16)) return null;
    const wanted = publicDialogId(identity.callId, identity.fromTag);
    const publicId = dialogs.freePublicId(wanted, `to-tag=${identity.toTag}`);
    const beginning = { flow, inviteId: outgoing.id, publicId, owner: outgoing.owner };
    const dialog = dialogAsClient(outgoing.request, response, identity, beginning);
    outgoing.dialogs.push(dialog);
    dialogs.add(dialog);
    counters.dialogsCreated += 1;
    return dialog;
  }
}

/** Read anew after an await. */
function hasEnded({ state }: OwnedDialog): boolean {
  return state === 'terminated';
}
