/** What becomes of a call that comes in by a number: it is let in, its caller is asked for a PIN, or it is refused. */
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { Logger } from '../logger.js';
import { NetworkList } from '../network-list.js';
import { Refusal } from '../refusal.js';
import type { SessionService } from '../sessions/session-service.js';
import type { TransferService } from '../transfers/transfer-service.js';
import type { NewTransfer, Transfer } from '../transfers/transfer.js';
import type {
  AskApplication,
  DialIn,
  IncomingCall,
  NormalizeNumber,
  NumberRoute,
  NumberStore,
  PhoneNumber,
} from './phone-number.js';
import { PinChecker, type PinCaller, type PinLimits } from './pin-checker.js';
import { hashPin } from './pin.js';
import { PinDialogue, type PinDialogueLimits } from './pin-dialogue.js';

export interface NumberCallLimits {
  /** How long the token and the code of a call work: it follows at once. */
  readonly ttlSeconds: number;
  readonly pins: PinLimits;
  /** Limits of the dialogue with a caller whom we ask for the PIN ourselves. */
  readonly pinDialogue: PinDialogueLimits;
  /** The country of numbers that are dialled in national form; null: they must be international. */
  readonly defaultCountry: string | null;
}

export interface NumberCallsOptions {
  readonly numbers: Pick<NumberStore, 'findNumber' | 'findNumberByE164' | 'findPin' | 'pinLength'>;
  readonly transfers: Pick<TransferService, 'create' | 'findByKey' | 'credentialsOf' | 'reportCompleted'>;
  readonly sessions: Pick<SessionService, 'createParticipant' | 'addParticipant' | 'deleteParticipant'>;
  readonly normalize: NormalizeNumber;
  readonly ask: AskApplication;
  /** The keys of the PINs' hashes; the first is in force, the others were used before. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: NumberCallLimits;
}

/** What is done with a call. */
export type CallDecision =
  | {
      readonly kind: 'transfer';
      readonly transfer: Transfer;
      readonly token: string;
      readonly joinCode: string;
    }
  | { readonly kind: 'ask-pin'; readonly prompt: string | null; readonly isRetry: boolean }
  | { readonly kind: 'refuse'; readonly reason: CallRefusal };

export type CallRefusal =
  | 'session-full'
  | 'session-gone'
  | 'refused'
  | 'application-failed'
  | 'too-many-guesses'
  | 'call-over';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class NumberCalls {
  readonly #options: NumberCallsOptions;
  readonly #pins: PinChecker;
  /** Calls being decided, by their key and what is asked: a repeated request waits for the first one's answer. */
  readonly #deciding = new Map<string, Promise<CallDecision>>();

  constructor(options: NumberCallsOptions) {
    this.#options = options;
    const { numbers, secrets, clock, logger, limits } = options;
    this.#pins = new PinChecker({ numbers, secrets, clock, logger, limits: limits.pins });
  }

  /** The number with a hook of that platform, named by its id or by the number itself; null where there is none. */
  async findHook(platform: string, name: string): Promise<PhoneNumber | null> {
    const found = uuid.test(name)
      ? await this.#options.numbers.findNumber(name.toLowerCase())
      : await this.#findDialled(name);
    return found?.platform === platform ? found : null;
  }

  /** Decides what a call gets that came in by the number: the same for the same call, however often it is asked, and at once. */
  decide(number: PhoneNumber, call: IncomingCall): Promise<CallDecision> {
    if (number.route.kind === 'pin') {
      return Promise.resolve({ kind: 'ask-pin', prompt: number.route.prompt, isRetry: false });
    }
    return this.#once(number, call, () => this.#route(number, call));
  }

  /** Decides by the digits that the caller keyed in; after wrong ones the PIN is asked for again, until there were too many. */
  decidePin(number: PhoneNumber, call: IncomingCall, digits: string): Promise<CallDecision> {
    if (number.route.kind !== 'pin') return this.decide(number, call);
    const { prompt } = number.route;
    const decide = async (): Promise<CallDecision> => {
      const caller = { from: call.from, source: null, callId: call.voiceCallId };
      const verdict = await this.#pins.check(number.id, caller, digits);
      switch (verdict.result) {
        case 'right':
          return this.#transfer(number, call, { sessionId: verdict.sessionId });
        case 'wrong':
          return { kind: 'ask-pin', prompt, isRetry: true };
        case 'too-many-guesses':
          return { kind: 'refuse', reason: verdict.result };
      }
    };
    // Other digits of the same call are another question. A map's keys may be seen in a dump of the memory, and a PIN is a secret.
    return this.#once(number, call, decide, hashPin(this.#options.secrets[0] ?? '', number.id, digits));
  }

  /** The platform reports that the call is over. */
  async reportCompleted(number: PhoneNumber, voiceCallId: string, cause: string | null): Promise<void> {
    await this.#options.transfers.reportCompleted(number.accountId, keyOf(number, voiceCallId), cause);
  }

  /** Whose number it is, as it was dialled; null where it is nobody's. */
  async accountOf(dialled: string): Promise<string | null> {
    return (await this.#findDialled(dialled))?.accountId ?? null;
  }

  /**
   * Lets in a SIP call without a token, because of the number it was sent to and the network or the account's trunk it came
   * from; null where that does not let it in. Throws Refusal.
   */
  async dialIn(
    dialled: string,
    source: string,
    call: IncomingCall,
    trunkAccountId: string | null = null,
  ): Promise<DialIn | null> {
    const number = await this.#findDialled(dialled);
    if (number === null) return null;
    const isOverTrunk = number.accountId === trunkAccountId;
    if (!isOverTrunk && !new NetworkList(number.allowFrom).has(source)) return null;
    const decision = await this.decide(number, call);
    if (decision.kind === 'transfer') {
      return { credential: { kind: 'jwt', value: decision.token }, attendant: null };
    }
    if (decision.kind === 'ask-pin') {
      return this.#askOurselves(number, { from: call.from, source, callId: call.voiceCallId });
    }
    const { accountId } = number;
    if (decision.reason === 'session-full') throw new Refusal('session-full', null, { accountId });
    throw new Refusal('participant-gone', decision.reason, { accountId });
  }

  /** Makes a participant without a session for the call, and who asks it for its PIN; the participant goes with the call. */
  async #askOurselves({ id, accountId, participant }: PhoneNumber, caller: PinCaller): Promise<DialIn> {
    const { numbers, sessions, clock, logger, limits } = this.#options;
    const pinLength = await numbers.pinLength(id);
    const created = await sessions.createParticipant(accountId, {
      ...participant,
      publishPermissions: participant.publishPermissions ?? ['AUDIO'],
      tokenUse: 'once',
    });
    const participantId = created.participant.id;
    const attendant = new PinDialogue({
      check: (digits) => this.#pins.check(id, caller, digits),
      enter: (sessionId) => sessions.addParticipant(accountId, sessionId, participantId, { sessionId }),
      remove: () => sessions.deleteParticipant(accountId, participantId),
      clock,
      logger: logger.child({ numberId: id, participantId }),
      pinLength,
      limits: limits.pinDialogue,
    });
    return { credential: { kind: 'jwt', value: created.token }, attendant };
  }

  async #findDialled(text: string): Promise<PhoneNumber | null> {
    const { normalize, numbers, limits } = this.#options;
    const e164 = normalize(text, limits.defaultCountry);
    return e164 === null ? null : numbers.findNumberByE164(e164);
  }

