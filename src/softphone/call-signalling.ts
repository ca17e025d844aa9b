/** The SIP side of a softphone’s call. */
import { randomInt } from 'node:crypto';
import { AnswerRetransmitter } from '../sip-server/dialog/answer-retransmitter.js';
import { dialogAsClient, type Dialog } from '../sip-server/dialog/dialog.js';
import { formatMessage } from '../sip-server/message/format-message.js';
import type { SipRequest, SipResponse } from '../sip-server/message/message.js';
import type { ClientTransaction } from '../sip-server/transaction/client-transaction.js';
import { systemClock } from '../sip-server/transaction/clock.js';
import { identify, type MessageIdentity } from '../sip-server/transaction/identity.js';
import type { ServerTransaction } from '../sip-server/transaction/server-transaction.js';
import { defaultTimerSettings } from '../sip-server/transaction/timers.js';
import { TransactionLayer, type TransactionUser } from '../sip-server/transaction/transaction-layer.js';
import type { Flow } from '../sip-server/transport/flow.js';
import type { BoundAddress, ListeningTransport } from '../sip-server/transport/transport.js';
import { newTag } from '../sip-server/user-agent/identifiers.js';
import { belongsToFlow, nextHopOf } from '../sip-server/user-agent/next-hop.js';
import { createCancel } from '../sip-server/user-agent/requests.js';
import { createResponse } from '../sip-server/user-agent/responses.js';
import { readReason, type CallEnd } from './call-end.js';
import { PhoneMessages, checkRequest, type CallTarget } from './phone-messages.js';

/** What the call does with what signalling brings. */
export interface CallSignallingUser {
  provisional(status: number, reasonPhrase: string, sdp: string): void;
  answered(sdp: string): void;
  /** The far end wants to change the session: gives the answer, or null for what cannot be done (488). */
  offered(sdp: string): string | null;
  /** The far end asks for an offer. */
  offerWanted(): string;
  /** The answer to it. */
  answerCame(sdp: string): void;
  /** Once, last of all. */
  ended(end: CallEnd): void;
}

/**
 * The life of an outgoing call (RFC 3261 §13.2, §9.1, §15.1):
 *
 *   calling ──1xx──► proceeding ──2xx──► established ──hang-up──► closing ──► ended
 *      │ hang-up         │ hang-up                                   ▲
 *      ▼                 ▼                                           │
 *   giving-up ──1xx──► cancelling ───────2xx (the race is lost)──────┘
 *
 * From everywhere a refusal, a BYE or a failure leads to `ended`.
 */
type Phase = 'calling' | 'giving-up' | 'proceeding' | 'cancelling' | 'established' | 'closing' | 'ended';

/** By which way a call goes out. */
export interface CallWay {
  /** Listens, and has no other user. */
  readonly transport: ListeningTransport;
  readonly flow: Flow;
}

/** The signalling of one outgoing call over one transport: INVITE to BYE, and whatever the far end asks in between. */
export class CallSignalling implements TransactionUser {
  /** Where it is reached, and calls from. */
  readonly local: BoundAddress;
  readonly #transport: ListeningTransport;
  readonly #flow: Flow;
  readonly #user: CallSignallingUser;
  readonly #layer: TransactionLayer;
  readonly #messages: PhoneMessages;
  readonly #invite: SipRequest;
  readonly #inviteBranch: string;
  readonly #inviteTransaction: ClientTransaction;
  #phase: Phase = 'calling';
  #dialog: Dialog | undefined;
  #modification: { reject(error: Error): void } | undefined;
  #answer: AnswerRetransmitter | undefined;
  #waitsForAnswer = false;
  #retry: NodeJS.Timeout | undefined;

