/** The hooks as a Fastify plugin: `/hooks/{platform}/{number-or-hook-id}`, which voice platforms call directly. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../domain/clock.js';
import type { RefusedCalls } from '../domain/facts/refused-call.js';
import type { Guesses } from '../domain/legs/guess-limiter.js';
import { LimitedLines, strangersLines } from '../domain/limited-lines.js';
import type { Logger } from '../domain/logger.js';
import type { CallDecision, CallRefusal, NumberCalls } from '../domain/numbers/number-calls.js';
import type { IncomingCall, PhoneNumber } from '../domain/numbers/phone-number.js';
import type { SipAddress } from '../domain/transfers/transfer.js';
import {
  maxPinDigits,
  type HookAnswer,
  type HookDialect,
  type HookPlace,
  type PlatformAnswers,
} from './dialect.js';
import { hookDialects } from './dialects.js';
import { readHookRequest, type HookRequest } from './hook-request.js';
import type { PlatformOrders } from './platform-orders.js';
import { ShownPasswords } from './shown-passwords.js';

export interface HooksOptions {
  readonly calls: NumberCalls;
  /** Where platforms send calls to. */
  readonly address: () => SipAddress;
  /** Our URL as platforms write it; null: what their requests say (behind a proxy: what it forwards). */
  readonly publicUrl: string | null;
  readonly orders: PlatformOrders;
  readonly clock: Clock;
  /** Wrong passwords, by address. */
  readonly guesses: Guesses;
  readonly logger: Logger;
  /** How each request was answered, for metrics. */
  readonly onAnswered?: (platform: string, answer: HookOutcome) => void;
  /** Told of calls that are refused. */
  readonly refusedCalls?: RefusedCalls;
  /** Resolves when what was done will survive the process. */
  readonly settled?: () => Promise<void>;
  /** Makes the error that the HTTP server answers in the form of all its errors. */
  readonly error: (code: HookErrorCode, message: string) => Error;
}

export type HookErrorCode =
  | 'hook-not-found'
  | 'method-not-allowed'
  | 'webhook-not-genuine'
  | 'too-many-failures'
  | 'unreadable-request';

export type HookOutcome =
  | 'transfer'
  | 'ask-pin'
  | 'refuse'
  | 'acknowledge'
  | 'forged'
  | 'stale'
  | 'blocked'
  | 'unreadable'
  | 'unknown';

interface Path {
  readonly platform: string;
  readonly name: string;
}

const refusals: Readonly<Record<CallRefusal, string>> = {
  'session-full': 'The conference is full. Please try again later.',
  'session-gone': 'The conference is over.',
  refused: 'Your call cannot be taken.',
  'application-failed': 'Your call cannot be connected at the moment. Please try again later.',
  'too-many-guesses': 'Too many wrong codes. Please try again later.',
  'call-over': 'The call is over.',
};

/** Longer than it takes to look a hook up and to compare what was shown. */
const refusalMs = 20;

const defaultPrompt = 'Please enter your code, then press pound.';
const wrongPin = 'This code is not right.';

export function createHooks(options: HooksOptions): FastifyPluginCallback {
  const passwords = new ShownPasswords(options.guesses);
  const { clock, logger } = options;
  const refusalLines = new LimitedLines({
    ...{ clock, ...strangersLines },
    tellMore: (counts) => logger.warn(counts, 'more hooks were refused'),
  });
  return (server, _, done) => {
    // Signatures are over the bytes as they came.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    for (const [suffix, place] of [
      ['', 'call'],
      ['/pin', 'pin'],
      ['/complete', 'complete'],
    ] as const) {
      server.route<{ Params: Path; Body: Buffer | undefined }>({
        method: ['GET', 'POST'],
        exposeHeadRoute: false,
        url: `/hooks/:platform/:name${suffix}`,
        handler: (request, reply) =>
          new HookExchange({ ...options, passwords, refusalLines }, request, reply, place).run(),
      });
    }
    server.addHook('onClose', (_instance, closed) => {
      refusalLines.close();
      closed();
    });
    done();
  };
}

