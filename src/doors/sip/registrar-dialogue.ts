/** What is said to a carrier's servers for one registration: one round of REGISTERs, up to what came of it. */
import { randomUUID } from 'node:crypto';
import type { DigestClient } from '../../digest/digest-client.js';
import {
  domainOf,
  orderTargets,
  type TrunkOutbound,
  type TrunkTarget,
} from '../../domain/trunks/outbound.js';
import type { TrunkFailureCode } from '../../domain/trunks/trunk-state.js';
import { grantedSeconds, secondsIn } from './registration-grant.js';
import { proxyUri, retryAfterMs, statusSaid, type SendToTrunk, type TrunkReply } from './trunk-requests.js';

/** What came of a round. `failed`: another time it may go well; `refused`: not before something is changed. */
export type RegistrarAnswer =
  | {
      readonly kind: 'granted';
      readonly seconds: number;
      readonly target: TrunkTarget;
      /** The address that said so. */
      readonly source: string;
      /** By which servers our requests are to go (Service-Route, RFC 3608), as a Route header field; null where it does not say. */
      readonly serviceRoute: string | null;
    }
  | {
      readonly kind: 'failed' | 'refused';
      readonly code: TrunkFailureCode;
      readonly sipStatus: number | null;
      /** What it asks for itself. */
      readonly retryAfterMs: number | null;
    };

/** What a registrar knows our requests by: of two with the same Call-ID the later counts (RFC 3261 §10.3). */
export class RegistrarIdentity {
  readonly callId = randomUUID();
  readonly fromTag = randomUUID().slice(0, 8);
  #cseq = 0;

  nextCseq(): number {
    this.#cseq += 1;
    return this.#cseq;
  }
}

export interface RegistrarDialogueOptions {
  readonly identity: RegistrarIdentity;
  readonly outbound: TrunkOutbound;
  readonly digest: DigestClient;
  readonly send: SendToTrunk;
  readonly random: () => number;
  /** It is known not to answer: it is asked last. */
  readonly isDown: (target: TrunkTarget) => boolean;
}

type Failure = Exclude<RegistrarAnswer, { kind: 'granted' }>;

/** A challenge, and one more for a registrar that forgets to say that the nonce was too old. */
const maxAnswers = 2;
/** A longer interval than this is none to be asked for. */
const longestSeconds = 86_400;
/** Statuses that say nothing of us: not now, or not here (RFC 3261 §21). Redirections are not followed: a registrar is where the trunk says. */
const passing = new Set([408, 429, 430, 480, 491]);
/** Failures of the server's own that will not pass: it does not do what it is asked. */
const lasting = new Set([501, 505]);

/** A route of two or three servers has a hundred. */
const longestRoute = 2048;

export class RegistrarDialogue {
  readonly #options: RegistrarDialogueOptions;
  /** The configured interval, or a longer one that the registrar insists on: never what it granted. */
  #seconds: number;
  /** The one that granted last: it is asked first. */
  #target: TrunkTarget | null = null;

  constructor(options: RegistrarDialogueOptions) {
    this.#options = options;
    this.#seconds = options.outbound.registration?.expiresSeconds ?? 0;
  }

  get callId(): string {
    return this.#options.identity.callId;
  }

