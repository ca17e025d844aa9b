/**
 * Calls that come from a trunk: which one it is, whether its rules let the call in, and what it may cost. The token, or the
 * called number, says whose call it is; the network says by which of their trunks it came. So several accounts may have trunks
 * at the same carrier, and none can take another's calls.
 */
import { firstGood, mayBeForeign } from '../legs/first-good.js';
import type { Credential } from '../participants/token.js';
import { Refusal, type RefusedParty } from '../refusal.js';
import type { CallCounts, CallLimits } from './call-limiter.js';
import type { CodeGuesses } from './code-guesses.js';
import { matchesPattern } from './number-pattern.js';
import type { TrunkDirectory } from './trunk-directory.js';
import type { CalledNumberPlace, InboundDigest, Trunk } from './trunk.js';

export interface TrunkCallsOptions {
  readonly directory: Pick<TrunkDirectory, 'from' | 'byUsername' | 'byContact' | 'byCertificate'>;
  readonly counts: CallCounts;
  /** Join codes that are wrong. */
  readonly guesses: Pick<CodeGuesses, 'count'>;
  /** Whom a credential stands for. Throws Refusal, with the account of the participant whom it names, where there is one. */
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
   * Compares the digest with these secrets; null where nobody has the name, which takes as long, so that the time tells nothing.
   * `stale`: right, but to be shown anew. `missing`: it answers nothing that we asked. A digest is right only once, so ask once.
   */
  verify(secrets: InboundDigest['secrets'] | null): 'right' | 'wrong' | 'stale' | 'missing';
}

/** What a door knows of a call before it is let in. */
export interface ArrivingCall {
  /** The address that it came from. */
  readonly source: string;
  /** What it shows that has the form of a credential, in the order in which it counts. */
  readonly credentials: readonly Credential[];
  /** The user that it is sent to, which may be that of a Contact of ours at a registrar. Default: none. */
  readonly contactUser?: string | null;
  /** The trunk of the call that it is to take the place of: of that it is without a number or a credential. Default: there is none. */
  readonly replacedTrunkId?: string | null;
  /** Names in the certificate that its TLS connection was opened with, which a trusted CA vouches for. Default: none. */
  readonly certificateNames?: readonly string[];
  /** Null where it shows none. */
  readonly digest: ShownDigest | null;
  /** Whom wrong join codes are counted for, as a call of the trunk; null: as a stranger's. */
  readonly guesser: (trunk: Trunk | null) => string;
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
  /** The one that says whom the call is for; null where the number does. */
  readonly credential: Credential | null;
  /** A credential, a password, a certificate or our Contact says whose call it is; false: the network that it came from alone. */
  readonly isProven: boolean;
  /** The call is over. Idempotent. */
  release(): void;
}

/** Which trunk a call is of, and the number or credential by which it is. */
type Recognized = Pick<TrunkPass, 'trunk' | 'dialled' | 'credential'>;

/** How a trunk is known. */
export type TrunkSign = 'contact' | 'certificate' | 'network' | 'password';

/** What becomes of a call at its trunk, limits aside. Null of each is: nothing speaks against it. */
export interface TrunkExamination extends Pick<TrunkPass, 'trunk' | 'dialled' | 'isProven'> {
  readonly sign: TrunkSign;
  readonly password: Refusal | null;
  readonly caller: Refusal | null;
  readonly called: Refusal | null;
}

/** The trunk of a call, and those that it may be of. */
interface Found {
  readonly call: ArrivingCall;
  readonly recognized: Recognized | null;
  readonly byContact: Trunk | null;
  readonly byNetwork: readonly Trunk[];
  readonly byDigest: readonly Trunk[];
}

const calledPlaces: readonly CalledNumberPlace[] = ['p-called-party-id', 'request-uri', 'to'];

export class TrunkCalls {
  readonly #options: TrunkCallsOptions;

  constructor(options: TrunkCallsOptions) {
    this.#options = options;
  }

