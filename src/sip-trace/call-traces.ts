/**
 * Keeps the last messages of the calls that somebody asked for beforehand, in memory and within limits.
 *
 * A call is known by its Call-ID and the tag of whoever began it: the Call-ID alone is the caller's to choose, and may be another's.
 * It is shown to the account that it is known to be of, and to the operator's. As long as nobody knows whose it is it is shown to
 * the operator alone, and forgotten soon.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../domain/clock.js';
import type { CallTraces, Trace, TracedCall, TraceMatch } from '../domain/call-trace.js';
import { DomainError } from '../domain/domain-error.js';
import { NetworkList } from '../domain/network-list.js';
import { ownText } from '../domain/own-text.js';
import { formatLadder } from './ladder.js';
import { formatCapture } from './pcap.js';
import type { Redact } from './redact-message.js';
import {
  digitsOf,
  headOf,
  identityOf,
  numbersIn,
  type MessageIdentity,
  type SeenMessage,
  type TracedMessage,
} from './traced-message.js';

export interface TraceLimits {
  /** Traces that an account may have. */
  readonly maxTraces: number;
  /** Calls kept of each account; the oldest goes first. */
  readonly maxCalls: number;
  /** Messages kept of each call; the oldest goes first. */
  readonly maxMessagesPerCall: number;
  /** Kept of each account. */
  readonly maxBytes: number;
  /** After a trace has ended. */
  readonly keepMs: number;
}

export interface CallTracerOptions {
  readonly limits: TraceLimits;
  readonly redact: Redact;
  readonly seesPhones: boolean;
  /** The account that sees all traced calls; null: none does. */
  readonly operatorAccount: string | null;
  readonly clock: Clock;
  /** Microseconds since the epoch. */
  readonly nowUs: () => number;
  /** Told when messages are wanted, and when none is wanted any more. */
  readonly onWanted: (isWanted: boolean) => void;
}

interface Rule {
  readonly accountId: string;
  readonly name: string;
  readonly match: TraceMatch;
  readonly fits: (first: FirstLook) => boolean;
  readonly until: number;
}

/** What is looked at of a message that belongs to no traced call yet. */
interface FirstLook {
  readonly callId: string;
  readonly source: string;
  readonly numbers: () => readonly string[];
}

interface Call {
  readonly callId: string;
  /** Those of whoever began it; both where it was seen in its middle. */
  readonly tags: readonly string[];
  readonly firstAt: number;
  readonly rules: Set<Rule>;
  readonly messages: TracedMessage[];
  owner: string | null;
  lastAt: number;
  bytes: number;
  messagesDropped: number;
}

const sweepMs = 10_000;
/** So many calls of others are known not to be kept again, for each that may be kept. */
const foreignPerCall = 10;
/** Calls that turn out to be somebody's do so with their first request's answer. */
const unownedMs = 120_000;
const minuteMs = 60_000;

export class CallTracer implements CallTraces {
  readonly seesPhones: boolean;
  readonly #options: CallTracerOptions;
  readonly #rules = new Set<Rule>();
  readonly #calls = new Map<string, Call[]>();
  /** Calls that turned out to be of nobody who asked: what follows in them is not kept again, nor shown to whoever borrows their name. */
  readonly #foreign = new Set<string>();
  #sweep: Timer | null = null;
  #isWanted = false;

  constructor(options: CallTracerOptions) {
    this.#options = options;
    this.seesPhones = options.seesPhones;
  }