  /** Sends the INVITE at once. */
  constructor({ transport, flow }: CallWay, target: CallTarget, offer: string, user: CallSignallingUser) {
    this.#transport = transport;
    this.#flow = flow;
    this.#user = user;
    this.#layer = new TransactionLayer(this, {
      clock: systemClock,
      timers: defaultTimerSettings,
      maxTransactions: 1_000,
      responseFlow: (requestFlow) => requestFlow,
    });
    transport.onMessage((message, from) => this.#layer.receive(message, from));
    transport.onMalformed((_reason, from, answerable, status) => {
      if (answerable)
        void from.send(formatMessage(createResponse(answerable, status, newTag()))).catch(() => {});
    });
    transport.onFlowClosed((closed) => this.#layer.flowClosed(closed));

    this.local = transport.boundAddress ?? { address: flow.localAddress, port: flow.localPort };
    this.#messages = new PhoneMessages(transport.protocol, this.local, target.user);
    this.#invite = this.#messages.invite(target, offer);
    this.#inviteBranch = this.#messages.addVia(this.#invite);
    this.#inviteTransaction = this.#layer.send(
      { request: this.#invite, branch: this.#inviteBranch, bytes: formatMessage(this.#invite), flow },
      {
        responded: (response, from) => this.#inviteResponded(response, from),
        requestFailed: (why) =>
          this.#end({ by: 'network', why: why === 'timeout' ? 'timeout' : 'transport-error' }),
        giveUp: () => this.hangUp(),
      },
    );
  }

  get callId(): string {
    return this.#invite.headers.get('Call-ID') ?? '';
  }

  /** CANCEL or BYE, as it fits; `ended` tells when it is done. */
  hangUp(): void {
    switch (this.#phase) {
      case 'calling':
        // §9.1: no CANCEL before the far end has shown that it got the INVITE.
        this.#phase = 'giving-up';
        return;
      case 'proceeding':
        this.#cancel();
        return;
      case 'established':
        this.#bye({ by: 'local', why: 'hang-up' });
        return;
      case 'giving-up':
      case 'cancelling':
      case 'closing':
      case 'ended':
        return;
    }
  }

  /** Ends an answered call because of its answer. */
  rejectAnswer(): void {
    if (this.#phase === 'established') this.#bye({ by: 'local', why: 'unusable-answer' });
  }

  /** A re-INVITE; gives the answer. Rejects when it is refused or the call ends meanwhile. */
  async modify(offer: string): Promise<string> {
    if (this.#phase !== 'established') throw new Error('there is no call to change');
    if (this.#modification) throw new Error('another change is under way');
    const first = await this.#reinvite(offer);
    if (first !== null) return first;
    // §14.1: the side that chose the Call-ID waits 2.1 to 4 s before it tries again.
    await this.#wait(randomInt(2_100, 4_000));
    const second = await this.#reinvite(offer);
    if (second === null) throw new Error('the far end is changing the session itself');
    return second;
  }

  /** Ends the transactions at once, without a word to the far end; idempotent. */
  close(): void {
    this.#end({ by: 'local', why: 'hang-up' });
    this.#layer.close();
  }

  // --- what the transaction layer tells ---

  request(request: SipRequest, identity: MessageIdentity, transaction: ServerTransaction, flow: Flow): void {
    const status = checkRequest(request, identity, this.#phase === 'ended' ? undefined : this.#dialog);
    if (status !== null) {
      this.#respond(request, transaction, status);
      return;
    }
    const dialog = this.#dialog;
    switch (request.method) {
      case 'CANCEL':
        this.#respond(request, transaction, this.#layer.findCancelled(request, identity) ? 200 : 481);
        return;
      case 'BYE': {
        this.#respond(request, transaction, 200);
        const reason = readReason(request.headers);
        this.#end({ by: 'remote', why: 'hang-up', ...(reason && { reason }) });
        return;
      }
      case 'INVITE':
      case 'UPDATE':
        dialog?.refreshTarget(request, flow);
        this.#offered(request, identity, transaction);
        return;
      default:
        this.#respond(request, transaction, 200);
    }
  }

  ack(request: SipRequest, identity: MessageIdentity): void {
    if (identity.cseq.number !== this.#answer?.cseq) return;
    this.#answer.stop();
    this.#answer = undefined;
    if (!this.#waitsForAnswer) return;
    this.#waitsForAnswer = false;
    if (request.body.length > 0) this.#user.answerCame(request.body.toString('utf8'));
  }

  strayResponse(): void {}

  isInDialog(): boolean {
    return true;
  }

  overloaded(request: SipRequest, flow: Flow): void {
    void flow.send(formatMessage(createResponse(request, 503, newTag()))).catch(() => {});
  }

  // --- the INVITE ---

  #inviteResponded(response: SipResponse, flow: Flow): void {
    if (response.status < 200) {
      if (this.#phase === 'calling') this.#phase = 'proceeding';
      this.#user.provisional(response.status, response.reason, response.body.toString('utf8'));
      if (this.#phase === 'giving-up') this.#cancel();
    } else if (response.status < 300) this.#accepted(response, flow);
    else {
      const reason = readReason(response.headers);
      const cancelled = this.#phase === 'cancelling' && response.status === 487;
      this.#end({
        by: cancelled ? 'local' : 'remote',
        why: cancelled ? 'cancelled' : 'refused',
        status: response.status,
        reasonPhrase: response.reason,
        ...(reason && { reason }),
      });
    }
  }

  #accepted(response: SipResponse, flow: Flow): void {
    const identity = identify(response);
    if (!identity) return;
    if (this.#dialog && identity.toTag === this.#dialog.remoteTag) {
      // Its ACK was lost: the same again (§13.2.2.4).
      const { lastAck } = this.#dialog;
      if (lastAck?.cseq === identity.cseq.number) void lastAck.flow.send(lastAck.bytes).catch(() => {});
      return;
    }
    const beginning = { flow, inviteId: '', publicId: '', owner: undefined };
    const dialog = dialogAsClient(this.#invite, response, identity, beginning);
    dialog.acceptedAsClient(response, flow);
    void this.#acknowledge(dialog, identity.cseq.number);
    if (this.#dialog) {
      // Another branch of a fork answered too: one call is enough (§13.2.2.4).
      void this.#send(dialog, dialog.createRequest('BYE'), () => {});
      return;
    }
    this.#dialog = dialog;
    const wanted = this.#phase === 'calling' || this.#phase === 'proceeding';
    if (this.#phase === 'ended') void this.#send(dialog, dialog.createRequest('BYE'), () => {});
    else {
      this.#phase = 'established';
      if (wanted) this.#user.answered(response.body.toString('utf8'));
      else this.#bye({ by: 'local', why: 'cancelled' });
    }
  }

  #cancel(): void {
    this.#phase = 'cancelling';
    const cancel = createCancel(this.#invite, undefined);
    const bytes = formatMessage(cancel);
    this.#layer.send(
      { request: cancel, branch: this.#inviteBranch, bytes, flow: this.#flow },
      {
        responded: () => {},
        requestFailed: () => {},
        giveUp: () => {},
      },
    );
    this.#inviteTransaction.cancelled();
  }

  #bye(end: CallEnd): void {
    if (!this.#dialog) return;
    this.#phase = 'closing';
    // Whatever the answer, and also without one, the call is over (§15.1.1).
    void this.#send(this.#dialog, this.#dialog.createRequest('BYE'), (response) =>
      this.#end(response === undefined && end.why === 'hang-up' ? { by: 'network', why: 'timeout' } : end),
    );
  }

  #end(end: CallEnd): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#answer?.stop();
    clearTimeout(this.#retry);
    this.#modification?.reject(new Error('the call has ended'));
    this.#modification = undefined;
    this.#user.ended(end);
  }

  // --- changes of the session ---

  /** The answer, or null where it met an offer of the far end (491). */
  #reinvite(offer: string): Promise<string | null> {
    const dialog = this.#dialog;
    if (!dialog || this.#phase !== 'established') return Promise.reject(new Error('the call has ended'));
    const request = dialog.createRequest('INVITE');
    this.#messages.describe(request, offer);
    const cseq = dialog.localCSeq;
    return new Promise((resolve, reject) => {
      this.#modification = { reject };
      const done = (): void => void (this.#modification = undefined);
      void this.#send(dialog, request, (response, flow) => {
        if (response && response.status < 300) {
          dialog.refreshTarget(response, flow);
          void this.#acknowledge(dialog, cseq);
          done();
          resolve(response.body.toString('utf8'));
          return;
        }
        done();
        if (response?.status === 491) resolve(null);
        else
          reject(
            new Error(`the change was refused: ${response?.status ?? 408} ${response?.reason ?? ''}`.trim()),
          );
        // §14.1: these two say that the far end has no such call any more.
        if (!response || response.status === 481 || response.status === 408) this.hangUp();
      });
    });
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#modification = { reject };
      this.#retry = setTimeout(() => {
        this.#modification = undefined;
        resolve();
      }, delayMs);
    });
  }

  #offered(request: SipRequest, identity: MessageIdentity, transaction: ServerTransaction): void {
    const isInvite = request.method === 'INVITE';
    if (this.#modification || this.#answer) {
      this.#respond(request, transaction, 491);
      return;
    }
    const wantsOffer = request.body.length === 0;
    if (wantsOffer && !isInvite) {
      this.#respond(request, transaction, 200);
      return;
    }
    const type = request.headers.get('Content-Type') ?? 'application/sdp';
    if (!wantsOffer && !/^application\/sdp\b/i.test(type)) {
      this.#respond(request, transaction, 415);
      return;
    }
    const sdp = wantsOffer ? this.#user.offerWanted() : this.#user.offered(request.body.toString('utf8'));
    if (sdp === null) {
      this.#respond(request, transaction, 488);
      return;
    }
    const bytes = this.#respond(request, transaction, 200, sdp);
    if (!isInvite) return;
    this.#waitsForAnswer = wantsOffer;
    this.#answer = new AnswerRetransmitter({
      cseq: identity.cseq.number,
      transaction,
      bytes,
      clock: systemClock,
      timers: defaultTimerSettings,
      giveUp: () => this.hangUp(),
    });
  }

  // --- messages ---

  #respond(request: SipRequest, transaction: ServerTransaction, status: number, sdp = ''): Buffer {
    const bytes = formatMessage(this.#messages.response(request, status, sdp));
    transaction.respond(status, bytes);
    return bytes;
  }

  async #acknowledge(dialog: Dialog, cseq: number): Promise<void> {
    const known = dialog.lastAck;
    if (known?.cseq === cseq) {
      await known.flow.send(known.bytes).catch(() => {});
      return;
    }
    const ack = dialog.createRequest('ACK', cseq);
    this.#messages.addVia(ack);
    const flow = await this.#flowOf(dialog);
    const bytes = formatMessage(ack);
    dialog.acknowledged({ cseq, bytes, flow });
    await flow.send(bytes).catch(() => {});
  }

  /** Sends a request within the dialog; `done` hears every final response, or undefined when none came. */
  async #send(
    dialog: Dialog,
    request: SipRequest,
    done: (response: SipResponse | undefined, flow: Flow) => void,
  ): Promise<void> {
    const branch = this.#messages.addVia(request);
    const flow = await this.#flowOf(dialog);
    this.#layer.send(
      { request, branch, bytes: formatMessage(request), flow },
      {
        responded: (response, from) => {
          if (response.status >= 200) done(response, from);
        },
        requestFailed: () => done(undefined, flow),
        giveUp: () => {},
      },
    );
  }

  /** The way requests of the dialog go: where its route set or remote target points, or back where the peer was heard. */
  async #flowOf(dialog: Dialog): Promise<Flow> {
    const hop = nextHopOf(dialog.nextHop);
    if (dialog.flow.isOpen && belongsToFlow(hop, dialog.flow)) return dialog.flow;
    if (dialog.resolvedFlow?.isOpen === true) return dialog.resolvedFlow;
    const { remoteAddress, remotePort } = dialog.flow;
    const wanted = hop
      ? { host: hop.host, port: hop.port ?? 5060 }
      : { host: remoteAddress, port: remotePort };
    try {
      return dialog.resolve(await this.#transport.connect(wanted.host, wanted.port));
    } catch {
      return dialog.flow;
    }
  }
}
