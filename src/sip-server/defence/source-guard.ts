/**
 * Limits the answers to sources that have shown no valid credential: a flood from forged addresses gets nothing from us but
 * those. An address is proven where a connection came from it, or the ACK of a call: nobody else can have sent that. Proven
 * addresses are counted apart, so that no forged datagram uses up their answers or pushes them out. A proven source that goes
 * on without a credential over TCP or TLS is not read for a while. Calls are never charged: a valid credential ends the limits.
 */
import type { Clock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';
import { remember } from './remember.js';

export interface SourceGuardOptions {
  readonly clock: Clock;
  /** Who an address counts as, such as the network of an IPv6 address. */
  readonly sourceOf: (address: string) => string;
  /**
   * Refusals, and answers to OPTIONS, that one source gets over UDP, and as many over connections; so many at once in the beginning
   * and after a rest. Ten times as many for a source that had a call lately.
   */
  readonly answersPerSecond: number;
  /** Refusals within a minute over TCP and TLS after which their source is not heard; 0: nobody is ever banned. */
  readonly banAfterRefusals: number;
  readonly banMs: number;
  /** Sources that are remembered, proven ones and others; the one that was quiet for longest is forgotten first. */
  readonly maxSources: number;
  /** Whether a call with that source is in progress: then it is not banned. */
  readonly hasCalls: (source: string) => boolean;
  /** Whether that address has limits of its own: nothing is withheld from it, and it is never banned. */
  readonly isKnownPeer: (address: string) => boolean;
  /** Told of every ban. */
  readonly onBanned: (ban: SourceBan) => void;
}

export interface SourceBan {
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

/** Answers that a source may still get, at `atMs`. */
interface Answers {
  left: number;
  atMs: number;
}

/**
 * Answers to registrations are counted apart from all others, and so are those to what cannot be read: a tenth of the others, for nobody
 * whose calls are wanted sends much of it.
 */
export type AnswerKind = 'register' | 'malformed' | 'other';

interface ProvenSource {
  readonly answers: Map<AnswerKind, Answers>;
  /** Refusals since `sinceMs`. */
  refusals: number;
  sinceMs: number;
  /** Had a call of its own answered: a phone system among whose calls some are bad is no attacker. */
  goodUntilMs: number;
}

const windowMs = 60_000;
/** So long a source that has had a call is not banned. */
const goodMs = 3_600_000;
const shareOfGood = 10;
const shareOfMalformed = 0.1;

export class SourceGuard {
  readonly #options: SourceGuardOptions;
  /** By sources over UDP, whose addresses may be forged. In all maps the one that was heard of last is the last. */
  readonly #unproven = new Map<string, Answers>();
  readonly #proven = new Map<string, ProvenSource>();
  readonly #bans = new Map<string, number>();

  constructor(options: SourceGuardOptions) {
    this.#options = options;
  }

  /** Whether nothing that comes from there is to be read. Asked for every message. */
  isBanned(address: string): boolean {
    if (this.#bans.size === 0 || this.#options.isKnownPeer(address)) return false;
    const source = this.#options.sourceOf(address);
    const untilMs = this.#bans.get(source);
    if (untilMs === undefined) return false;
    if (untilMs > this.#options.clock.nowMs()) return true;
    this.#bans.delete(source);
    return false;
  }

  /** Takes one of the source's answers of that kind; false: it has had enough for now. */
  mayAnswer({ remoteAddress, reliable }: Flow, kind: AnswerKind = 'other'): boolean {
    if (this.#options.isKnownPeer(remoteAddress)) return true;
    const source = this.#options.sourceOf(remoteAddress);
    const rate = this.#rateOf(kind) * (this.hadCall(remoteAddress) ? shareOfGood : 1);
    const answers = reliable ? this.#provenAnswers(source, kind) : this.#unprovenAnswers(source, kind);
    const nowMs = this.#options.clock.nowMs();
    answers.left = Math.min(rate, answers.left + ((nowMs - answers.atMs) / 1000) * rate);
    answers.atMs = nowMs;
    if (answers.left < 1) return false;
    answers.left -= 1;
    return true;
  }

  /** Whoever is known: it has limits of its own, or a call from there was acknowledged lately. */
  isTrusted(address: string): boolean {
    return this.#options.isKnownPeer(address) || this.hadCall(address);
  }

  #rateOf(kind: AnswerKind): number {
    const { answersPerSecond } = this.#options;
    return kind === 'malformed' ? Math.max(1, answersPerSecond * shareOfMalformed) : answersPerSecond;
  }

  /** A call from that address was acknowledged lately. */
  hadCall(address: string): boolean {
    const { sourceOf, clock } = this.#options;
    return (this.#proven.get(sourceOf(address))?.goodUntilMs ?? 0) > clock.nowMs();
  }

  /**
   * Something that came by this flow was refused. It counts where nobody else can be behind it: not over UDP; and not over a
   * WebSocket, which any web page can open from its visitor's network, and all clients of a proxy have from its own.
   */
  refused({ protocol, remoteAddress }: Flow): void {
    const { banAfterRefusals, clock, hasCalls, sourceOf } = this.#options;
    if (banAfterRefusals === 0 || (protocol !== 'tcp' && protocol !== 'tls')) return;
    if (this.#options.isKnownPeer(remoteAddress)) return;
    const name = sourceOf(remoteAddress);
    const source = this.#provenSource(name);
    const nowMs = clock.nowMs();
    if (nowMs - source.sinceMs >= windowMs) Object.assign(source, { refusals: 0, sinceMs: nowMs });
    source.refusals += 1;
    if (source.refusals < banAfterRefusals) return;
    source.refusals = 0;
    if (source.goodUntilMs <= nowMs && !hasCalls(name)) this.#ban(name);
  }

  /** A call from that address was acknowledged. */
  isGood(address: string): void {
    const { sourceOf, clock } = this.#options;
    this.#provenSource(sourceOf(address)).goodUntilMs = clock.nowMs() + goodMs;
  }

  /** Those in force. */
  bans(): readonly SourceBan[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#bans]
      .filter(([, untilMs]) => untilMs > nowMs)
      .map(([source, untilMs]) => ({ source, untilMs }));
  }

  /** Hears that source again, or everybody. False where there was nothing to lift. */
  lift(source: string | null): boolean {
    if (source !== null) return this.#bans.delete(source);
    const had = this.#bans.size > 0;
    this.#bans.clear();
    return had;
  }

  #ban(source: string): void {
    const { clock, banMs, maxSources, onBanned } = this.#options;
    const ban = { source, untilMs: clock.nowMs() + banMs };
    remember(this.#bans, source, ban.untilMs, maxSources);
    onBanned(ban);
  }

  #provenAnswers(source: string, kind: AnswerKind): Answers {
    const { answers } = this.#provenSource(source);
    const known = answers.get(kind) ?? this.#fullAnswers(kind);
    answers.set(kind, known);
    return known;
  }

  #unprovenAnswers(source: string, kind: AnswerKind): Answers {
    const name = `${kind} ${source}`;
    const answers = this.#unproven.get(name) ?? this.#fullAnswers(kind);
    remember(this.#unproven, name, answers, this.#options.maxSources);
    return answers;
  }

  #provenSource(name: string): ProvenSource {
    const source = this.#proven.get(name) ?? {
      answers: new Map<AnswerKind, Answers>(),
      refusals: 0,
      sinceMs: this.#options.clock.nowMs(),
      goodUntilMs: 0,
    };
    remember(this.#proven, name, source, this.#options.maxSources);
    return source;
  }

  #fullAnswers(kind: AnswerKind): Answers {
    return { left: this.#rateOf(kind), atMs: this.#options.clock.nowMs() };
  }
}