  /** Figures for metrics. */
  get size(): { readonly traces: number; readonly calls: number } {
    return { traces: this.#rules.size, calls: this.#all().length };
  }

  put(accountId: string, name: string, match: TraceMatch, minutes: number): Promise<Trace> {
    const before = this.#find(accountId, name);
    const { limits, clock } = this.#options;
    const others = [...this.#rules].filter((rule) => rule.accountId === accountId && rule !== before).length;
    if (others >= limits.maxTraces)
      return Promise.reject(new DomainError('too-many-traces', 'The account has as many traces as it may'));
    if (before !== null) this.#forget(before);
    const rule: Rule = {
      ...{ accountId, name, match, fits: fitsFor(match) },
      until: clock.now() + minutes * minuteMs,
    };
    this.#rules.add(rule);
    this.#settle();
    return Promise.resolve(this.#describe(rule));
  }

  list(accountId: string): Promise<readonly Trace[]> {
    const own = [...this.#rules].filter((rule) => rule.accountId === accountId);
    return Promise.resolve(own.map((rule) => this.#describe(rule)));
  }

  async remove(accountId: string, name: string): Promise<void> {
    this.#forget(await this.#get(accountId, name));
    this.#settle();
  }

  async calls(accountId: string, name: string): Promise<readonly TracedCall[]> {
    const rule = await this.#get(accountId, name);
    return this.#shownTo(rule, null).map(({ callId, firstAt, lastAt, messages, messagesDropped }) => ({
      ...{ callId, firstAt, lastAt, messages: messages.length, messagesDropped },
    }));
  }

  async ladder(accountId: string, name: string, callId: string | null): Promise<string> {
    return formatLadder(this.#shownTo(await this.#get(accountId, name), callId));
  }

  async capture(accountId: string, name: string, callId: string | null): Promise<Uint8Array> {
    const calls = this.#shownTo(await this.#get(accountId, name), callId);
    return formatCapture(calls.flatMap(({ messages }) => messages).sort((a, b) => a.atUs - b.atUs));
  }

  /** A message passed. Never throws. */
  seen(message: SeenMessage): void {
    const head = headOf(message.bytes.toString('latin1'));
    const identity = identityOf(head);
    if (identity === null) return;
    const now = this.#options.clock.now();
    const call = this.#callOf(identity) ?? this.#begin(identity, message, head, now);
    if (call === null || ![...call.rules].some(({ until }) => until > now)) return;
    const { limits, redact, nowUs } = this.#options;
    const bytes = redact(message.bytes);
    call.messages.push({ ...message, bytes, atUs: nowUs() });
    call.lastAt = now;
    call.bytes += bytes.length;
    if (call.messages.length > limits.maxMessagesPerCall) {
      call.bytes -= call.messages.shift()?.bytes.length ?? 0;
      call.messagesDropped += 1;
    }
    this.#makeRoom(holderOf(call), call);
  }

  /** It is known whose a call is. */
  ownerIs(callId: string, accountId: string): void {
    const calls = this.#calls.get(callId) ?? [];
    const [call, ...others] = calls.filter(({ owner }) => owner === null);
    // Two of one Call-ID, and nobody can say which: then neither is shown.
    if (call === undefined || others.length > 0) return;
    call.owner = accountId;
    for (const rule of call.rules) if (!this.#maySee(rule, call)) call.rules.delete(rule);
    if (call.rules.size > 0) return;
    this.#drop(call);
    this.#rememberForeign(call);
  }

  close(): void {
    this.#sweep?.cancel();
    this.#rules.clear();
    this.#calls.clear();
    this.#foreign.clear();
    this.#settle();
  }

  #callOf({ callId, fromTag, toTag }: MessageIdentity): Call | null {
    const calls = this.#calls.get(callId);
    return (
      calls?.find(({ tags }) => tags.includes(fromTag) || (toTag !== '' && tags.includes(toTag))) ?? null
    );
  }

  #begin(identity: MessageIdentity, message: SeenMessage, head: string, now: number): Call | null {
    const { callId, fromTag, toTag } = identity;
    const isForeign = (tag: string) => tag !== '' && this.#foreign.has(nameOf(callId, tag));
    if (this.#foreign.size > 0 && [fromTag, toTag].some(isForeign)) return null;
    let numbers: readonly string[] | null = null;
    const look: FirstLook = {
      ...{ callId, source: message.remote.address },
      numbers: () => (numbers ??= numbersIn(head)),
    };
    const rules = [...this.#rules].filter(({ until, fits }) => until > now && fits(look));
    if (rules.length === 0) return null;
    const call: Call = {
      callId: ownText(callId),
      tags: (toTag === '' ? [fromTag] : [fromTag, toTag]).map(ownText),
      ...{ firstAt: now, lastAt: now, rules: new Set(rules), messages: [], owner: null },
      ...{ bytes: 0, messagesDropped: 0 },
    };
    const same = this.#calls.get(callId);
    if (same === undefined) this.#calls.set(call.callId, [call]);
    else same.push(call);
    this.#makeRoom(holderOf(call), call);
    return call;
  }

  #rememberForeign({ callId, tags }: Call): void {
    for (const tag of tags) this.#foreign.add(nameOf(callId, tag));
    const most = this.#options.limits.maxCalls * foreignPerCall;
    for (const oldest of this.#foreign) {
      if (this.#foreign.size <= most) return;
      this.#foreign.delete(oldest);
    }
  }

  /**
   * Lets an account's calls go until what is left is within its limits: first those that are not known to be its own, of which anybody
   * may send a flood, and of each kind the oldest first. `newest` stays.
   */
  #makeRoom(accountId: string, newest: Call): void {
    const { maxCalls, maxBytes } = this.#options.limits;
    const held = this.#all().filter((call) => holderOf(call) === accountId);
    let bytes = held.reduce((sum, call) => sum + call.bytes, 0);
    let count = held.length;
    const fits = (): boolean => count <= maxCalls && bytes <= maxBytes;
    // For every message that is kept: nothing is sorted where nothing has to go.
    if (fits()) return;
    const isOwn = ({ owner }: Call): number => Number(owner !== null);
    for (const call of held.toSorted((a, b) => isOwn(a) - isOwn(b))) {
      if (fits()) return;
      if (call === newest) continue;
      bytes -= call.bytes;
      count -= 1;
      this.#drop(call);
    }
    while (newest.bytes > maxBytes && newest.messages.length > 1) {
      newest.bytes -= newest.messages.shift()?.bytes.length ?? 0;
      newest.messagesDropped += 1;
    }
  }

  #all(): Call[] {
    return [...this.#calls.values()].flat();
  }

  #drop(call: Call): void {
    const left = (this.#calls.get(call.callId) ?? []).filter((other) => other !== call);
    if (left.length === 0) this.#calls.delete(call.callId);
    else this.#calls.set(call.callId, left);
  }

  #forget(rule: Rule): void {
    this.#rules.delete(rule);
    for (const call of this.#all()) {
      call.rules.delete(rule);
      if (call.rules.size === 0) this.#drop(call);
    }
  }

  #maySee({ accountId }: Rule, { owner }: Call): boolean {
    return owner === accountId || accountId === this.#options.operatorAccount;
  }

  #shownTo(rule: Rule, callId: string | null): Call[] {
    return this.#all().filter(
      (call) =>
        call.rules.has(rule) && this.#maySee(rule, call) && (callId === null || call.callId === callId),
    );
  }