type Request = FastifyRequest<{ Params: Path; Body: Buffer | undefined }>;

/** The hook that was called, and how its platform is answered. */
interface Hook {
  readonly number: PhoneNumber;
  readonly dialect: HookDialect;
  readonly answers: PlatformAnswers;
}

interface ExchangeOptions extends HooksOptions {
  readonly passwords: ShownPasswords;
  /** In the log: anybody may cause them. */
  readonly refusalLines: LimitedLines;
}

/** One request and its answer. */
class HookExchange {
  readonly #options: ExchangeOptions;
  readonly #request: Request;
  readonly #reply: FastifyReply;
  readonly #place: HookPlace;

  constructor(options: ExchangeOptions, request: Request, reply: FastifyReply, place: HookPlace) {
    this.#options = options;
    this.#request = request;
    this.#reply = reply;
    this.#place = place;
  }

  async run(): Promise<FastifyReply> {
    const { calls, settled } = this.#options;
    const { platform } = this.#request.params;
    this.#reply.header('cache-control', 'no-store');
    const dialect = hookDialects.get(platform);
    // A number whose application is a hook of ours would ask in circles.
    if (dialect === undefined || 'landbridge-signature' in this.#request.headers)
      throw this.#failure('hook-not-found', 'unknown');
    if (!dialect.methods.some((method) => method === this.#request.method)) {
      this.#reply.header('allow', dialect.methods.join(', '));
      throw this.#failure('method-not-allowed', 'unreadable');
    }
    const request = readHookRequest({
      method: this.#request.method,
      url: `${this.#origin()}${this.#request.raw.url ?? ''}`,
      rawBody: Buffer.isBuffer(this.#request.body) ? this.#request.body : Buffer.alloc(0),
      headers: headersOf(this.#request),
    });
    const number = await this.#prove(dialect, request);
    const message = request.isReadable ? dialect.read(request, this.#place) : { kind: 'unreadable' as const };
    const answers = dialect.answers(request, number.credentials);
    const hook = { number, dialect, answers };
    switch (message.kind) {
      case 'unreadable':
        throw this.#failure('unreadable-request', 'unreadable');
      case 'other':
        return this.#answer(number, 'acknowledge', answers.acknowledge());
      case 'ended':
        await calls.reportCompleted(number, message.voiceCallId, message.cause);
        return this.#answer(
          number,
          'acknowledge',
          this.#place === 'complete' ? answers.finish() : answers.acknowledge(),
        );
      case 'ready':
        // A question can be asked only now that the call is answered.
        return number.route.kind === 'pin'
          ? this.#decided(hook, message.call, await calls.decide(number, message.call))
          : this.#answer(number, 'acknowledge', answers.acknowledge());
      case 'call': {
        const decision = await calls.decide(number, message.call);
        await settled?.();
        return this.#decided(hook, message.call, decision);
      }
      case 'digits': {
        const digits = message.digits.slice(0, maxPinDigits + 1);
        const decision = await calls.decidePin(number, message.call, digits);
        await settled?.();
        return this.#decided(hook, message.call, decision);
      }
    }
  }

  /**
   * The number whose hook it is, where the request is its platform's. A hook that is not there is answered as one whose secret is
   * not known, and at the same moment: which hooks there are, and what was nearly right, is nobody's business.
   */
  async #prove(dialect: HookDialect, request: HookRequest): Promise<PhoneNumber> {
    const { calls, clock, passwords } = this.#options;
    let isTime = (): void => undefined;
    const time = new Promise<void>((resolve) => (isTime = resolve));
    const timer = clock.after(refusalMs, isTime);
    const { platform, name } = this.#request.params;
    const attempt = async () => {
      const number = await calls.findHook(platform, name);
      const verdict = dialect.verify(request, number?.credentials ?? {}, clock.now());
      return { number, verdict, isRight: number !== null && verdict === 'genuine' };
    };
    const password = dialect.shownPassword?.(request) ?? null;
    const shown = { address: this.#request.ip, hook: name, password: password ?? '' };
    const { number, verdict, isRight } =
      password === null ? await attempt() : await passwords.check(shown, attempt, () => this.#blocked());
    if (number !== null && isRight) {
      timer.cancel();
      return number;
    }
    await time;
    if (number === null) throw this.#failure('webhook-not-genuine', 'unknown');
    throw this.#failure('webhook-not-genuine', verdict === 'stale' ? 'stale' : 'forged');
  }

  #blocked(): Error {
    this.#reply.header('retry-after', '60');
    return this.#failure('too-many-failures', 'blocked');
  }

  #decided({ number, dialect, answers }: Hook, call: IncomingCall, decision: CallDecision): FastifyReply {
    const base = `${this.#origin()}/hooks/${dialect.platform}/${number.id}`;
    switch (decision.kind) {
      case 'transfer': {
        const { token, joinCode } = decision;
        const target = {
          ...this.#options.address(),
          token,
          joinCode,
          voiceCallId: call.voiceCallId,
          callerId: call.from,
          completeUrl: `${base}/complete`,
        };
        return this.#answer(number, 'transfer', answers.transfer(target));
      }
      case 'ask-pin': {
        const prompt = decision.prompt ?? defaultPrompt;
        const text = decision.isRetry ? `${wrongPin} ${prompt}` : prompt;
        return this.#answer(number, 'ask-pin', answers.askPin({ text, url: `${base}/pin` }));
      }
      case 'refuse':
        this.#tellRefused(number, call, decision.reason);
        return this.#answer(number, 'refuse', answers.refuse(refusals[decision.reason]));
    }
  }

  #tellRefused(number: PhoneNumber, { voiceCallId, from, to }: IncomingCall, code: CallRefusal): void {
    const { params, ip: source } = this.#request;
    const { accountId } = number;
    this.#options.refusedCalls?.refused({
      ...{ door: params.platform, code, source, participantId: null, accountId, legId: null },
      details: () => ({
        ...{ callId: voiceCallId, voiceCallId, caller: from === null ? null : { number: from, name: null } },
        ...{ dialled: number.number ?? to, sipStatus: null, detail: null },
      }),
    });
  }

