/** One trunk's registration: keeps it for as long as it is wanted, whatever the carrier does (registration-machine.ts draws it). */
import type { Clock, Timer } from '../../domain/clock.js';
import type { TrunkOutbound, TrunkTarget } from '../../domain/trunks/outbound.js';
import type { RegistrationState, RegistrationStatus, TrunkFailure } from '../../domain/trunks/trunk-state.js';
import { DigestClient } from '../../digest/digest-client.js';
import { RegistrarDialogue, type RegistrarAnswer, type RegistrarIdentity } from './registrar-dialogue.js';
import { transitions, type Input, type State } from './registration-machine.js';
import { proxyUri, type SendToTrunk } from './trunk-requests.js';

export interface RegistrationSettings {
  readonly shortestRefreshMs: number;
  readonly retryMs: number;
  readonly longestRetryMs: number;
  readonly refusedRetryMs: number;
  /** How long the answer to giving it back is waited for. */
  readonly unregisterMs: number;
}

export interface RegistrationOptions {
  readonly outbound: TrunkOutbound;
  readonly identity: RegistrarIdentity;
  readonly send: SendToTrunk;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly settings: RegistrationSettings;
  /** Default: nothing is known of any. */
  readonly isDown?: (target: TrunkTarget) => boolean;
  /** Granted or renewed; the address that said so. Null: it has ended. */
  readonly onSource: (address: string | null) => void;
  /** Granted for the first time, or the first after a failure that was told. */
  readonly onRegistered: (grant: Extract<RegistrarAnswer, { kind: 'granted' }>) => void;
  /** Told where it is another failure than the last. */
  readonly onFailed: (failure: TrunkFailure) => void;
  /** What must not happen, and ends nothing. */
  readonly onBroken: (error: unknown) => void;
}

/** A connection that breaks is a first failure where the registration stood for so long before. */
const steadyMs = 60_000;

