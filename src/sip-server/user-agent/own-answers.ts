/** What the server answers of its own: to requests that no application hears of, and what an application did not say itself. */
import { randomBytes } from 'node:crypto';
import { formatMessage } from '../message/format-message.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from './environment.js';
import type { FirstAnswers } from './first-answers.js';
import { newTag, statelessTag } from './identifiers.js';
import type { ArrivedRequest } from './incoming-request.js';
import { isChallenge, type Refusal } from './request-checks.js';
import type { ResponseComposer } from './response-composer.js';

type AnswerableRequest = Pick<ArrivedRequest, 'request' | 'transaction'>;

export class OwnAnswers {
  readonly #environment: UserAgentEnvironment;
  readonly #composer: ResponseComposer;
  readonly #first: FirstAnswers;
  /** Behind the To tags of answers without a transaction. */
  readonly #secret = randomBytes(16).toString('hex');

  constructor(environment: UserAgentEnvironment, composer: ResponseComposer, first: FirstAnswers) {
    this.#environment = environment;
    this.#composer = composer;
    this.#first = first;
  }

  /** There is nobody to take the request, or no room for it. */
  get unavailable(): Refusal {
    return { status: 503, headers: [['Retry-After', String(this.#environment.settings.retryAfterSeconds)]] };
  }

  /** Nobody serves its method. */
  get wrongMethod(): Refusal {
    return { status: 405, headers: [['Allow', this.#composer.allow]] };
  }

  /** Answers a request without a transaction: it is malformed, or there is no room. */
  refuseStateless(request: SipRequest, flow: Flow, refusal: Refusal, isMalformed: boolean): void {
    if (request.method === 'ACK') return;
    this.#tellRefused(request, flow, refusal);
    if (!this.#first.mayAnswer(request, flow, isMalformed)) return;
    const bytes = formatMessage(this.#composer.refusal(request, newTag(), refusal));
    flow.send(bytes).catch(() => undefined);
  }

  refuse({ request, transaction }: AnswerableRequest, refusal: Refusal, toTag = newTag()): void {
    const response = this.#composer.refusal(request, toTag, refusal);
    transaction.toTag = toTag;
    transaction.respond(response.status, formatMessage(response));
  }

  answer({ request, transaction }: AnswerableRequest, toTag: string, status: number): void {
    transaction.respond(status, formatMessage(this.#composer.plain(request, toTag, status)));
  }

  /** OPTIONS that no application asked for. */
  answerOptions(arrived: ArrivedRequest, isDraining: boolean): void {
    if (isDraining) this.turnAway(arrived, this.unavailable);
    else this.#sendOnce(arrived, () => this.#composer.capabilities(arrived.request, this.tagFor(arrived)));
  }

  /**
   * Refuses what no application has heard of, and keeps nothing of it (RFC 3261 §8.2.7): a copy is a new request and gets the same
   * answer, an ACK is nobody's. So a flood from strangers leaves no transactions, and nothing is sent to them twice.
   */
  turnAway(arrived: ArrivedRequest, refusal: Refusal): void {
    if (refusal.status < 500 && !isChallenge(refusal)) this.#environment.guard?.refused(arrived.flow);
    this.#sendOnce(arrived, () => this.#composer.refusal(arrived.request, this.tagFor(arrived), refusal));
  }

  /** The same, and tells that a call was refused. */
  turnAwayNew(arrived: ArrivedRequest, refusal: Refusal): void {
    this.#tellRefused(arrived.request, arrived.flow, refusal);
    this.turnAway(arrived, refusal);
  }

  /** The To tag of a request outside of dialogs: the same for each copy of it. */
  tagFor({ identity }: ArrivedRequest): string {
    const { callId, fromTag, via } = identity;
    return statelessTag(this.#secret, [callId, fromTag, via.params.get('branch') ?? '']);
  }

  #tellRefused(request: SipRequest, flow: Flow, refusal: Refusal): void {
    if (request.method === 'INVITE') this.#environment.settings.onRefused?.(request, flow, refusal);
  }

  #sendOnce({ request, transaction, flow }: ArrivedRequest, compose: () => SipResponse): void {
    if (this.#first.mayAnswer(request, flow))
      transaction.flow.send(formatMessage(compose())).catch(() => undefined);
    transaction.abandon();
  }
}
