/** A request on its way to one destination. */
import { formatMessage } from '../message/format-message.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { identify } from '../transaction/identity.js';
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from '../user-agent/environment.js';
import { newBranch } from '../user-agent/identifiers.js';
import type { ArrivedRequest } from '../user-agent/incoming-request.js';
import { nextHopOf } from '../user-agent/next-hop.js';
import { createCancel } from '../user-agent/requests.js';
import { createLocalResponse } from '../user-agent/responses.js';
import { forwardRequest } from './forwarding.js';
import type { ProxiedOrder } from './proxy-order.js';

/** Hears what comes of a branch. */
export interface BranchOwner {
  /** A response between 101 and 199. */
  provisional(response: SipResponse): void;
  /** A 2xx; `isFirst` false: the same, or another one, once more. */
  accepted(response: SipResponse, flow: Flow, isFirst: boolean): void;
  /** It came to nothing; `flow` is null where nobody said so. */
  refused(response: SipResponse, flow: Flow | null): void;
}

export interface BranchOrder extends ProxiedOrder {
  readonly target: string;
}

/** One destination of a request that is passed on: its transaction, its timers and its CANCEL (RFC 3261 §16.6). */
export class Branch implements ClientTransactionUser {
  /** Its responses bear the Via fields of those before us, too. */
  readonly isProxy = true;
  readonly #environment: UserAgentEnvironment;
  readonly #arrived: ArrivedRequest;
  readonly #order: BranchOrder;
  readonly #owner: BranchOwner;
  readonly #timers = new Set<unknown>();
  #timerC: unknown;
  #request: SipRequest | undefined;
  #transaction: ClientTransaction | undefined;
  #flow: Flow | undefined;
  #isOver = false;
  #wantsCancel = false;
  #isCancelled = false;
  #isProceeding = false;

  constructor(
    environment: UserAgentEnvironment,
    arrived: ArrivedRequest,
    order: BranchOrder,
    owner: BranchOwner,
  ) {
    this.#environment = environment;
    this.#arrived = arrived;
    this.#order = order;
    this.#owner = owner;
  }

  /** It has its final response, or needs none. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    const hop = nextHopOf(this.#order.target);
    const connected =
      hop === null
        ? Promise.reject(new Error('no such way'))
        : this.#environment.connect({ ...hop, isNamedByPeer: !this.#order.isNew });
    connected.then(
      (flow) => (this.#order.mayTake(flow) ? this.#send(flow) : this.#fail(503)),
      () => this.#fail(503),
    );
  }

  /** Sends CANCEL, at once or when the destination has shown that it is there (RFC 3261 §9.1). */
  cancel(): void {
    this.#wantsCancel = true;
    if (this.#isOver) return;
    if (this.#transaction === undefined) this.#fail(487);
    else if (this.#isProceeding) this.#sendCancel();
  }

  close(): void {
    this.#over();
  }

  responded(response: SipResponse, flow: Flow): void {
    const { status } = response;
    if (status >= 300) {
      if (this.#isOver) return;
      this.#over();
      this.#owner.refused(response, flow);
    } else if (status >= 200) {
      const isFirst = !this.#isOver;
      this.#over();
      this.#owner.accepted(response, flow, isFirst);
    } else this.#proceed(response);
  }

  requestFailed(why: 'timeout' | 'transport error'): void {
    this.#fail(why === 'timeout' ? 408 : 503);
  }

  giveUp(): void {
    this.cancel();
  }

  #send(flow: Flow): void {
    if (this.#isOver) return;
    const { request } = this.#arrived;
    const branch = newBranch();
    const { target, requestUri, recordRoutes, fields } = this.#order;
    const via = this.#environment.addressing.via(flow, branch);
    const passedOn = forwardRequest(request, {
      ...{ via, fields },
      uri: requestUri(target),
      recordRoutes: recordRoutes(flow),
    });
    this.#request = passedOn;
    this.#flow = flow;
    if (this.#order.isNew && request.method === 'INVITE')
      this.#environment.records.attempt('application', passedOn);
    this.#startTimers();
    const bytes = formatMessage(passedOn);
    this.#transaction = this.#environment.transactions.send({ request: passedOn, branch, bytes, flow }, this);
  }

  #proceed(response: SipResponse): void {
    this.#isProceeding = true;
    if (this.#wantsCancel) this.#sendCancel();
    if (this.#isOver) return;
    if (response.status > 100) this.#startTimerC();
    if (response.status > 100 && !this.#wantsCancel) this.#owner.provisional(response);
  }

  #sendCancel(): void {
    const [request, flow] = [this.#request, this.#flow];
    if (this.#isCancelled || request?.method !== 'INVITE' || flow === undefined) return;
    this.#isCancelled = true;
    const cancel = createCancel(request, undefined);
    const branch = identify(cancel)?.via.params.get('branch') ?? '';
    const bytes = formatMessage(cancel);
    this.#environment.transactions.send({ request: cancel, branch, bytes, flow }, ignored);
    this.#transaction?.cancelled();
  }

  #startTimers(): void {
    const { provisionalTimeoutMs, finalTimeoutMs } = this.#order;
    this.#startTimerC();
    this.#after(provisionalTimeoutMs, () => {
      if (!this.#isProceeding) this.#giveUpWaiting();
    });
    this.#after(finalTimeoutMs, () => this.#giveUpWaiting());
  }

  /** RFC 3261 §16.8: an INVITE that rings is not passed on for ever. */
  #startTimerC(): void {
    if (this.#request?.method !== 'INVITE') return;
    const { clock, settings } = this.#environment;
    if (this.#timerC !== undefined) clock.clearTimer(this.#timerC);
    this.#timerC = clock.setTimer(settings.inviteTimeoutMs, () => this.#giveUpWaiting());
  }

  /** The next destination is tried at once; this one may still be told, or accept all the same. */
  #giveUpWaiting(): void {
    this.cancel();
    this.#fail(408);
  }

  #after(delayMs: number | null, act: () => void): void {
    if (delayMs === null) return;
    const { clock } = this.#environment;
    const timer = clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      act();
    });
    this.#timers.add(timer);
  }

  #fail(status: 408 | 487 | 503): void {
    if (this.#isOver) return;
    this.#over();
    this.#owner.refused(createLocalResponse(this.#request ?? this.#arrived.request, status), null);
  }

  #over(): void {
    this.#isOver = true;
    const { clock } = this.#environment;
    for (const timer of this.#timers) clock.clearTimer(timer);
    this.#timers.clear();
    if (this.#timerC !== undefined) clock.clearTimer(this.#timerC);
    this.#timerC = undefined;
  }
}

const ignored: ClientTransactionUser = {
  responded: () => undefined,
  requestFailed: () => undefined,
  giveUp: () => undefined,
};