  #answer(number: PhoneNumber, outcome: HookOutcome, answer: HookAnswer): FastifyReply {
    const { orders, logger, onAnswered } = this.#options;
    const { platform } = this.#request.params;
    if (answer.commands !== undefined) {
      orders.send(platform, number.credentials['apiKey'] ?? '', answer.commands);
    }
    onAnswered?.(platform, outcome);
    logger.info({ platform, numberId: number.id, outcome }, 'hook answered');
    const status = answer.status ?? 200;
    if (status === 204) return this.#reply.code(204).send();
    return this.#reply.code(status).type(`${answer.contentType}; charset=utf-8`).send(answer.body);
  }

  #failure(code: HookErrorCode, outcome: HookOutcome): Error {
    const { onAnswered, logger, error, refusalLines } = this.#options;
    const { platform } = this.#request.params;
    const known = hookDialects.has(platform) ? platform : 'unknown';
    onAnswered?.(known, outcome);
    const fields = { platform: known, code, outcome, source: this.#request.ip };
    refusalLines.write(() => logger.info(fields, 'hook refused'), { requests: 1 });
    return error(code, failures[code]);
  }

  #origin(): string {
    const { publicUrl } = this.#options;
    return publicUrl?.replace(/\/$/, '') ?? `${this.#request.protocol}://${this.#request.host}`;
  }
}

const failures: Readonly<Record<HookErrorCode, string>> = {
  'unreadable-request': 'The request cannot be read',
  'webhook-not-genuine': 'Forbidden',
  'too-many-failures': 'Too Many Requests',
  'hook-not-found': 'There is no such hook',
  'method-not-allowed': 'The platform does not call this way',
};

function headersOf({ headers }: FastifyRequest): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
