/**
 * How one INVITE comes in: over which trunk, by which credential or number; and under whose name its wrong credentials are counted.
 * It holds the places that the call takes among those of its trunk, and among those that nothing but their address speaks for.
 */
import type { AdmitRequest, LegAdmission } from '../../domain/legs/leg-admission.js';
import type { DialIn, IncomingCall as DialledCall } from '../../domain/numbers/phone-number.js';
import type { CallHeaders } from '../../domain/participants/call-headers.js';
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { Caller } from '../../domain/participants/caller.js';
import type { Credential } from '../../domain/participants/token.js';
import { Refusal } from '../../domain/refusal.js';
import type { TrunkPass } from '../../domain/trunks/trunk-calls.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import type { UnconfirmedCalls } from '../../domain/trunks/unconfirmed-calls.js';
import { readCaller } from './caller-identity.js';
import { dialledNumber } from './credential.js';
import { guesserOf } from './request-origin.js';
import { shownHeaders } from './shown-headers.js';
import { chooseCredential, isNumberLike, type ShownCredential } from './shown-credential.js';
import type { SrfRequest } from './srf.js';
import { arrivingCall, trunkGuesser, type DoorTrunks } from './trunk-call.js';
import { verifiedCaller } from './verified-caller.js';

export interface EntrySettings {
  /** Names of header fields that may bear a token or code, in the order in which they count. */
  readonly tokenHeaders: readonly string[];
  /** The name that a call's wrong credentials are counted under. Default: `source`: its address, and whether that may be forged. */
  readonly sourceOf?: (source: string, fieldOf: (name: string) => string | undefined) => string;
  /** What lets a call to one of our numbers in without a token; null where nothing does. Throws Refusal. */
  readonly dialIn?: (
    dialled: string,
    source: string,
    call: DialledCall,
    /** Whose trunk it came over: any of the account's numbers is open to that. */
    trunkAccountId: string | null,
  ) => Promise<DialIn | null>;
  /** Default: there are none. */
  readonly trunks?: DoorTrunks;
  /** Limits the calls over UDP that nothing but their address speaks for, by trunk and by number. Default: they are not limited. */
  readonly unconfirmed?: UnconfirmedCalls;
}

export interface CallEntryOptions {
  readonly request: SrfRequest;
  readonly callId: string;
  readonly legs: Pick<LegAdmission, 'identify'>;
  readonly settings: EntrySettings;
}

/** The call that another is to take the place of, and whose it is. */
export interface ReplacedCall {
  readonly participantId: string;
  readonly trunkId: string | null;
}

/** What a leg is asked for with. */
export type Entrance = Pick<AdmitRequest, 'credential' | 'attendant' | 'stir'>;

export class CallEntry {
  readonly #options: CallEntryOptions;
  /** The place that a call from a trunk has among those of the trunk, until it is over; null for any other. */
  #pass: TrunkPass | null = null;
  /** Ends the counting of a call for which nothing speaks but its address, which may be forged; null for any other. */
  #endUnconfirmed: (() => void) | null = null;
  #isForgeable = false;
  #isOver = false;
  /** Ends the verification of a signature where the call ends meanwhile; null where none is verified. */
  #verifying: AbortController | null = null;
  #stir: CallerVerification | null = null;

  constructor(options: CallEntryOptions) {
    this.#options = options;
  }

  /** Nothing but its address speaks for the call, and that may be forged. */
  get isForgeable(): boolean {
    return this.#isForgeable;
  }

  /** The trunk that the call came over; null for one of no trunk, or while that is not known. */
  get trunk(): Trunk | null {
    return this.#pass?.trunk ?? null;
  }

