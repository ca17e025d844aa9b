/**
 * Provisional responses that must arrive (100rel): one at a time. The next one waits for the PRACK of the one before, and a 2xx for
 * those that bear a session description; a refusal waits for none (RFC 3262 §3).
 */
import { optionTags } from '../dialog/session-expires.js';
import type { SipResponse } from '../message/message.js';
import { notSent, refusals } from './application.js';
import type { UserAgentEnvironment } from './environment.js';
import type { IncomingRequest } from './incoming-request.js';
import { ReliableProvisional } from './reliable-provisional.js';
import type { WaitingResponse } from './waiting-response.js';

/** An application that drafts one after the other without end does not fill our memory. */
const maxWaiting = 16;

export class ReliableResponses {
  readonly #environment: UserAgentEnvironment;
  readonly #giveUp: (incoming: IncomingRequest) => void;

  /** `giveUp`: no PRACK came in time. */
  constructor(environment: UserAgentEnvironment, giveUp: (incoming: IncomingRequest) => void) {
    this.#environment = environment;
    this.#giveUp = giveUp;
  }

  /** Takes the response where it has to wait: `told` is called when it was sent, or never will be. */
  holds(incoming: IncomingRequest, draft: SipResponse, told: WaitingResponse['told']): boolean {
    if (!mustWait(incoming, draft)) return false;
    const hasAnswer = incoming.waiting.some((one) => one.draft.status >= 200);
    if (hasAnswer) told(notSent(refusals.unknownTransaction));
    else if (incoming.waiting.length >= maxWaiting) told(notSent('too many responses wait for a PRACK'));
    else incoming.waiting.push({ draft, told });
    return true;
  }

  /** A response with RSeq has gone out. */
  sent(incoming: IncomingRequest, { status, body }: SipResponse, bytes: Buffer): void {
    const { clock, timers } = this.#environment;
    const { nextRSeq: rseq, transaction } = incoming;
    incoming.reliable = new ReliableProvisional({
      ...{ rseq, status, bytes, transaction, clock, t1Ms: timers.t1Ms, hasDescription: body.length > 0 },
      giveUp: () => this.#giveUp(incoming),
    });
  }

  /** The PRACK is here: what waited for it goes out by `send`. */
  acknowledged(incoming: IncomingRequest, send: (waiting: WaitingResponse) => void): void {
    for (let [next] = incoming.waiting; next !== undefined; [next] = incoming.waiting) {
      const { draft } = next;
      incoming.waiting.shift();
      if (mustWait(incoming, draft)) {
        incoming.waiting.unshift(next);
        return;
      }
      send(next);
    }
  }

  /** The request has its final response, or needs none: nothing that waits is sent. Its PRACK may still come. */
  over(incoming: IncomingRequest): void {
    const { reliable } = incoming;
    if (reliable !== undefined) incoming.dialog?.expectPrack(reliable.rseq, incoming.identity.cseq.number);
    reliable?.stop();
    incoming.reliable = undefined;
    for (const { told } of incoming.waiting.splice(0)) told(notSent(refusals.unknownTransaction));
  }
}

function mustWait(
  { reliable, request, waiting }: IncomingRequest,
  { status, headers }: SipResponse,
): boolean {
  if (reliable === undefined) return false;
  if (status < 200) return status > 100 && isReliable(request.headers, headers);
  return status < 300 && (reliable.hasDescription || waiting.some(({ draft }) => draft.body.length > 0));
}

type Headers = SipResponse['headers'];

/** `Require: 100rel` in a provisional response sends it reliably, where the caller can take that; where it demands it, all are. */
export function isReliable(invite: Headers, response: Headers): boolean {
  if (optionTags(invite, 'Require').includes('100rel')) return true;
  const isPossible = optionTags(invite, 'Supported').includes('100rel');
  return isPossible && optionTags(response, 'Require').includes('100rel');
}
