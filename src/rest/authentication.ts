/** HTTP Basic (RFC 7617): the time it takes tells a stranger nothing, and guessing is limited. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { sourceOf } from '../domain/address-source.js';
import type { Clock } from '../domain/clock.js';
import { GuessLimiter } from '../domain/legs/guess-limiter.js';
import { RestError } from './rest-error.js';

export interface AccountCredentials {
  readonly accountId: string;
  readonly username: string;
  readonly password: string;
}

export interface AuthenticationLimits {
  /** Wrong credentials per source and minute before 429 is answered. */
  readonly failuresPerMinute: number;
  /** Sources remembered at once. */
  readonly maxSources: number;
}

interface KnownCredentials {
  readonly accountId: string;
  readonly password: Buffer;
}

export class Authenticator {
  /** Both sides of every comparison are hashed with it, so that they have one length and their difference tells nothing. */
  readonly #key = randomBytes(32);
  readonly #byUsername = new Map<string, KnownCredentials[]>();
  /** What an unknown user's password is compared with, so that it costs the same. */
  readonly #nobody: readonly KnownCredentials[] = [{ accountId: '', password: randomBytes(32) }];
  readonly #limiter: GuessLimiter;
  readonly #maxSources: number;
  /**
   * Sources together with credentials that were right there, and the accounts that those are for: these go on working while
   * somebody else at the source guesses, and are not compared again.
   */
  readonly #proven = new Map<string, readonly string[]>();

  constructor(accounts: readonly AccountCredentials[], limits: AuthenticationLimits, clock: Clock) {
    for (const { accountId, username, password } of accounts) {
      const name = this.#hash(username).toString('base64');
      const known = this.#byUsername.get(name) ?? [];
      known.push({ accountId, password: this.#hash(password) });
      this.#byUsername.set(name, known);
    }
    this.#maxSources = limits.maxSources;
    this.#limiter = new GuessLimiter(
      { maxFailuresPerMinute: limits.failuresPerMinute, maxSources: limits.maxSources },
      clock,
    );
  }

  /**
   * Checks that the credentials are right and for this account; null for what is no account's. Throws RestError `unauthorized`,
   * `wrong-account`, or `too-many-failures` after too many wrong ones from the address.
   */
  authenticate(authorization: string | undefined, accountId: string | null, address: string): void {
    const source = sourceOf(address);
    if (authorization === undefined) throw unauthorized();
    const proof = `${source} ${this.#hash(authorization).toString('base64')}`;
    const accounts = this.#proven.get(proof) ?? this.#prove(authorization, source);
    this.#remember(proof, accounts);
    if (accountId === null)
      throw new RestError('wrong-account', 'No account runs this gateway: operatorAccount is not set');
    if (!accounts.includes(accountId)) {
      throw new RestError('wrong-account', 'These credentials are not for this account');
    }
  }

  /** The accounts that the credentials are for. Throws as `authenticate`. */
  #prove(authorization: string, source: string): readonly string[] {
    if (this.#limiter.isBlocked(source))
      throw new RestError('too-many-failures', 'Too Many Requests', { headers: { 'retry-after': '60' } });
    const given = parseBasic(authorization);
    const password = this.#hash(given?.password ?? '');
    const known = this.#byUsername.get(this.#hash(given?.username ?? '').toString('base64')) ?? this.#nobody;
    const matching = known.filter((candidate) => timingSafeEqual(candidate.password, password));
    if (given === null || matching.length === 0) {
      this.#limiter.failed(source);
      throw unauthorized();
    }
    return matching.map((candidate) => candidate.accountId);
  }

  #hash(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #remember(proof: string, accounts: readonly string[]): void {
    this.#proven.set(proof, accounts);
    if (this.#proven.size <= this.#maxSources) return;
    const oldest = this.#proven.keys().next();
    if (oldest.done !== true) this.#proven.delete(oldest.value);
  }
}

function unauthorized(): RestError {
  return new RestError('unauthorized', 'Unauthorized', {
    headers: { 'www-authenticate': 'Basic realm="Landbridge", charset="UTF-8"' },
  });
}

function parseBasic(authorization: string): { username: string; password: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