  /** Who calls, as far as it is believed of where the call came from. */
  get caller(): Caller | null {
    return readCaller(this.#options.request, this.#pass?.trunk.inbound.callerIdentity);
  }

  /** What came of its signature; null where nobody looked, or has yet. */
  get stir(): CallerVerification | null {
    return this.#stir;
  }

  /** Header fields that its trunk shows; null where there are none. */
  get headers(): CallHeaders | null {
    const { request, settings } = this.#options;
    return shownHeaders(request, this.trunk?.inbound.headers ?? [], settings.tokenHeaders);
  }

  /** The name that its wrong credentials are counted under. */
  get guesser(): string {
    const { request, settings } = this.#options;
    if (this.#pass !== null) return trunkGuesser(this.#pass.trunk.id, this.caller?.number);
    const source = guesserOf(request);
    return settings.sourceOf?.(source, (name) => request.get(name)) ?? source;
  }

  /** Null where the call ended while its signature was verified. Throws Refusal. */
  async find(credentials: readonly Credential[]): Promise<Entrance | null> {
    const { settings } = this.#options;
    if (settings.trunks !== undefined) await this.#enterByTrunk(settings.trunks, credentials);
    if (this.#pass?.isProven === false) this.#countForgeable(`trunk ${this.#pass.trunk.id}`);
    const verifying = this.#pass === null ? null : this.#verify(this.#pass);
    const stir = verifying === null ? null : await verifying;
    if (verifying !== null && this.#isOver) return null;
    this.#stir = stir;
    const { credential, refusal } = await this.#chosen(credentials);
    const dialledIn = await this.#dialIn(credential);
    if (credential === null && dialledIn === null) {
      if (this.#mayBeTrunk) throw new Refusal('authentication-required');
      if (refusal !== null) throw refusal;
    }
    if (this.#pass === null && dialledIn !== null) await this.#countDialled(dialledIn);
    return {
      credential: dialledIn?.credential ?? credential,
      attendant: dialledIn?.attendant ?? null,
      stir,
    };
  }

  /**
   * Whether the call may take the place of that one: it shows a credential of the same participant, or comes over the same trunk and
   * none that says otherwise. Null where it ended while its signature was verified. Throws Refusal where it would not be let in
   * whatever it asks for.
   */
  async findReplacing(
    credentials: readonly Credential[],
    replaced: ReplacedCall,
  ): Promise<(Pick<Entrance, 'stir'> & { readonly isAllowed: boolean }) | null> {
    const { settings, legs } = this.#options;
    if (settings.trunks !== undefined)
      await this.#enterByTrunk(settings.trunks, credentials, replaced.trunkId);
    const pass = this.#pass;
    if (pass?.isProven === false) this.#countForgeable(`trunk ${pass.trunk.id}`);
    const verifying = pass === null ? null : this.#verify(pass);
    const stir = verifying === null ? null : await verifying;
    if (verifying !== null && this.#isOver) return null;
    this.#stir = stir;
    const { credential, refusal } = await this.#chosen(credentials);
    const isOfTrunk = pass !== null && pass.trunk.id === replaced.trunkId;
    if (credential === null) {
      if (this.#mayBeTrunk) throw new Refusal('authentication-required');
      if (!isOfTrunk) throw refusal ?? new Refusal('token-missing');
      return { stir, isAllowed: true };
    }
    const participantId = await legs.identify(credential, this.guesser);
    return { stir, isAllowed: participantId === replaced.participantId };
  }

  /** The far end has acknowledged the answer: its address is none that was forged. */
  confirm(): void {
    this.#endUnconfirmed?.();
  }

  /** The call is over: its places are free. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // With a reason: without one an exception is made, with its stack, for every call.
    this.#verifying?.abort('the call is over');
    this.#pass?.release();
    this.#endUnconfirmed?.();
  }

  /** What the signature of a trunk's call says; null, at once, where nobody wants to know. Rejects with Refusal. */
  #verify(pass: TrunkPass): ReturnType<typeof verifiedCaller> {
    const { request, settings } = this.#options;
    this.#verifying = new AbortController();
    return verifiedCaller(request, pass, settings.trunks?.verify, this.#verifying.signal);
  }

  /** Throws Refusal where those that are shown are wrong. */
  async #chosen(credentials: readonly Credential[]): Promise<ShownCredential> {
    if (this.#pass !== null) return { credential: this.#pass.credential, refusal: null };
    const { legs, request } = this.#options;
    const { guesser } = this;
    return chooseCredential(credentials, dialledNumber(request.uri), (one) => legs.identify(one, guesser));
  }

  /** A call that is let in by its network. Throws Refusal where too many such are unconfirmed. */
  #countForgeable(origin: string): void {
    const { request, settings } = this.#options;
    if (!/^udp$/i.test(request.protocol)) return;
    this.#isForgeable = true;
    if (settings.unconfirmed === undefined || this.#isOver) return;
    this.#endUnconfirmed = settings.unconfirmed.take(origin);
    const party =
      this.#pass === null ? {} : { trunkId: this.#pass.trunk.id, accountId: this.#pass.trunk.accountId };
    if (this.#endUnconfirmed === null) throw new Refusal('trunk-limit', 'unconfirmed', party);
  }

  async #countDialled({ attendant }: DialIn): Promise<void> {
    try {
      this.#countForgeable(`number ${dialledNumber(this.#options.request.uri)?.replace(/\D/g, '') ?? ''}`);
    } catch (error) {
      await attendant?.legEnded();
      throw error;
    }
  }

  /** Throws Refusal where a trunk's rules leave the call out, or it is of no trunk and has to be. */
  async #enterByTrunk(
    trunks: DoorTrunks,
    credentials: readonly Credential[],
    replacedTrunkId: string | null = null,
  ): Promise<void> {
    const { request } = this.#options;
    this.#pass = await trunks.enter({
      ...arrivingCall(request, credentials, trunks.digest, this.guesser),
      replacedTrunkId,
      certificateNames: trunks.certificateNamesOf?.(request) ?? [],
    });
    // It may be over by now.
    if (this.#isOver) this.#pass?.release();
    // Browsers call over WebSockets, and the console's test calls are marked: its guesser is not the address.
    const isStranger = this.#pass === null && this.guesser === guesserOf(request);
    if (trunks.refuseOthers && isStranger && !this.#isBrowser)
      throw new Refusal(this.#mayBeTrunk ? 'authentication-required' : 'no-trunk');
  }

  /** It is of no trunk yet, but may be of one that is known by its password alone. */
  get #mayBeTrunk(): boolean {
    if (this.#pass !== null || this.#isBrowser) return false;
    return (this.#options.settings.trunks?.hashesOf(null).length ?? 0) > 0;
  }

  get #isBrowser(): boolean {
    return /^wss?$/i.test(this.#options.request.protocol);
  }

  async #dialIn(credential: Credential | null): Promise<DialIn | null> {
    const { request, settings, callId } = this.#options;
    const dialled = this.#pass === null ? this.#dialledWithout(credential) : this.#pass.dialled;
    if (settings.dialIn === undefined || dialled === null) return null;
    const call = {
      ...{ voiceCallId: callId, from: this.caller?.number ?? null, to: dialled, headers: this.headers ?? {} },
    };
    return settings.dialIn(dialled, request.source_address, call, this.#pass?.trunk.accountId ?? null);
  }

  /** The number that a call of no trunk was sent to, where it may be let in by it. */
  #dialledWithout(credential: Credential | null): string | null {
    return credential !== null && !isNumberLike(credential) ? null : dialledNumber(this.#options.request.uri);
  }
}
