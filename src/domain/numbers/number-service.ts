/** Numbers and their PINs, and the way of a call that comes in by one. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { GuessLimits } from '../legs/guess-limiter.js';
import type { Logger } from '../logger.js';
import { isNetwork, NetworkList } from '../network-list.js';
import type { MediaType } from '../media-plane.js';
import type {
  AskApplication,
  DialIn,
  IncomingCall,
  NormalizeNumber,
  NumberPin,
  NumberRoute,
  NumberStore,
  PhoneNumber,
} from './phone-number.js';
import { PinChecker } from './pin-checker.js';
import { PinDialogue, type PinDialogueLimits } from './pin-dialogue.js';
import { createPin, hashPin, isPin } from './pin.js';
import { Refusal } from '../refusal.js';
import type { SessionService } from '../sessions/session-service.js';
import type { TransferService } from '../transfers/transfer-service.js';
import type { NewTransfer, Transfer } from '../transfers/transfer.js';

export interface NumberLimits {
  readonly maxPinsPerNumber: number;
  /** Of a transfer that a number makes: the call follows at once. */
  readonly ttlSeconds: number;
  /** Wrong PINs of one caller to one number. */
  readonly pinGuesses: GuessLimits;
  /** Wrong PINs to one number, whoever calls, in a minute. */
  readonly maxWrongPinsPerNumber: number;
  /** Where we ask the caller ourselves. */
  readonly pinDialogue: PinDialogueLimits;
  /** Country of numbers in national form; null: they must be international. */
  readonly defaultCountry: string | null;
}

