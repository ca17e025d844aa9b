/** Numbers and their PINs, as applications manage them. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { MediaType } from '../media-plane.js';
import { isNetwork } from '../network-list.js';
import type { SessionService } from '../sessions/session-service.js';
import type { DialInNetworks } from './dial-in-networks.js';
import type { NormalizeNumber, NumberPin, NumberRoute, NumberStore, PhoneNumber } from './phone-number.js';
import { createPin, hashPin, isPin } from './pin.js';

export interface NumberLimits {
  readonly maxPinsPerNumber: number;
  /** The country of numbers that are given in national form without one; null: they must be international. */
  readonly defaultCountry: string | null;
}

export interface NumberServiceOptions {
  readonly numbers: NumberStore;
  /** Told whose calls each number takes without a token. */
  readonly networks: Pick<DialInNetworks, 'put' | 'remove'>;
  readonly sessions: Pick<SessionService, 'getSession'>;
  readonly normalize: NormalizeNumber;
  /** Says what is missing in a platform's credentials, or wrong with them; null where they will do. */
  readonly credentialsProblem: (
    platform: string,
    credentials: Readonly<Record<string, string>>,
  ) => string | null;
  /** Says why an application may not be asked at this URL; null where it may. */
  readonly urlProblem: (url: string) => string | null;
  /** The account has a trunk, over which all its numbers can be called. */
  readonly hasTrunk: (accountId: string) => boolean;
  /** Keys the hashes of new PINs. */
  readonly pinSecret: string;
  readonly clock: Clock;
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

export class NumberService {
  readonly #options: NumberServiceOptions;

  constructor(options: NumberServiceOptions) {
    this.#options = options;
  }

  /** Throws DomainError `number-unusable`, `number-taken`, `session-not-found`. */
  async create(accountId: string, wanted: NewNumber): Promise<PhoneNumber> {
    const number = await this.#checked(accountId, randomUUID(), wanted, null);
    if (!(await this.#options.numbers.createNumber(number))) throw taken();
    this.#options.networks.put(number);
    return number;
  }

  /**
   * Replaces all settings; credentials and the application's secret stay where none are given. Throws as `create`, and DomainError
   * `number-not-found`.
   */
  async replace(accountId: string, numberId: string, wanted: NewNumber): Promise<PhoneNumber> {
    const before = await this.get(accountId, numberId);
    const number = await this.#checked(accountId, numberId, wanted, before);
    const result = await this.#options.numbers.replaceNumber(number);
    if (result === 'taken') throw taken();
    if (result === 'gone') throw notFound();
    this.#options.networks.put(number);
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
    this.#options.networks.remove(numberId);
  }

  /** Makes a PIN of six digits where none is given. Throws DomainError `pin-unusable`, `pin-taken`. */
  async addPin(
    accountId: string,
    numberId: string,
    sessionId: string,
    wanted: string | null,
  ): Promise<NumberPin & { readonly pin: string }> {
    const { numbers, sessions, pinSecret, clock, limits } = this.#options;
    const number = await this.get(accountId, numberId);
    if (number.route.kind !== 'pin') throw new DomainError('pin-unusable', 'The number asks for no PIN');
    if (wanted !== null && !isPin(wanted)) throw new DomainError('pin-unusable', 'A PIN has 4 to 12 digits');
    await sessions.getSession(accountId, sessionId);
    const attempts = wanted === null ? 10 : 1;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const pin = wanted ?? createPin();
      const pinHash = hashPin(pinSecret, numberId, pin);
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

  async #checked(
    accountId: string,
    id: string,
    wanted: NewNumber,
    before: PhoneNumber | null,
  ): Promise<PhoneNumber> {
    const { normalize, credentialsProblem, urlProblem, hasTrunk, sessions, clock, limits } = this.#options;
    const country = wanted.country ?? limits.defaultCountry;
    const text = wanted.number ?? null;
    const number = text === null ? null : normalize(text, country);
    if (text !== null && number === null)
      throw unusable(
        country === null || country === ''
          ? 'number: is no phone number like +14155550123; one without + needs its country'
          : `number: is no phone number like +14155550123, nor one of ${country}`,
      );
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
      throw unusable('allowFrom: must be addresses or networks like 192.0.2.0/24');
    }
    if (platform === null && allowFrom.length === 0 && !hasTrunk(accountId)) {
      throw unusable(
        'Nobody could call this number: give the platform whose hook it is, or in allowFrom who calls over SIP, or make a trunk first',
      );
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

function notFound(): DomainError {
  return new DomainError('number-not-found', 'Number not found');
}

function taken(): DomainError {
  return new DomainError('number-taken', 'This number is in use already');
}

function unusable(message: string): DomainError {
  return new DomainError('number-unusable', message);
}