  /** Asks the targets one after the other until one says yes, or that it does not want us. `isWanted`: asked before each request. */
  async register(isWanted: () => boolean): Promise<RegistrarAnswer> {
    const { outbound, random, isDown } = this.#options;
    const others = orderTargets(outbound.targets, random).filter((target) => target !== this.#target);
    let last: Failure = failure('failed', 'no-answer', null);
    const passed: Failure[] = [];
    const ordered = this.#target === null ? others : [this.#target, ...others];
    for (const target of [...ordered.filter((one) => !isDown(one)), ...ordered.filter(isDown)]) {
      if (!isWanted()) return allOf(passed, last);
      const answer = await this.#ask(target, isWanted);
      if (answer.kind === 'granted') {
        this.#target = target;
        return answer;
      }
      last = answer;
      if (answer.kind === 'refused') break;
      passed.push(answer);
    }
    return allOf(passed, last);
  }

  /** Gives the registration back where it is; one attempt. `isWanted`: asked before each request. */
  async unregister(isWanted: () => boolean): Promise<void> {
    if (this.#target !== null) await this.#ask(this.#target, isWanted, 0);
  }

  async #ask(target: TrunkTarget, isWanted: () => boolean, wantedSeconds?: number): Promise<RegistrarAnswer> {
    const { digest } = this.#options;
    let answers = 0;
    let isRaised = false;
    for (;;) {
      if (!isWanted()) return failure('failed', 'no-answer', null);
      const seconds = wantedSeconds ?? this.#seconds;
      const reply = await this.#send(target, seconds);
      if (reply === null) return failure('failed', 'no-answer', null);
      const { status } = reply;
      if (status >= 200 && status < 300) return this.#granted(reply, target, seconds);
      if (status === 401 || status === 407) {
        const verdict = digest.challenged((name) => reply.get(name));
        answers += 1;
        if (verdict === 'answerable' && answers <= maxAnswers) continue;
        digest.forget();
        const code = verdict === 'unanswerable' ? 'challenge-not-answered' : 'authentication-failed';
        return failure('refused', code, reply);
      }
      if (status !== 423 || wantedSeconds !== undefined) return refusedBy(reply);
      const least = secondsIn(reply.get('Min-Expires')) ?? 0;
      if (isRaised || least <= seconds || least > longestSeconds)
        return failure('refused', 'interval-refused', reply);
      isRaised = true;
      this.#seconds = least;
    }
  }

  #granted(reply: TrunkReply, target: TrunkTarget, asked: number): RegistrarAnswer {
    const fields = { contact: reply.get('Contact'), expires: reply.get('Expires') };
    const seconds = grantedSeconds(fields, this.#contactUser, asked);
    if (seconds === 0) return failure('failed', 'nothing-granted', reply);
    const serviceRoute = reply.get('Service-Route') ?? null;
    const isUsable = serviceRoute !== null && serviceRoute.length <= longestRoute;
    return {
      ...{ kind: 'granted', seconds, target, source: reply.source },
      serviceRoute: isUsable ? serviceRoute : null,
    };
  }

  /** Null where it could not be sent, or is answered by nobody. */
  async #send(target: TrunkTarget, seconds: number): Promise<TrunkReply | null> {
    const { outbound, digest, send, identity } = this.#options;
    const uri = `sip:${domainOf(outbound)}`;
    const address = `<sip:${outbound.registration?.user ?? ''}@${domainOf(outbound)}>`;
    try {
      return await send({
        ...{ method: 'REGISTER', uri, proxy: proxyUri(target) },
        headers: {
          From: `${address};tag=${identity.fromTag}`,
          To: address,
          'Call-ID': identity.callId,
          CSeq: `${identity.nextCseq()} REGISTER`,
          // Our SIP server writes where it is reached.
          Contact: `<sip:${this.#contactUser}@localhost>${seconds === 0 ? ';expires=0' : ''}`,
          Expires: String(seconds),
          ...digest.answers({ method: 'REGISTER', uri, body: new Uint8Array() }),
        },
      });
    } catch {
      return null;
    }
  }

  get #contactUser(): string {
    return this.#options.outbound.registration?.contactUser ?? '';
  }
}

/** What one server refuses, another that fails at the moment may grant: then it is the failure that counts, with the longest wait. */
function allOf(passed: readonly Failure[], last: Failure): Failure {
  const counts = passed.at(-1) ?? last;
  const waits = [...passed, last].map((one) => one.retryAfterMs ?? 0);
  const longestMs = Math.max(...waits);
  return { ...counts, retryAfterMs: longestMs === 0 ? null : longestMs };
}

function refusedBy(reply: TrunkReply): Failure {
  const { status } = reply;
  const isServers = status >= 500 && status < 600 && !lasting.has(status);
  const isPassing = passing.has(status) || isServers || (status >= 300 && status < 400);
  if (!isPassing) return failure('refused', 'refused', reply);
  const isAnswered = status !== 408 && statusSaid(reply) !== null;
  return failure('failed', isAnswered ? 'unavailable' : 'no-answer', reply);
}

function failure(kind: Failure['kind'], code: TrunkFailureCode, reply: TrunkReply | null): Failure {
  return {
    ...{ kind, code, sipStatus: reply === null ? null : statusSaid(reply) },
    retryAfterMs: reply === null ? null : retryAfterMs(reply),
  };
}