const statuses: Readonly<Record<State, RegistrationStatus>> = {
  unregistered: 'unregistered',
  registering: 'registering',
  registered: 'registered',
  refreshing: 'registered',
  failed: 'failed',
  refused: 'refused',
  ending: 'unregistered',
  ended: 'unregistered',
};

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #dialogue: RegistrarDialogue;
  #state: State = 'unregistered';
  #timer: Timer | null = null;
  #nextAt: number | null = null;
  #grant: {
    readonly target: TrunkTarget;
    readonly expiresAt: number;
    readonly serviceRoute: string | null;
  } | null = null;
  #grantedAt = 0;
  /** The registrar has us until then, whatever failed since: it is given back for as long. */
  #heldUntil = 0;
  /** Whose calls are the trunk's. */
  #source: string | null = null;
  #distrust: Timer | null = null;
  #isToldRegistered = false;
  #failure: TrunkFailure | null = null;
  /** Failures, and connections that broke, in a row. */
  #failures = 0;
  #round: Promise<void> = Promise.resolve();
  #ending: Promise<void> = Promise.resolve();

  constructor(options: RegistrationOptions) {
    this.#options = options;
    const { outbound, identity, send, random, isDown = () => false } = options;
    const digest = new DigestClient(outbound.digest, outbound.digest?.realm ?? null);
    this.#dialogue = new RegistrarDialogue({ outbound, identity, digest, send, random, isDown });
  }

  get callId(): string {
    return this.#dialogue.callId;
  }

  get state(): RegistrationState {
    return {
      status: statuses[this.#state],
      target: this.#grant?.target.host ?? null,
      expiresAt: this.#grant?.expiresAt ?? null,
      ...{ nextAt: this.#nextAt, failure: this.#failure },
    };
  }

  /** The route that requests to that target are to take, as a Route header field; null where it did not register us, or names none. */
  routeTo(target: TrunkTarget): string | null {
    const grant = this.#grant;
    return grant !== null && proxyUri(grant.target) === proxyUri(target) ? grant.serviceRoute : null;
  }

  /** Begins after the delay. */
  begin(delayMs: number): void {
    if (this.#state === 'unregistered') this.#later(delayMs);
  }

  /** The connection is gone that the registration went by: calls would not find us. It is asked for anew at once. */
  lost(): void {
    const { clock, random } = this.#options;
    const refreshMs = (this.#nextAt ?? clock.now()) - clock.now();
    if (!this.#enter('lost')) return;
    this.#dropGrant();
    this.#failures += 1;
    // One that breaks each time is as one that fails; and who shared it do not come back in the same moment.
    const backOffMs = this.#failures === 1 ? 1000 * random() : this.#backOffMs(this.#failures - 1);
    // The registrar has us yet: it is asked no later than if nothing had happened.
    this.#later(Math.max(0, Math.min(backOffMs, refreshMs)));
    this.#trustUntilOver();
  }

  /** Gives it back, and waits a bounded time for that; idempotent. */
  end(): Promise<void> {
    if (this.#enter('end')) this.#ending = this.#giveBack();
    return this.#ending;
  }

  async #giveBack(): Promise<void> {
    const { clock, settings, onBroken } = this.#options;
    this.#cancel();
    this.#grant = null;
    const isHeld = (): boolean => clock.now() < this.#heldUntil;
    let isOver = false;
    await new Promise<void>((resolve) => {
      const timer = clock.after(settings.unregisterMs, resolve);
      // What is asked for at this moment may be granted yet. Later than we wait it stays: it may be another's by then.
      void this.#round
        .then(() => (isHeld() && !isOver ? this.#dialogue.unregister(() => !isOver) : undefined))
        .catch(onBroken)
        .finally(() => {
          timer.cancel();
          resolve();
        });
    });
    // What is said from now on could meet the next line's: a challenge that comes late is not answered.
    isOver = true;
    this.#enter('done');
    this.#trust(null);
  }

  /** Follows the table; false where the input means nothing in this state. */
  #enter(input: Input): boolean {
    const next = transitions[this.#state][input];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  #later(delayMs: number): void {
    const { clock } = this.#options;
    this.#cancel();
    this.#nextAt = clock.now() + Math.round(delayMs);
    this.#timer = clock.after(delayMs, () => {
      this.#cancel();
      if (this.#enter('due')) this.#round = this.#ask().catch((error: unknown) => this.#broken(error));
    });
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#nextAt = null;
  }

  async #ask(): Promise<void> {
    const isWanted = (): boolean => this.#state !== 'ending' && this.#state !== 'ended';
    const answer = await this.#dialogue.register(isWanted);
    if (!this.#enter(answer.kind)) {
      // It is not wanted any more.
      if (answer.kind === 'granted') this.#heldUntil = this.#options.clock.now() + answer.seconds * 1000;
      return;
    }
    if (answer.kind === 'granted') this.#granted(answer);
    else this.#failed(answer);
  }

  #granted(answer: Extract<RegistrarAnswer, { kind: 'granted' }>): void {
    const { clock, random, settings, onRegistered } = this.#options;
    const { seconds, target, source, serviceRoute } = answer;
    const before = this.#grant;
    this.#heldUntil = clock.now() + seconds * 1000;
    this.#grant = { target, expiresAt: this.#heldUntil, serviceRoute };
    if (before === null) this.#grantedAt = clock.now();
    else if (clock.now() - this.#grantedAt > steadyMs) this.#failures = 0;
    this.#failure = null;
    // Between half and four fifths of the time: in the middle of it, and not all at once.
    this.#later(Math.max(settings.shortestRefreshMs, seconds * 1000 * (0.5 + 0.3 * random())));
    this.#trust(source);
    if (this.#isToldRegistered) return;
    this.#isToldRegistered = true;
    this.#safely(() => onRegistered(answer));
  }

  #failed({ kind, code, sipStatus, retryAfterMs }: Exclude<RegistrarAnswer, { kind: 'granted' }>): void {
    const { clock, random, settings, onFailed } = this.#options;
    const before = this.#failure;
    const failure = { code, sipStatus, at: clock.now() };
    this.#dropGrant();
    if (code === 'nothing-granted') this.#heldUntil = 0;
    this.#failure = failure;
    this.#failures += 1;
    const refusedMs = settings.refusedRetryMs * (0.75 + 0.25 * random());
    const backOffMs =
      kind === 'refused'
        ? // A wrong password is not shown sooner, whoever asks for that.
          code === 'refused' && retryAfterMs !== null
          ? Math.min(Math.max(retryAfterMs, settings.retryMs), Math.max(refusedMs, settings.longestRetryMs))
          : refusedMs
        : Math.max(this.#backOffMs(this.#failures), Math.min(retryAfterMs ?? 0, settings.longestRetryMs));
    this.#later(backOffMs);
    if (kind === 'refused') this.#trust(null);
    else this.#trustUntilOver();
    if (before?.code === code && before.sipStatus === sipStatus) return;
    this.#isToldRegistered = false;
    this.#safely(() => onFailed(failure));
  }

  /** A fault of ours fails the round as a registrar would. */
  #broken(error: unknown): void {
    this.#options.onBroken(error);
    if (this.#enter('failed'))
      this.#failed({ ...{ kind: 'failed', code: 'unavailable', sipStatus: null, retryAfterMs: null } });
  }

  #safely(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.onBroken(error);
    }
  }

  /** What fails after it stood for a while has not failed in a row. */
  #dropGrant(): void {
    const stoodMs = this.#options.clock.now() - this.#grantedAt;
    if (this.#grant !== null && stoodMs > steadyMs) this.#failures = 0;
    this.#grant = null;
  }

  #trust(source: string | null): void {
    this.#distrust?.cancel();
    this.#distrust = null;
    if (this.#source === source) return;
    this.#source = source;
    this.#safely(() => this.#options.onSource(source));
  }

  /** The registrar may send calls until what it granted is over. */
  #trustUntilOver(): void {
    const { clock } = this.#options;
    this.#distrust?.cancel();
    const leftMs = this.#heldUntil - clock.now();
    if (leftMs > 0 && this.#source !== null) this.#distrust = clock.after(leftMs, () => this.#trust(null));
    else this.#trust(null);
  }

  /** RFC 5626 §4.5: twice as much with each failure, between half and all of it. */
  #backOffMs(failures: number): number {
    const { settings, random } = this.#options;
    const longestMs = Math.min(settings.longestRetryMs, settings.retryMs * 2 ** Math.min(failures - 1, 20));
    return longestMs * (0.5 + 0.5 * random());
  }
}
