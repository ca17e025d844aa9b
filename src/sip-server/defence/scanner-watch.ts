/**
 * Recognises scanners: programs that try addresses and numbers in search of a gateway that lets them call. They are known by the
 * name in their User-Agent, which holds for that request alone, and by how many different users one source calls in vain. The latter
 * counts over TCP and TLS only: who forges an address over UDP, or has a web page open WebSockets, could make a scanner of anybody.
 */
import type { Clock } from '../transaction/clock.js';
import type { SipRequest } from '../message/message.js';
import { parseUri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import { remember } from './remember.js';

export interface ScannerWatchOptions {
  readonly clock: Clock;
  /** Who an address counts as, such as the network of an IPv6 address. */
  readonly sourceOf: (address: string) => string;
  /** Parts of the User-Agent of scanners, whatever their case. */
  readonly agents: readonly string[];
  /** More different users called in vain from one source within a minute make a scanner of it; 0: none do. */
  readonly maxUsersPerMinute: number;
  /** Whether a call with that source is in progress: then it is no scanner, however many users it calls. */
  readonly hasCalls: (source: string) => boolean;
  /** Whether the operator wants the calls of that address, such as a carrier's: it is never a scanner. */
  readonly isKnownPeer: (address: string) => boolean;
  /** Sources that are remembered; the one that was quiet for longest is forgotten first. */
  readonly maxSources: number;
}

interface Sweep {
  readonly users: Set<string>;
  sinceMs: number;
  /** It is taken for a scanner until then. */
  scansUntilMs: number;
}

const windowMs = 60_000;
/** A stranger writes it; of longer ones the beginning tells them apart. */
const maxUserLength = 64;

export class ScannerWatch {
  readonly #options: ScannerWatchOptions;
  readonly #agents: readonly string[];
  readonly #sweeps = new Map<string, Sweep>();
  #sweepsSeen = 0;

  constructor(options: ScannerWatchOptions) {
    this.#options = options;
    this.#agents = options.agents.map((agent) => agent.toLowerCase());
  }

  /** Sources that were found out by the users that they called. */
  get sweepsSeen(): number {
    return this.#sweepsSeen;
  }

  /** A request of a scanner, or of a source that was found out to be one. */
  isScanner(
    request: SipRequest,
    { protocol, remoteAddress }: Pick<Flow, 'protocol' | 'remoteAddress'>,
  ): boolean {
    const agent = request.headers.get('User-Agent')?.toLowerCase();
    const { clock, sourceOf, isKnownPeer } = this.#options;
    if (agent !== undefined && this.#agents.some((part) => agent.includes(part)))
      return !isKnownPeer(remoteAddress);
    if (this.#sweeps.size === 0 || !isProven(protocol)) return false;
    return (this.#sweeps.get(sourceOf(remoteAddress))?.scansUntilMs ?? 0) > clock.nowMs();
  }

  /** An INVITE that came by this flow is refused, for what it shows is no good. */
  calledInVain(
    invite: SipRequest,
    { protocol, remoteAddress }: Pick<Flow, 'protocol' | 'remoteAddress'>,
  ): void {
    const { clock, sourceOf, maxUsersPerMinute, maxSources, isKnownPeer } = this.#options;
    if (maxUsersPerMinute === 0 || !isProven(protocol) || isKnownPeer(remoteAddress)) return;
    const name = sourceOf(remoteAddress);
    const nowMs = clock.nowMs();
    const sweep = this.#sweeps.get(name);
    const current = sweep ?? { users: new Set<string>(), sinceMs: nowMs, scansUntilMs: 0 };
    if (nowMs - current.sinceMs >= windowMs) {
      current.users.clear();
      current.sinceMs = nowMs;
    }
    remember(this.#sweeps, name, current, maxSources);
    // A copy of its own: a part of a message keeps the whole of it.
    const user = Buffer.from((parseUri(invite.uri)?.user ?? '').slice(0, maxUserLength)).toString();
    if (current.users.size <= maxUsersPerMinute) current.users.add(user);
    if (current.users.size <= maxUsersPerMinute) return;
    if (current.scansUntilMs <= nowMs) {
      if (this.#options.hasCalls(name)) {
        current.users.clear();
        return;
      }
      this.#sweepsSeen += 1;
    }
    current.scansUntilMs = nowMs + windowMs;
  }
}

/** Nobody else sends from there. */
function isProven(protocol: Flow['protocol']): boolean {
  return protocol === 'tcp' || protocol === 'tls';
}
