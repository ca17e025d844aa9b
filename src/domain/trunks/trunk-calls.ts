/**
 * Calls that come from a trunk: which one it is, whether its rules let the call in, and what it may cost. The token, or the
 * called number, says whose call it is; the network says by which of their trunks it came. So several accounts may have trunks
 * at the same carrier, and none can take another's calls.
 */
import type { Credential } from '../participants/token.js';
import { Refusal, type RefusedParty } from '../refusal.js';
import type { CallCounts } from './call-limiter.js';
import { matchesPattern } from './number-pattern.js';
import type { TrunkDirectory } from './trunk-directory.js';
import type { CalledNumberPlace, InboundDigest, Trunk } from './trunk.js';

export interface TrunkCallsOptions {
  readonly directory: Pick<TrunkDirectory, 'from' | 'byUsername'>;
  readonly counts: CallCounts;
  /** Whom a credential stands for. Throws Refusal. */
  readonly accountOfCredential: (credential: Credential, source: string) => Promise<string | null>;
  /** Whose number it is, as it was dialled; null where it is nobody's. */
  readonly accountOfNumber: (dialled: string) => Promise<string | null>;
  /** A number as it was dialled, in E.164; null for what is none. */
  readonly normalize: (text: string) => string | null;
}

/** A name and the proof of a password that a call shows. */
export interface ShownDigest {
  readonly username: string;
  /**
   * `secrets`: null where nobody knows the name, which takes as long. `stale`: right, but to be shown anew; `missing`: it
   * answers nothing that we asked. What is right is so once: call it once.
   */
  verify(secrets: InboundDigest['secrets'] | null): 'right' | 'wrong' | 'stale' | 'missing';
}

/** What a door knows of a call before it is let in. */
export interface ArrivingCall {
  /** The address that it came from. */
  readonly source: string;
  readonly credential: Credential | null;
  /** Null where it shows none. */
  readonly digest: ShownDigest | null;
  /** Whom wrong credentials are counted for. */
  readonly guesser: (trunk: Trunk) => string;
  /** The number that was called, where these places are looked at in this order; null where none has one. */
  readonly dialled: (places: readonly CalledNumberPlace[]) => string | null;
  /** The caller's number, read as the trunk wants it; null where there is none. */
  readonly callerNumber: (trunk: Trunk) => string | null;
}

/** A call of a trunk that may come in. It counts against the trunk's limits until it is released. */
export interface TrunkPass {
  readonly trunk: Trunk;
  /** The account's number that was called; null where a credential says whom the call is for. */
  readonly dialled: string | null;
  /** The call is over. Idempotent. */
  release(): void;
}

/** Which trunk a call is of, and the number by which it is. */
interface Recognized {
  readonly trunk: Trunk;
  readonly dialled: string | null;
}

export class TrunkCalls {
  readonly #options: TrunkCallsOptions;

  constructor(options: TrunkCallsOptions) {
    this.#options = options;
  }

