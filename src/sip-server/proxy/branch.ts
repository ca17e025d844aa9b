/** A request on its way to one destination, which may be several servers (RFC 3263 §4.3). */
import { formatMessage } from '../message/format-message.js';
import type { SipResponse } from '../message/message.js';
import type { OutgoingMessage } from '../transaction/client-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from '../user-agent/environment.js';
import { newBranch } from '../user-agent/identifiers.js';
import type { ArrivedRequest } from '../user-agent/incoming-request.js';
import { isForStream } from '../user-agent/message-size.js';
import { nextHopOf } from '../user-agent/next-hop.js';
import { createLocalResponse, retryAfterMs } from '../user-agent/responses.js';
import { soleFlow } from '../user-agent/sole-flow.js';
import type { TargetFault, Way } from '../user-agent/way.js';
import { BranchAttempt, type AttemptOwner } from './branch-attempt.js';
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

/** What is told where no other server can be asked. */
interface Refusal {
  readonly response: SipResponse;
  readonly flow: Flow | null;
}

/** One destination of a request that is passed on: the servers that are asked, and the timers (RFC 3261 §16.6). */
export class Branch implements AttemptOwner {
  readonly #environment: UserAgentEnvironment;
  readonly #arrived: ArrivedRequest;
  readonly #order: BranchOrder;
  readonly #owner: BranchOwner;
  readonly #timers = new Set<unknown>();
  /** Null: nobody leads there. */
  readonly #way: Way | null;
  /** The URI names no transport, so that a long request may go over TCP (RFC 3261 §18.1.1). */
  readonly #mayStream: boolean;
  #timerC: unknown;
  #firstResponse: unknown;
  /** The server that is asked now. */
  #attempt: BranchAttempt | undefined;
  /** The next server is being looked for. `failure`: what came of the one that was asked; null while it may still answer. */
  #search: { failure: Refusal | null } | undefined;
  #isOver = false;
  #wantsCancel = false;
  /** Some server has said that it is there. */
  #isProceeding = false;
  /** Some server has said more than that: what comes now is the outcome. */
  #hasRung = false;

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
    const flow = order.flowTo(order.target);
    const hop = flow === null ? nextHopOf(order.target) : null;
    this.#way =
      flow === null ? hop && environment.wayWithin({ ...hop, isNamedByPeer: !order.isNew }) : soleFlow(flow);
    this.#mayStream = hop?.transportGiven === false;
  }

  /** It has its final response, or needs none. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    void this.#askNext(this.#local(503));
  }

  /** Sends CANCEL, at once or when the destination has shown that it is there (RFC 3261 §9.1). */
  cancel(): void {
    this.#wantsCancel = true;
    if (this.#isOver) return;
    if (this.#attempt === undefined) this.#refuse(this.#local(487));
    else this.#attempt.cancel();
  }

  close(): void {
    this.#over();
  }

  responded(attempt: BranchAttempt, response: SipResponse, flow: Flow): void {
    const { status } = response;
    if (status >= 200 && status < 300) {
      this.#accept(attempt, response, flow);
      return;
    }
    // One that was left is cancelled; what it says is of no interest.
    if (attempt !== this.#attempt || this.#isOver) return;
    this.#unwatch();
    if (status < 200) this.#proceed(response);
    else this.#failed(attempt, { response, flow }, status === 503 ? retryAfterMs(response) : null);
  }

  failed(attempt: BranchAttempt, why: 'timeout' | 'transport error'): void {
    if (attempt !== this.#attempt || this.#isOver) return;
    this.#unwatch();
    const isSilent = why === 'timeout';
    this.#failed(attempt, this.#local(isSilent ? 408 : 503), isSilent ? 'silent' : 'unreachable');
  }

  rangTooLong(): void {
    this.cancel();
  }

  /** Asks the next server. `failure`: what is told where there is none; null: the one that was asked may still answer. */
  async #askNext(failure: Refusal | null): Promise<void> {
    const search = { failure };
    this.#search = search;
    const departure = await this.#depart();
    this.#search = undefined;
    if (this.#isOver) return;
    const outcome = search.failure;
    if (outcome !== null && (departure === null || this.#wantsCancel)) {
      this.#refuse(this.#wantsCancel ? this.#local(487) : outcome);
      return;
    }
    if (departure === null) return;
    if (outcome === null) {
      if (this.#attempt?.wasHeard === true || this.#wantsCancel) return;
      this.#attempt?.leave();
    }
    this.#launch(departure);
  }

  /** The request as it goes to the next server; null where there is none. */
  async #depart(): Promise<OutgoingMessage | null> {
    const way = this.#way;
    if (way === null || this.#environment.transactions.isFull) return null;
    for (;;) {
      const flow = await way.next();
      if (flow === null) return null;
      if (!this.#order.mayTake(flow)) continue;
      const written = this.#written(flow);
      if (!this.#mayStream || !isForStream(flow, written.bytes)) return written;
      const stream = await way.streamBeside(flow);
      return stream === null ? written : this.#written(stream);
    }
  }

  #written(flow: Flow): OutgoingMessage {
    const branch = newBranch();
    const { target, requestUri, recordRoutes, fields } = this.#order;
    const via = this.#environment.addressing.via(flow, branch);
    const request = forwardRequest(this.#arrived.request, {
      ...{ via, fields },
      uri: requestUri(target),
      recordRoutes: recordRoutes(flow),
    });
    return { request, branch, bytes: formatMessage(request), flow };
  }

  #launch(departure: OutgoingMessage): void {
    const isFirst = this.#attempt === undefined;
    const attempt = new BranchAttempt(this.#environment.transactions, departure, this);
    this.#attempt = attempt;
    const { request } = departure;
    if (isFirst && this.#order.isNew && request.method === 'INVITE')
      this.#environment.records.attempt('application', request);
    if (isFirst) this.#startTimers();
    this.#startTimerC();
    attempt.start();
    this.#watch(attempt);
  }

  /** Where the server says nothing the next is asked. */
  #watch(attempt: BranchAttempt): void {
    if (this.#isOver || this.#way?.isSole !== false || attempt !== this.#attempt) return;
    const { clock, settings } = this.#environment;
    this.#firstResponse = clock.setTimer(settings.firstResponseMs, () => {
      this.#firstResponse = undefined;
      if (this.#wantsCancel) return;
      this.#way?.failed(attempt.flow, 'silent');
      void this.#askNext(null);
    });
  }

  #unwatch(): void {
    if (this.#firstResponse !== undefined) this.#environment.clock.clearTimer(this.#firstResponse);
    this.#firstResponse = undefined;
  }

  #accept(attempt: BranchAttempt, response: SipResponse, flow: Flow): void {
    const isFirst = !this.#isOver;
    if (isFirst) {
      this.#way?.answered(attempt.flow);
      if (attempt !== this.#attempt) this.#attempt?.leave();
    }
    this.#over();
    this.#owner.accepted(response, flow, isFirst);
  }

  /** `fault`: the next server is asked; null: the server has said what it has to say. */
  #failed(attempt: BranchAttempt, refusal: Refusal, fault: TargetFault | null): void {
    const way = this.#way;
    if (fault === null) way?.answered(attempt.flow);
    else way?.failed(attempt.flow, fault);
    const mayGoOn = fault !== null && way?.isSole === false && !this.#hasRung && !this.#wantsCancel;
    if (!mayGoOn) this.#refuse(refusal);
    else if (this.#search !== undefined) this.#search.failure = refusal;
    else void this.#askNext(refusal);
  }

  #proceed(response: SipResponse): void {
    this.#isProceeding = true;
    if (response.status === 100) return;
    this.#hasRung = true;
    this.#startTimerC();
    if (!this.#wantsCancel) this.#owner.provisional(response);
  }

  #startTimers(): void {
    const { provisionalTimeoutMs, finalTimeoutMs } = this.#order;
    this.#after(provisionalTimeoutMs, () => {
      if (!this.#isProceeding) this.#giveUpWaiting();
    });
    this.#after(finalTimeoutMs, () => this.#giveUpWaiting());
  }

  /** RFC 3261 §16.8: an INVITE that rings is not passed on for ever. */
  #startTimerC(): void {
    if (this.#arrived.request.method !== 'INVITE') return;
    const { clock, settings } = this.#environment;
    if (this.#timerC !== undefined) clock.clearTimer(this.#timerC);
    this.#timerC = clock.setTimer(settings.inviteTimeoutMs, () => this.#giveUpWaiting());
  }

  /** The next destination is tried at once; this one may still be told, or accept all the same. */
  #giveUpWaiting(): void {
    this.cancel();
    this.#refuse(this.#local(408));
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

  #local(status: 408 | 487 | 503): Refusal {
    return { response: createLocalResponse(this.#arrived.request, status), flow: null };
  }

  #refuse({ response, flow }: Refusal): void {
    if (this.#isOver) return;
    this.#over();
    this.#owner.refused(response, flow);
  }

  #over(): void {
    this.#isOver = true;
    this.#unwatch();
    const { clock } = this.#environment;
    for (const timer of this.#timers) clock.clearTimer(timer);
    this.#timers.clear();
    if (this.#timerC !== undefined) clock.clearTimer(this.#timerC);
    this.#timerC = undefined;
  }
}
