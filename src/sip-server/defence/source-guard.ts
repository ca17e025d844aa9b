/**
 * What strangers may cost. Whoever shows nothing good is answered at a limited rate and beyond it not at all: answers to strangers
 * are all that a flood from a forged address gets us to send. A source that is proven, because it holds a connection, and goes on
 * all the same, is not heard for a while. Calls are never charged: who shows a good credential is no stranger.
 */
import type { Clock } from '../transaction/clock.js';

export interface SourceGuardOptions {
  readonly clock: Clock;
  /** Who an address counts as, such as the network of an IPv6 address. */
  readonly sourceOf: (address: string) => string;
  /** Refusals, and answers to OPTIONS, that one source gets; as many at once in the beginning, and after a rest. */
  readonly answersPerSecond: number;
  /** Refusals within a minute over connections after which their source is not heard; 0: nobody is ever banned. */
  readonly banAfterRefusals: number;
  readonly banMs: number;
  /** Sources that are remembered; the one that was quiet for longest is forgotten first. */
  readonly maxSources: number;
  /** Told of every ban. */
  readonly onBanned: (ban: SourceBan) => void;
}

export interface SourceBan {
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

interface Source {
  /** Answers that it may still get, at `atMs`. */
  answers: number;
  atMs: number;
  /** Refusals over connections since `sinceMs`. */
  refusals: number;
  sinceMs: number;
  /** Had a call of its own answered: a phone system among whose calls some are bad is no attacker. */
  goodUntilMs: number;
}

const windowMs = 60_000;
/** So long a source that has had a call is not banned. */
const goodMs = 3_600_000;

export class SourceGuard {
  readonly #options: SourceGuardOptions;
  /** The one that was heard of last is the last. */
  readonly #sources = new Map<string, Source>();
  readonly #bans = new Map<string, number>();

  constructor(options: SourceGuardOptions) {
    this.#options = options;
  }

  /** Nothing of it is to be read. Asked for every message. */
  isBanned(address: string): boolean {
    if (this.#bans.size === 0) return false;
    const source = this.#options.sourceOf(address);
    const untilMs = this.#bans.get(source);
    if (untilMs === undefined) return false;
    if (untilMs > this.#options.clock.nowMs()) return true;
    this.#bans.delete(source);
    return false;
  }

  /** Takes one of the source's answers; false: it has had enough for now. */
  mayAnswer(address: string): boolean {
    const { answersPerSecond, clock } = this.#options;
    const source = this.#of(address);
    const nowMs = clock.nowMs();
    const earned = ((nowMs - source.atMs) / 1000) * answersPerSecond;
    source.answers = Math.min(answersPerSecond, source.answers + earned);
    source.atMs = nowMs;
    if (source.answers < 1) return false;
    source.answers -= 1;
    return true;
  }

  /** Something from a connection of that address was refused, so that nobody else is behind it. */
  refused(address: string): void {
    const { banAfterRefusals, clock } = this.#options;
    if (banAfterRefusals === 0) return;
    const source = this.#of(address);
    const nowMs = clock.nowMs();
    if (nowMs - source.sinceMs >= windowMs) Object.assign(source, { refusals: 0, sinceMs: nowMs });
    source.refusals += 1;
    if (source.refusals >= banAfterRefusals && source.goodUntilMs <= nowMs) this.#ban(address);
  }

  /** A call from that address was answered and acknowledged. */
  isGood(address: string): void {
    this.#of(address).goodUntilMs = this.#options.clock.nowMs() + goodMs;
  }

  /** A call from that address was answered and acknowledged lately. */
  hadCall(address: string): boolean {
    const { sourceOf, clock } = this.#options;
    return (this.#sources.get(sourceOf(address))?.goodUntilMs ?? 0) > clock.nowMs();
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

  #ban(address: string): void {
    const { sourceOf, clock, banMs, maxSources, onBanned } = this.#options;
    const ban = { source: sourceOf(address), untilMs: clock.nowMs() + banMs };
    this.#sources.delete(ban.source);
    this.#bans.set(ban.source, ban.untilMs);
    if (this.#bans.size > maxSources) this.#bans.delete(oldestOf(this.#bans));
    onBanned(ban);
  }

  #of(address: string): Source {
    const name = this.#options.sourceOf(address);
    const nowMs = this.#options.clock.nowMs();
    const source = this.#sources.get(name) ?? {
      answers: this.#options.answersPerSecond,
      atMs: nowMs,
      refusals: 0,
      sinceMs: nowMs,
      goodUntilMs: 0,
    };
    this.#sources.delete(name);
    this.#sources.set(name, source);
    if (this.#sources.size > this.#options.maxSources) this.#sources.delete(oldestOf(this.#sources));
    return source;
  }
}

function oldestOf(map: ReadonlyMap<string, unknown>): string {
  for (const name of map.keys()) return name;
  return '';
}
