/** One server of a trunk: asked again and again whether it is there (ping-machine.ts draws what is known of it). */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../domain/clock.js';
import { uriHost } from '../../domain/host-port.js';
import {
  domainOf,
  type TrunkOutbound,
  type TrunkPing,
  type TrunkTarget,
} from '../../domain/trunks/outbound.js';
import type { TargetState, TargetStatus } from '../../domain/trunks/trunk-state.js';
import { pingTransitions, type PingInput } from './ping-machine.js';
import type { PingTurn, PingTurns } from './ping-turns.js';
import { proxyUri, statusSaid, targetUri, type SendToTrunk } from './trunk-requests.js';

export interface TargetPingOptions {
  readonly outbound: TrunkOutbound;
  readonly target: TrunkTarget;
  readonly ping: TrunkPing;
  readonly send: SendToTrunk;
  readonly turns: PingTurns;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** The route that it is to take (RFC 3608), as a Route header field. Default: none is known. */
  readonly routeTo?: (target: TrunkTarget) => string | null;
  /** An answer that comes later is none. */
  readonly answerMs: number;
  readonly onChange: (status: TargetStatus, sipStatus: number | null) => void;
}

/** Nobody waits longer for the first one, however rarely it is asked. */
const firstWithinMs = 10_000;

export class TargetPing {
  readonly #options: TargetPingOptions;
  #status: TargetStatus = 'unknown';
  #since: number | null = null;
  #lastStatus: number | null = null;
  /** Answers in a row; below zero: pings in a row without one. */
  #inRow = 0;
  /** The next ping, or the end of the wait for the answer to this one. */
  #timer: Timer | null = null;
  #turn: PingTurn | null = null;
  /** Our SIP server still repeats the last one, and waits for its answer. */
  #isRepeated = false;
  #isOver = false;

  constructor(options: TargetPingOptions) {
    this.#options = options;
  }

  get state(): TargetState {
    const { target } = this.#options;
    return {
      ...{ target: targetUri(target), status: this.#status, since: this.#since },
      lastStatus: this.#lastStatus,
    };
  }

  /** Begins at a moment that is another for each, so that many do not ask at once. */
  begin(delayMs: number): void {
    const { random } = this.#options;
    this.#later(delayMs + random() * Math.min(firstWithinMs, this.#everyMs));
  }

  /** Asks no more. What is on its way comes to nothing. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#turn?.end();
    this.#turn = null;
  }

  get #everyMs(): number {
    return this.#options.ping.seconds * 1000;
  }

  #later(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => this.#due());
  }

  #due(): void {
    this.#timer = null;
    if (!this.#isRepeated) {
      this.#turn = this.#options.turns.take(() => this.#ask());
      return;
    }
    // One at a time. It has been asked all the while, and has said nothing.
    this.#later(this.#untilNextMs());
    this.#count(null);
  }

  /** A little more or less each time: who began together does not stay so. */
  #untilNextMs(): number {
    return this.#everyMs * (0.9 + 0.2 * this.#options.random());
  }

  #ask(): void {
    const { clock, send, answerMs } = this.#options;
    const nextAt = clock.now() + this.#untilNextMs();
    let isWaiting = true;
    const heard = (sipStatus: number | null): void => {
      if (!isWaiting || this.#isOver) return;
      isWaiting = false;
      this.#timer?.cancel();
      this.#turn?.end();
      this.#turn = null;
      this.#later(Math.max(0, nextAt - clock.now()));
      this.#count(sipStatus);
    };
    this.#isRepeated = true;
    this.#timer = clock.after(Math.min(answerMs, this.#everyMs), () => heard(null));
    void send(this.#request())
      .then(statusSaid, () => null)
      .then((sipStatus) => {
        this.#isRepeated = false;
        heard(sipStatus);
      });
  }

  #request(): Parameters<SendToTrunk>[0] {
    const { outbound, target, routeTo } = this.#options;
    const route = routeTo?.(target) ?? null;
    const user = outbound.registration?.user;
    return {
      ...{ method: 'OPTIONS', uri: targetUri(target), proxy: proxyUri(target) },
      headers: {
        From: `<sip:${user === undefined ? '' : `${user}@`}${domainOf(outbound)}>;tag=${randomUUID().slice(0, 8)}`,
        To: `<sip:${uriHost(target.host)}>`,
        'Call-ID': randomUUID(),
        CSeq: '1 OPTIONS',
        Accept: 'application/sdp',
        ...(route !== null && { Route: route }),
      },
    };
  }

  #count(sipStatus: number | null): void {
    const { ping } = this.#options;
    this.#lastStatus = sipStatus;
    this.#inRow = isAnswer(sipStatus) ? Math.max(0, this.#inRow) + 1 : Math.min(0, this.#inRow) - 1;
    if (this.#inRow >= ping.successes) this.#enter('alive');
    else if (-this.#inRow >= ping.failures) this.#enter('dead');
  }

  /** Follows the table. */
  #enter(input: PingInput): void {
    const { clock, onChange } = this.#options;
    const next = pingTransitions[this.#status][input];
    if (next === undefined) return;
    this.#status = next;
    this.#since = clock.now();
    onChange(next, this.#lastStatus);
  }
}

/** Whoever refuses is there. 408 and 503 say that somebody behind it is not: it is of no use. */
function isAnswer(sipStatus: number | null): boolean {
  return sipStatus !== null && sipStatus !== 408 && sipStatus !== 503;
}
