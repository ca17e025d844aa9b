/** First answers to requests: whether a stranger gets one at all, and when an INVITE gets its 100. */
import type { AnswerKind } from '../defence/source-guard.js';
import { formatMessage } from '../message/format-message.js';
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from './environment.js';
import type { IncomingRequest } from './incoming-request.js';
import type { ResponseComposer } from './response-composer.js';

/** RFC 3261 §17.2.1: for so long a 100 may wait for another response. */
const tryingMs = 200;

export class FirstAnswers {
  readonly #environment: UserAgentEnvironment;
  readonly #composer: ResponseComposer;

  constructor(environment: UserAgentEnvironment, composer: ResponseComposer) {
    this.#environment = environment;
    this.#composer = composer;
  }

  /**
   * Whether the request may be answered; takes one of the answers that its source may get. False where that has had enough for now,
   * or is a scanner's and had no call lately.
   */
  mayAnswer(request: SipRequest, flow: Flow, isMalformed = false): boolean {
    if (this.#isScanner(request, flow)) {
      this.#environment.counters.scannersIgnored += 1;
      return false;
    }
    return this.#takeAnswer(flow, isMalformed ? 'malformed' : answerKind(request));
  }

  /** Answers an INVITE 100: over a connection at once, over UDP where no other answer is there in time. */
  announce(invite: IncomingRequest): void {
    // What shows something good is answered all the same.
    if (this.#isScanner(invite.request, invite.flow)) return;
    if (invite.flow.reliable) this.#sendTrying(invite);
    else
      invite.trying = this.#environment.clock.setTimer(tryingMs, () => {
        invite.trying = undefined;
        if (this.#mayTell(invite)) this.#sendTrying(invite);
      });
  }

  /** Sends the 100 now, where it was not sent: the request is passed on, and its answer may take long. */
  announceNow(invite: IncomingRequest): void {
    if (!invite.isAnnounced) this.#sendTrying(invite);
    this.stop(invite);
  }

  /** Sends a response, the first or not. False where none is possible any more. */
  send(incoming: IncomingRequest, status: number, bytes: Buffer): boolean {
    const { transaction, flow, isInitialInvite, isAnnounced } = incoming;
    this.stop(incoming);
    if (status === 403 && isInitialInvite && this.#isScanner(incoming.request, flow)) {
      this.#environment.counters.scannersIgnored += 1;
      transaction.abandon();
      return true;
    }
    incoming.isAnnounced = true;
    if (status < 300 || !isInitialInvite || isAnnounced || flow.reliable)
      return transaction.respond(status, bytes);
    if (this.#mayTell(incoming)) return transaction.refuseOnce(status, bytes);
    transaction.abandon();
    return true;
  }

  /** Sends no 100 any more. Idempotent. */
  stop(incoming: IncomingRequest): void {
    if (incoming.trying !== undefined) this.#environment.clock.clearTimer(incoming.trying);
    incoming.trying = undefined;
  }

  #sendTrying(invite: IncomingRequest): void {
    invite.isAnnounced = true;
    invite.transaction.respond(100, formatMessage(this.#composer.plain(invite.request, '', 100)));
  }

  #takeAnswer(flow: Flow, kind: AnswerKind): boolean {
    const { guard, counters } = this.#environment;
    if (guard?.mayAnswer(flow, kind) !== false) return true;
    counters.answersWithheld += 1;
    return false;
  }

  #isScanner(request: SipRequest, flow: Flow): boolean {
    const { guard, scanners } = this.#environment;
    return scanners?.isScanner(request, flow) === true && guard?.hadCall(flow.remoteAddress) !== true;
  }

  /** Nothing is withheld from who had a call lately. */
  #mayTell({ request, flow }: IncomingRequest): boolean {
    return (
      this.#environment.guard?.hadCall(flow.remoteAddress) === true ||
      this.#takeAnswer(flow, answerKind(request))
    );
  }
}

/** Whoever floods us with registrations takes no answers from the calls of the same address. */
function answerKind({ method }: SipRequest): AnswerKind {
  return method === 'REGISTER' ? 'register' : 'other';
}