  #find(accountId: string, name: string): Rule | null {
    return [...this.#rules].find((rule) => rule.accountId === accountId && rule.name === name) ?? null;
  }

  #get(accountId: string, name: string): Promise<Rule> {
    const rule = this.#find(accountId, name);
    return rule === null
      ? Promise.reject(new DomainError('trace-not-found', 'The account has no such trace'))
      : Promise.resolve(rule);
  }

  #describe(rule: Rule): Trace {
    const { name, match, until } = rule;
    return { name, match, until, calls: this.#shownTo(rule, null).length };
  }

  /** Forgets traces that ended long ago, and calls that turned out to be nobody's. */
  #swept(): void {
    const { clock, limits } = this.#options;
    const now = clock.now();
    for (const rule of [...this.#rules]) if (rule.until + limits.keepMs <= now) this.#forget(rule);
    for (const call of this.#all()) {
      const isOperators = [...call.rules].some((rule) => this.#maySee(rule, call));
      if (!isOperators && now - call.firstAt >= unownedMs) this.#drop(call);
    }
    this.#sweep = null;
    this.#settle();
  }

  #settle(): void {
    const { clock, onWanted } = this.#options;
    const now = clock.now();
    const isWanted = [...this.#rules].some(({ until }) => until > now);
    if (isWanted !== this.#isWanted) onWanted(isWanted);
    this.#isWanted = isWanted;
    if (this.#rules.size > 0) this.#sweep ??= clock.after(sweepMs, () => this.#swept());
  }
}

/** A name of one length, however long what a stranger chose is. */
function nameOf(callId: string, tag: string): string {
  return createHash('sha256').update(`${callId}\n${tag}`).digest('base64');
}

/** Whose limits a call counts for. */
function holderOf({ owner, rules }: Call): string {
  const [first] = rules;
  return owner ?? first?.accountId ?? '';
}

function fitsFor(match: TraceMatch): Rule['fits'] {
  switch (match.kind) {
    case 'call-id':
      return ({ callId }) => callId === match.callId;
    case 'source': {
      const networks = new NetworkList([match.source]);
      return ({ source }) => networks.has(source);
    }
    case 'number': {
      const digits = digitsOf(match.number);
      return ({ numbers }) => digits !== null && numbers().includes(digits);
    }
  }
}