  #once(
    number: PhoneNumber,
    call: IncomingCall,
    decide: () => Promise<CallDecision>,
    question = '',
  ): Promise<CallDecision> {
    const key = `${number.accountId} ${question} ${keyOf(number, call.voiceCallId)}`;
    const under = this.#deciding.get(key);
    if (under !== undefined) return under;
    const decision = this.#known(number, call)
      .then((known) => known ?? decide())
      .finally(() => this.#deciding.delete(key));
    this.#deciding.set(key, decision);
    return decision;
  }

  async #known(number: PhoneNumber, call: IncomingCall): Promise<CallDecision | null> {
    const { transfers, clock } = this.#options;
    const transfer = await transfers.findByKey(number.accountId, keyOf(number, call.voiceCallId));
    if (transfer === null) return null;
    if (transfer.expiresAt <= clock.now()) return { kind: 'refuse', reason: 'call-over' };
    return { kind: 'transfer', transfer, ...transfers.credentialsOf(transfer) };
  }

  async #route(number: PhoneNumber, call: IncomingCall): Promise<CallDecision> {
    const { route } = number;
    switch (route.kind) {
      case 'session':
        return this.#transfer(number, call, { sessionId: route.sessionId });
      case 'new-session':
        return this.#transfer(number, call, { newSession: { tag: route.tag } });
      case 'pin':
        return { kind: 'ask-pin', prompt: route.prompt, isRetry: false };
      case 'application':
        return this.#askApplication(number, route, call);
    }
  }

  async #askApplication(
    number: PhoneNumber,
    route: Extract<NumberRoute, { kind: 'application' }>,
    call: IncomingCall,
  ): Promise<CallDecision> {
    const { ask, logger } = this.#options;
    try {
      const { platform } = number;
      const answer = await ask(route, { numberId: number.id, number: number.number, platform, call });
      if ('refused' in answer) {
        logger.info({ numberId: number.id }, 'an application refused a call');
        return { kind: 'refuse', reason: 'refused' };
      }
      const { destination, ...participant } = answer;
      return await this.#transfer(number, call, destination, participant);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'store-unavailable') throw error;
      logger.warn({ err: error, numberId: number.id }, 'an application did not say where a call goes');
      return { kind: 'refuse', reason: 'application-failed' };
    }
  }

  async #transfer(
    number: PhoneNumber,
    call: IncomingCall,
    destination: NewTransfer['destination'],
    wanted: Partial<PhoneNumber['participant']> = {},
  ): Promise<CallDecision> {
    const { participant } = number;
    const publishPermissions = wanted.publishPermissions ?? participant.publishPermissions;
    try {
      const { transfer, token, joinCode } = await this.#options.transfers.create(number.accountId, {
        destination,
        tag: wanted.tag ?? participant.tag,
        displayName: wanted.displayName ?? participant.displayName,
        ...(publishPermissions === null ? {} : { publishPermissions }),
        voiceCallId: call.voiceCallId,
        platform: number.platform,
        numberId: number.id,
        ttlSeconds: this.#options.limits.ttlSeconds,
        key: keyOf(number, call.voiceCallId),
        removesParticipant: true,
      });
      return { kind: 'transfer', transfer, token, joinCode };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.code === 'session-full') return { kind: 'refuse', reason: 'session-full' };
      if (error.code === 'session-not-found') return { kind: 'refuse', reason: 'session-gone' };
      // Another question about the call was answered first, with another session: one call goes to one.
      const known = error.code === 'transfer-key-reused' ? await this.#known(number, call) : null;
      if (known !== null) return known;
      throw error;
    }
  }
}

/** The idempotency key of a call: requests about the same call to the same number have the same. */
function keyOf(number: PhoneNumber, voiceCallId: string): string {
  return `number ${number.id} ${voiceCallId}`;
}