  /** Null where the call is of no trunk: then it is a stranger's. Throws Refusal. */
  async enter(call: ArrivingCall): Promise<TrunkPass | null> {
    const byNetwork = this.#options.directory.from(call.source);
    const candidates = byNetwork.length > 0 ? byNetwork : this.#byDigest(call);
    if (candidates.length === 0) return null;
    const recognized = await this.#recognize(call, candidates);
    if (recognized === null) return null;
    const { trunk, dialled } = recognized;
    if (byNetwork.length > 0) checkDigest(trunk, call);
    checkRules(trunk, call, dialled);
    const grant = await this.#options.counts.take(trunk.id, trunk);
    if (grant !== 'granted') throw new Refusal('trunk-limit', grant, partyOf(trunk));
    let isReleased = false;
    return {
      trunk,
      dialled,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        void this.#options.counts.release(trunk.id);
      },
    };
  }

  /** The trunk whose password the call shows. Throws Refusal where it shows a wrong one. */
  #byDigest({ digest }: ArrivingCall): readonly Trunk[] {
    if (digest === null) return [];
    const trunk = this.#options.directory.byUsername(digest.username);
    const verdict = digest.verify(trunk?.inbound.digest?.secrets ?? null);
    if (verdict === 'wrong')
      throw new Refusal('authentication-failed', null, trunk === null ? {} : partyOf(trunk));
    if (verdict === 'stale') throw new Refusal('authentication-required', 'stale');
    return verdict === 'right' && trunk !== null ? [trunk] : [];
  }

  async #recognize(call: ArrivingCall, candidates: readonly Trunk[]): Promise<Recognized | null> {
    // Twelve digits have the form of a join code, too: they are a number where one of ours is called.
    const isNumberLike = call.credential?.kind === 'join-code' && /^\d+$/.test(call.credential.value);
    if (call.credential === null || isNumberLike) {
      const byNumber = await this.#byNumber(call, candidates);
      if (byNumber !== null) return byNumber;
    }
    if (call.credential !== null) return this.#byCredential(call.credential, call, candidates);
    const [first] = candidates;
    const isNumber = first !== undefined && call.dialled(first.inbound.calledNumber) !== null;
    throw new Refusal(isNumber ? 'unknown-number' : 'token-missing', null, partyOfAll(candidates));
  }

  async #byNumber(call: ArrivingCall, candidates: readonly Trunk[]): Promise<Recognized | null> {
    const { accountOfNumber, normalize } = this.#options;
    let fallback: Recognized | null = null;
    const accounts = new Map<string, string | null>();
    for (const trunk of candidates) {
      const dialled = call.dialled(trunk.inbound.calledNumber);
      if (dialled === null) continue;
      if (!accounts.has(dialled)) accounts.set(dialled, await accountOfNumber(dialled));
      if (accounts.get(dialled) !== trunk.accountId) continue;
      if (trunk.numbers?.includes(normalize(dialled) ?? '') === true) return { trunk, dialled };
      if (trunk.numbers === null) fallback ??= { trunk, dialled };
    }
    return fallback;
  }

  async #byCredential(
    credential: Credential,
    call: ArrivingCall,
    candidates: readonly Trunk[],
  ): Promise<Recognized | null> {
    const [first] = candidates;
    if (first === undefined) return null;
    try {
      const accountId = await this.#options.accountOfCredential(credential, call.guesser(first));
      const trunk = candidates.find((one) => one.accountId === accountId);
      return trunk === undefined ? null : { trunk, dialled: null };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(error.code, error.detail, { ...partyOfAll(candidates), ...error.party });
    }
  }
}

/** Throws Refusal where a trunk that is known by its network wants a password, too, and the call shows none, or another. */
function checkDigest(trunk: Trunk, { digest: shown }: ArrivingCall): void {
  const { digest } = trunk.inbound;
  if (digest === null) return;
  const verdict = shown?.verify(shown.username === digest.username ? digest.secrets : null) ?? 'missing';
  if (verdict === 'right') return;
  if (verdict === 'wrong') throw new Refusal('authentication-failed', null, partyOf(trunk));
  throw new Refusal('authentication-required', verdict === 'stale' ? 'stale' : null, partyOf(trunk));
}

/** Throws Refusal where the trunk's lists leave the caller or the called number out. */
function checkRules(trunk: Trunk, call: ArrivingCall, dialled: string | null): void {
  const { allowedCallers, allowedCalled } = trunk;
  if (!isAllowed(allowedCallers, () => call.callerNumber(trunk)))
    throw new Refusal('caller-not-allowed', null, partyOf(trunk));
  if (!isAllowed(allowedCalled, () => dialled ?? call.dialled(trunk.inbound.calledNumber)))
    throw new Refusal('called-not-allowed', null, partyOf(trunk));
}

function isAllowed(patterns: readonly string[] | null, numberOf: () => string | null): boolean {
  if (patterns === null) return true;
  const number = numberOf()?.replace(/[-.() ]/g, '') ?? null;
  return patterns.some((pattern) => matchesPattern(pattern, number));
}

function partyOf({ id, accountId }: Trunk): RefusedParty {
  return { trunkId: id, accountId };
}

/** Nobody's where they are of several accounts: none is to learn of another's calls. */
function partyOfAll(candidates: readonly Trunk[]): RefusedParty {
  const [first] = candidates;
  const isOfOne = candidates.every(({ accountId }) => accountId === first?.accountId);
  return first !== undefined && isOfOne ? partyOf(first) : {};
}