export interface NumberServiceOptions {
  readonly numbers: NumberStore;
  readonly transfers: TransferService;
  readonly sessions: Pick<
    SessionService,
    'getSession' | 'createParticipant' | 'addParticipant' | 'deleteParticipant'
  >;
  readonly normalize: NormalizeNumber;
  readonly ask: AskApplication;
  /** What is missing in a platform's credentials, or wrong with them; null where they will do. */
  readonly credentialsProblem: (
    platform: string,
    credentials: Readonly<Record<string, string>>,
  ) => string | null;
  /** Why an application may not be asked at this URL, or null. */
  readonly urlProblem: (url: string) => string | null;
  /** Keys the hashes of PINs; the others were used before. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: NumberLimits;
}

export interface NewNumber {
  readonly number?: string | null;
  readonly country?: string | null;
  readonly platform?: string | null;
  readonly credentials?: Readonly<Record<string, string>>;
  readonly route:
    | Exclude<NumberRoute, { kind: 'application' }>
    | { readonly kind: 'application'; readonly url: string; readonly secret: string | null };
  readonly tag?: string | null;
  readonly displayName?: string | null;
  readonly publishPermissions?: readonly MediaType[] | null;
  readonly allowFrom?: readonly string[];
}

/** What is to be done with a call. */
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
  'session-full' | 'session-gone' | 'refused' | 'application-failed' | 'too-many-guesses' | 'call-over';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class NumberService {
  readonly #options: NumberServiceOptions;
  readonly #pins: PinChecker;
  /** Calls being decided, by their key: a repeated request waits for the first one's answer. */
  readonly #deciding = new Map<string, Promise<CallDecision>>();

  constructor(options: NumberServiceOptions) {
    this.#options = options;
    const { numbers, secrets, clock, logger, limits } = options;
    const { pinGuesses: guesses, maxWrongPinsPerNumber } = limits;
    this.#pins = new PinChecker({ numbers, secrets, clock, logger, guesses, maxWrongPinsPerNumber });
  }

  /** Throws DomainError `number-unusable`, `number-taken`, `session-not-found`. */
  async create(accountId: string, wanted: NewNumber): Promise<PhoneNumber> {
    const number = await this.#checked(accountId, randomUUID(), wanted, null);
    if (!(await this.#options.numbers.createNumber(number))) throw taken();
    return number;
  }

  /** Replaces all; credentials and the secret of the application stay where none are given. */
  async replace(accountId: string, numberId: string, wanted: NewNumber): Promise<PhoneNumber> {
    const before = await this.get(accountId, numberId);
    const number = await this.#checked(accountId, numberId, wanted, before);
    const result = await this.#options.numbers.replaceNumber(number);
    if (result === 'taken') throw taken();
    if (result === 'gone') throw notFound();
    return number;
  }

  async get(accountId: string, numberId: string): Promise<PhoneNumber> {
    const number = await this.#options.numbers.getNumber(accountId, numberId);
    if (number === null) throw notFound();
    return number;
  }

  list(accountId: string, limit: number): Promise<readonly PhoneNumber[]> {
    return this.#options.numbers.listNumbers(accountId, limit);
  }

  async delete(accountId: string, numberId: string): Promise<void> {
    if (!(await this.#options.numbers.deleteNumber(accountId, numberId))) throw notFound();
  }

  /** Makes a PIN of six digits where none is given. Throws DomainError `pin-unusable`, `pin-taken`. */
  async addPin(
    accountId: string,
    numberId: string,
    sessionId: string,
    wanted: string | null,
  ): Promise<NumberPin & { readonly pin: string }> {
    const { numbers, sessions, secrets, clock, limits } = this.#options;
    const number = await this.get(accountId, numberId);
    if (number.route.kind !== 'pin') throw new DomainError('pin-unusable', 'The number asks for no PIN');
    if (wanted !== null && !isPin(wanted)) throw new DomainError('pin-unusable', 'A PIN has 4 to 12 digits');
    await sessions.getSession(accountId, sessionId);
    const attempts = wanted === null ? 10 : 1;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const pin = wanted ?? createPin();
      const pinHash = hashPin(secrets[0] ?? '', numberId, pin);
      const { length } = pin;
      const stored = { id: randomUUID(), numberId, pinHash, sessionId, length, createdAt: clock.now() };
      if (await numbers.createPin(stored, limits.maxPinsPerNumber)) return { ...stored, pin };
    }
    throw new DomainError('pin-taken', 'The number has this PIN already, or too many of them');
  }

  async listPins(accountId: string, numberId: string): Promise<readonly NumberPin[]> {
    await this.get(accountId, numberId);
    return this.#options.numbers.listPins(numberId);
  }

  async removePin(accountId: string, numberId: string, pinId: string): Promise<void> {
    await this.get(accountId, numberId);
    if (!(await this.#options.numbers.deletePin(numberId, pinId))) {
      throw new DomainError('pin-not-found', 'PIN not found');
    }
  }

  /** The number whose hook of that platform it is, by its id or by the number itself; null where there is none. */
  async findHook(platform: string, name: string): Promise<PhoneNumber | null> {
    const found = uuid.test(name)
      ? await this.#options.numbers.findNumber(name.toLowerCase())
      : await this.#findDialled(name);
    return found?.platform === platform ? found : null;
  }

  /** What a call that came in by the number gets: the same for the same call, however often and at once it is asked. */
  decide(number: PhoneNumber, call: IncomingCall): Promise<CallDecision> {
    if (number.route.kind === 'pin') {
      return Promise.resolve({ kind: 'ask-pin', prompt: number.route.prompt, isRetry: false });
    }
    return this.#once(number, call, () => this.#route(number, call));
  }

  /** The same for digits that were keyed in; wrong ones are asked for again until there were too many. */
  decidePin(number: PhoneNumber, call: IncomingCall, digits: string): Promise<CallDecision> {
    if (number.route.kind !== 'pin') return this.decide(number, call);
    const { prompt } = number.route;
    return this.#once(number, call, async () => {
      const verdict = await this.#pins.check(number.id, call.from, digits);
      switch (verdict.result) {
        case 'right':
          return this.#transfer(number, call, { sessionId: verdict.sessionId });
        case 'wrong':
          return { kind: 'ask-pin', prompt, isRetry: true };
        case 'too-many-guesses':
          return { kind: 'refuse', reason: verdict.result };
      }
    });
  }

  /** The platform reports that the call is over. */
  async reportCompleted(number: PhoneNumber, voiceCallId: string, cause: string | null): Promise<void> {
    await this.#options.transfers.reportCompleted(number.accountId, keyOf(number, voiceCallId), cause);
  }

  /**
   * What lets a SIP call without a token in, because of the number it was sent to and the network it came from; null where
   * nothing does. Throws Refusal.
   */
  async dialIn(dialled: string, source: string, call: IncomingCall): Promise<DialIn | null> {
    const number = await this.#findDialled(dialled);
    if (number === null || !new NetworkList(number.allowFrom).has(source)) return null;
    const decision = await this.decide(number, call);
    if (decision.kind === 'transfer') {
      return { credential: { kind: 'jwt', value: decision.token }, attendant: null };
    }
    if (decision.kind === 'ask-pin') return this.#askOurselves(number, call);
    if (decision.reason === 'session-full') throw new Refusal('session-full');
    throw new Refusal('participant-gone', decision.reason);
  }

  /** A participant without a session for the call, and who asks it for its PIN; it goes with the call. */
  async #askOurselves({ id, accountId, participant }: PhoneNumber, call: IncomingCall): Promise<DialIn> {
    const { numbers, sessions, clock, logger, limits } = this.#options;
    const pinLength = await numbers.pinLength(id);
    const created = await sessions.createParticipant(accountId, {
      ...participant,
      publishPermissions: participant.publishPermissions ?? ['AUDIO'],
      tokenUse: 'once',
    });
    const participantId = created.participant.id;
    const attendant = new PinDialogue({
      check: (digits) => this.#pins.check(id, call.from, digits),
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

  #once(number: PhoneNumber, call: IncomingCall, decide: () => Promise<CallDecision>): Promise<CallDecision> {
    const key = `${number.accountId} ${keyOf(number, call.voiceCallId)}`;
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
      throw error;
    }
  }

  async #checked(
    accountId: string,
    id: string,
    wanted: NewNumber,
    before: PhoneNumber | null,
  ): Promise<PhoneNumber> {
    const { normalize, credentialsProblem, urlProblem, sessions, clock, limits } = this.#options;
    const country = wanted.country ?? limits.defaultCountry;
    const text = wanted.number ?? null;
    const number = text === null ? null : normalize(text, country);
    if (text !== null && number === null) throw unusable('This is no phone number');
    const platform = wanted.platform ?? null;
    const isSamePlatform = before !== null && before.platform === platform;
    const credentials = wanted.credentials ?? (isSamePlatform ? before.credentials : {});
    const problem = platform === null ? null : credentialsProblem(platform, credentials);
    if (problem !== null) throw unusable(problem);
    if (number === null && platform === null) throw unusable('Give a number, or the platform of a hook');
    const { route } = wanted;
    if (route.kind === 'session') await sessions.getSession(accountId, route.sessionId);
    if (route.kind === 'application') {
      const objection = urlProblem(route.url);
      if (objection !== null) throw unusable(objection);
    }
    const allowFrom = wanted.allowFrom ?? [];
    if (!allowFrom.every((network) => isNetwork(network))) {
      throw unusable('allowFrom: addresses or networks like 192.0.2.0/24');
    }
    return {
      id,
      accountId,
      number,
      platform,
      credentials,
      route: route.kind === 'application' ? withSecret(route, before) : route,
      participant: {
        tag: wanted.tag ?? null,
        displayName: wanted.displayName ?? null,
        publishPermissions: wanted.publishPermissions ?? null,
      },
      allowFrom,
      createdAt: before?.createdAt ?? clock.now(),
    };
  }
}

function withSecret(
  route: { readonly kind: 'application'; readonly url: string; readonly secret: string | null },
  before: PhoneNumber | null,
): NumberRoute {
  const kept = before?.route.kind === 'application' ? before.route.secret : null;
  return { ...route, secret: route.secret ?? kept ?? randomBytes(32).toString('base64url') };
}

/** What makes the requests about one call to one number one. */
function keyOf(number: PhoneNumber, voiceCallId: string): string {
  return `number ${number.id} ${voiceCallId}`;
}

function notFound(): DomainError {
  return new DomainError('number-not-found', 'Number not found');
}

function taken(): DomainError {
  return new DomainError('number-taken', 'This number is in use already');
}

function unusable(message: string): DomainError {
  return new DomainError('number-unusable', message);
}