  /** Null where the call is of no trunk: then it is a stranger's. Throws Refusal. */
  async enter(arriving: ArrivingCall): Promise<TrunkPass | null> {
    const found = await this.#find(arriving);
    const { call, recognized, byContact } = found;
    if (recognized === null) return this.#leave(found);
    const { trunk, dialled, credential } = recognized;
    checkDigest(trunk, call);
    const isNew = byReplacedCall(call, [trunk]) === null;
    checkCaller(trunk, call);
    checkCalled(trunk, call, { dialled, isNew });
    const grant = await this.#options.counts.take(trunk.id, isNew ? trunk : withOneMore(trunk));
    if (grant !== 'granted') throw new Refusal('trunk-limit', grant, partyOf(trunk));
    let isReleased = false;
    return {
      trunk,
      dialled,
      credential,
      isProven: isSure(recognized, byContact),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        void this.#options.counts.release(trunk.id);
      },
    };
  }

  /**
   * What becomes of a call at its trunk, each thing by itself, and none of it counted as long as what is asked counts nothing. Null
   * where the call is of no trunk. Throws Refusal where it is of none that takes it.
   */
  async examine(arriving: ArrivingCall): Promise<TrunkExamination | null> {
    const found = await this.#find(arriving);
    const { call, recognized, byContact, byDigest } = found;
    if (recognized === null) return this.#leave(found);
    const { trunk, dialled } = recognized;
    const isNew = byReplacedCall(call, [trunk]) === null;
    const { certificateNames, networks } = trunk.inbound;
    return {
      ...{ trunk, dialled, isProven: isSure(recognized, byContact) },
      sign:
        byContact !== null
          ? 'contact'
          : byDigest.includes(trunk)
            ? 'password'
            : networks.length === 0 && certificateNames.length > 0
              ? 'certificate'
              : 'network',
      password: refusalIn(() => checkDigest(trunk, call)),
      caller: refusalIn(() => checkCaller(trunk, call)),
      called: refusalIn(() => checkCalled(trunk, call, { dialled, isNew })),
    };
  }

  async #find(arriving: ArrivingCall): Promise<Found> {
    const call = { ...arriving, digest: verifiedOnce(arriving.digest) };
    const byContact = this.#options.directory.byContact(call.contactUser ?? '');
    // Nobody but its registrar knows that Contact, whatever address the call comes from.
    const byNetwork = byContact === null ? this.#byPlace(call) : [byContact];
    const recognized = await this.#recognize(call, byNetwork);
    if (recognized !== null) return { call, recognized, byContact, byNetwork, byDigest: [] };
    // Another's network hides nobody's password.
    const byDigest = this.#byDigest(call, byNetwork);
    return { call, recognized: await this.#recognize(call, byDigest), byContact, byNetwork, byDigest };
  }

  /** Trunks by the certificate of the connection, then those by its network, whose certificate, if they want one, it is. */
  #byPlace(call: ArrivingCall): readonly Trunk[] {
    const { directory } = this.#options;
    const byCertificate = directory.byCertificate(call.certificateNames ?? []);
    const byNetwork = directory.from(call.source).filter((trunk) => hasCertificate(trunk, call));
    return byCertificate.length === 0 ? byNetwork : [...byCertificate, ...byNetwork];
  }

  /** The trunk whose password the call shows. Throws Refusal where it shows a wrong one. */
  #byDigest({ digest }: ArrivingCall, byNetwork: readonly Trunk[]): readonly Trunk[] {
    if (digest === null) return [];
    // It answers what a trunk of its network asked for.
    if (byNetwork.some(({ inbound }) => inbound.digest?.username === digest.username)) return [];
    const trunk = this.#options.directory.byUsername(digest.username);
    const verdict = digest.verify(trunk?.inbound.digest?.secrets ?? null);
    if (verdict === 'wrong')
      throw new Refusal('authentication-failed', null, trunk === null ? {} : partyOf(trunk));
    if (verdict === 'stale') throw new Refusal('authentication-required', 'stale');
    return verdict === 'right' && trunk !== null ? [trunk] : [];
  }

  async #recognize(call: ArrivingCall, candidates: readonly Trunk[]): Promise<Recognized | null> {
    if (candidates.length === 0) return null;
    const credentials = await this.#credentialsOf(call);
    const replacing = byReplacedCall(call, candidates);
    if (credentials.length === 0) return replacing ?? this.#byNumber(call, candidates);
    try {
      return await this.#byCredential(credentials, call, candidates);
    } catch (error) {
      const isForeign = error instanceof Refusal && mayBeForeign(credentials, error);
      const otherwise = isForeign ? (replacing ?? (await this.#byNumber(call, candidates))) : null;
      if (otherwise === null) throw error;
      return otherwise;
    }
  }

  /** Twelve digits have the form of a join code, too: they are a number where somebody has it. */
  async #credentialsOf(call: ArrivingCall): Promise<readonly Credential[]> {
    const others = call.credentials.filter(
      ({ kind, value }) => !(kind === 'join-code' && /^\d+$/.test(value)),
    );
    const isDialled = others.length < call.credentials.length && (await this.#ownersOf(call)).size > 0;
    return isDialled ? others : call.credentials;
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
      if (trunk.numbers?.includes(normalize(dialled) ?? '') === true)
        return { trunk, dialled, credential: null };
      if (trunk.numbers === null) fallback ??= { trunk, dialled, credential: null };
    }
    return fallback;
  }

  async #byCredential(
    credentials: readonly Credential[],
    call: ArrivingCall,
    candidates: readonly Trunk[],
  ): Promise<Recognized | null> {
    try {
      const { credential, identity: accountId } = await firstGood(credentials, (one) =>
        this.#accountOf(one, call, candidates),
      );
      const trunk = candidates.find((one) => one.accountId === accountId);
      return trunk === undefined ? null : { trunk, dialled: null, credential };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(error.code, error.detail, await this.#partyOfRefused(error.party, call, candidates));
    }
  }

  /** Throws Refusal. */
  #accountOf(
    credential: Credential,
    call: ArrivingCall,
    candidates: readonly Trunk[],
  ): Promise<string | null> {
    const { accountOfCredential, guesses } = this.#options;
    const trunk = candidates.find((one) => isProven(one, call));
    // Who has yet to show a trunk's password guesses as a stranger does.
    if (trunk === undefined) return accountOfCredential(credential, call.guesser(null));
    const identify = () => accountOfCredential(credential, call.guesser(trunk));
    if (credential.kind !== 'join-code') return identify();
    return guesses.count({ trunkId: trunk.id, source: call.guesser(null) }, identify);
  }

  /** What becomes of a call that is of none of the trunks that it may be of. Null: it is a stranger's. Throws Refusal. */
  async #leave({ call, byNetwork, byDigest }: Omit<Found, 'recognized'>): Promise<null> {
    const candidates = byDigest.length > 0 ? byDigest : byNetwork;
    const [first] = candidates;
    if (first === undefined || (await this.#credentialsOf(call)).length > 0) return null;
    const concerned = await this.#concerned(call, candidates);
    // The number of somebody who may have let that network in himself.
    if (concerned === null && byDigest.length === 0) return null;
    const isNumber = call.dialled(first.inbound.calledNumber) !== null;
    throw new Refusal(
      isNumber ? 'unknown-number' : 'token-missing',
      null,
      partyOfAll(concerned ?? candidates),
    );
  }

  /** Whom a refusal concerns that says `party` of the credential: never two accounts at once. */
  async #partyOfRefused(
    party: RefusedParty,
    call: ArrivingCall,
    candidates: readonly Trunk[],
  ): Promise<RefusedParty> {
    const { participantId = null, accountId = null } = party;
    if (participantId === null) return partyOfAll((await this.#concerned(call, candidates)) ?? []);
    const trunk = candidates.find((one) => one.accountId === accountId);
    return trunk === undefined ? party : { ...party, trunkId: trunk.id };
  }

  /** The trunks that may be told of a refused call: all where the number is nobody's; null where it is that of an account without any. */
  async #concerned(call: ArrivingCall, candidates: readonly Trunk[]): Promise<readonly Trunk[] | null> {
    const owners = await this.#ownersOf(call);
    if (owners.size === 0) return candidates;
    const concerned = candidates.filter(({ accountId }) => owners.has(accountId));
    const areAllTheirs = [...owners].every((owner) => concerned.some(({ accountId }) => accountId === owner));
    return areAllTheirs ? concerned : null;
  }

  /** Whose numbers the call names, wherever a trunk might look. */
  async #ownersOf(call: ArrivingCall): Promise<ReadonlySet<string>> {
    const numbers = new Set(calledPlaces.flatMap((place) => call.dialled([place]) ?? []));
    const owners = await Promise.all([...numbers].map((number) => this.#options.accountOfNumber(number)));
    return new Set(owners.flatMap((owner) => owner ?? []));
  }
}

/** The same digest, which may be asked again for the same secrets. */
function verifiedOnce(digest: ShownDigest | null): ShownDigest | null {
  if (digest === null) return null;
  const verdicts = new Map<InboundDigest['secrets'] | null, ReturnType<ShownDigest['verify']>>();
  return {
    username: digest.username,
    verify(secrets) {
      const verdict = verdicts.get(secrets) ?? digest.verify(secrets);
      verdicts.set(secrets, verdict);
      return verdict;
    },
  };
}

/** The call is to take the place of one of a trunk that it may be of. */
function byReplacedCall(
  { replacedTrunkId = null }: ArrivingCall,
  candidates: readonly Trunk[],
): Recognized | null {
  const trunk = candidates.find(({ id }) => id === replacedTrunkId);
  return trunk === undefined ? null : { trunk, dialled: null, credential: null };
}

/** Its connection was opened with a certificate that the trunk wants, or it wants none. */
function hasCertificate({ inbound: { certificateNames } }: Trunk, call: ArrivingCall): boolean {
  return (
    certificateNames.length === 0 ||
    certificateNames.some((name) => call.certificateNames?.includes(name) === true)
  );
}

/** The call shows all that the trunk wants of it. */
function isProven({ inbound: { digest } }: Trunk, { digest: shown }: ArrivingCall): boolean {
  if (digest === null) return true;
  return shown?.username === digest.username && shown.verify(digest.secrets) === 'right';
}

/** Throws Refusal where the trunk wants a password, however it is known, and the call shows none, or another. */
function checkDigest(trunk: Trunk, { digest: shown }: ArrivingCall): void {
  const { digest } = trunk.inbound;
  if (digest === null) return;
  const verdict = shown?.verify(shown.username === digest.username ? digest.secrets : null) ?? 'missing';
  if (verdict === 'right') return;
  if (verdict === 'wrong') throw new Refusal('authentication-failed', null, partyOf(trunk));
  throw new Refusal('authentication-required', verdict === 'stale' ? 'stale' : null, partyOf(trunk));
}

/** More than the network that it comes from says whose call it is. */
function isSure({ trunk, credential }: Recognized, byContact: Trunk | null): boolean {
  const { digest, certificateNames } = trunk.inbound;
  return credential !== null || byContact !== null || digest !== null || certificateNames.length > 0;
}

function refusalIn(check: () => void): Refusal | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Throws Refusal where the trunk's list leaves the caller out. */
function checkCaller(trunk: Trunk, call: ArrivingCall): void {
  if (!isAllowed(trunk.allowedCallers, () => call.callerNumber(trunk)))
    throw new Refusal('caller-not-allowed', null, partyOf(trunk));
}

/** Throws Refusal where the trunk's list leaves the called number out. */
function checkCalled(
  trunk: Trunk,
  call: ArrivingCall,
  { dialled, isNew }: { readonly dialled: string | null; readonly isNew: boolean },
): void {
  // Nobody is called by a call that takes the place of another of the trunk.
  if (isNew && !isAllowed(trunk.allowedCalled, () => dialled ?? call.dialled(trunk.inbound.calledNumber)))
    throw new Refusal('called-not-allowed', null, partyOf(trunk));
}

function isAllowed(patterns: readonly string[] | null, numberOf: () => string | null): boolean {
  if (patterns === null) return true;
  const number = numberOf()?.replace(/[-.() ]/g, '') ?? null;
  return patterns.some((pattern) => matchesPattern(pattern, number));
}

/** The call whose place another takes counts until it is over. */
function withOneMore({ maxConcurrentCalls, maxCallsPerSecond }: Trunk): CallLimits {
  const raised = maxConcurrentCalls === null ? null : maxConcurrentCalls + 1;
  return { maxConcurrentCalls: raised, maxCallsPerSecond };
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
