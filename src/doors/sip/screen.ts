/** Rejects INVITEs without a valid credential before anything is kept of them, so that a flood costs only their parsing. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../domain/clock.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import { maxTokens } from '../../domain/legs/first-good.js';
import { LimitedLines, strangersLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import type { TokenCodec } from '../../domain/participants/token.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { dialledNumber, findCredentials, type CredentialSource } from './credential.js';
import { refusalResponse, type RefusalResponse } from './refusal-response.js';
import { describeInvite } from './refused-invite.js';
import { contactUserOf } from './trunk-call.js';

export interface ScreenOptions {
  readonly tokenHeaders: readonly string[];
  readonly tokens: Pick<TokenCodec, 'verify'>;
  readonly retryAfterSeconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRefused: (call: RefusedCall) => void;
  /** Calls from there are some trunk's, which has rules of its own. */
  readonly isTrunkAddress: (address: string) => boolean;
  /** Calls to that user are some trunk's, which registered us. */
  readonly isTrunkContact: (user: string) => boolean;
  /**
   * What a call that shows nothing else is asked for, as values of WWW-Authenticate; empty where it answers such a challenge;
   * null where nobody is asked.
   */
  readonly challenge: (request: CredentialSource) => readonly string[] | null;
  /** A call from there may be let in because of the number that it was sent to. */
  readonly mayDialIn: (address: string) => boolean;
  /** Phones may call over trunks only, whatever they show. */
  readonly refuseStrangers: boolean;
  /** A call that the gateway makes to itself. */
  readonly isOurOwn: (request: CredentialSource, source: string) => boolean;
  /** Join codes of that guesser are not looked up at the moment. */
  readonly hasGuessedTooMuch: (guesser: string) => boolean;
}

/** How a request came. */
export interface ScreenedOrigin {
  readonly address: string;
  /** Whom wrong join codes are counted for. */
  readonly guesser: string;
  readonly isBrowser: boolean;
}

/** Why an INVITE is refused, and whom its token named. */
interface Objection {
  readonly code: RefusalCode;
  readonly participantId: string | null;
}

const maxRecent = 1000;

export class Screen {
  readonly #options: ScreenOptions;
  readonly #lines: LimitedLines;
  /** Hashes of the Call-IDs of those that were refused last: a copy of one is not counted again, nor told of. */
  readonly #recent = new Set<string>();

  constructor(options: ScreenOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#lines = new LimitedLines({
      ...{ clock, ...strangersLines },
      tellMore: (counts) => logger.warn(counts, 'more calls without a good credential were refused'),
    });
  }

  /**
   * The refusal of an INVITE that bears neither a credential nor a number that takes calls from there, or a token that is not ours or has
   * expired, or a join code that would not be looked up, or comes from no trunk and has to: it would get the same answer however
   * it were looked at. Null for any other.
   */
  refusalOf(request: CredentialSource, origin: ScreenedOrigin): RefusalResponse | null {
    const { isTrunkAddress, isTrunkContact, refuseStrangers, isOurOwn } = this.#options;
    const { address: source, isBrowser } = origin;
    const contactUser = contactUserOf(request.uri);
    if (isTrunkAddress(source) || (contactUser !== null && isTrunkContact(contactUser))) return null;
    const objection: Objection | null =
      refuseStrangers && !isBrowser && !isOurOwn(request, source)
        ? { code: 'no-trunk', participantId: null }
        : this.#objectionTo(request, origin);
    if (objection === null) return null;
    const { code } = objection;
    const challenges =
      isBrowser || objection.participantId !== null ? null : this.#challengeOf(request, code);
    // It answers a challenge of ours; whether rightly is looked at once its trunk is known.
    if (challenges?.length === 0) return null;
    if (challenges !== null) {
      const asked = refusalResponse('authentication-required', this.#options.retryAfterSeconds);
      return { ...asked, challenges };
    }
    const response = refusalResponse(code, this.#options.retryAfterSeconds);
    const callId = request.get('Call-ID') ?? '';
    if (this.#isNew(callId)) {
      this.#options.onRefused({
        ...objection,
        ...{ door: 'sip', source, accountId: null, legId: null },
        details: () => describeInvite(request, { code, sipStatus: response.status, detail: null }),
      });
      const { logger } = this.#options;
      this.#lines.write(() => logger.info({ callId, code, source }, 'call refused'), { calls: 1 });
    }
    return response;
  }

  /** Tells of the refusals whose lines were left out so far. Idempotent. */
  close(): void {
    this.#lines.close();
  }

  /** Who shows a bad token is refused for that; who shows none may be of a trunk. */
  #challengeOf(request: CredentialSource, code: RefusalCode): readonly string[] | null {
    return code === 'token-missing' || code === 'no-trunk' ? this.#options.challenge(request) : null;
  }

  #objectionTo(request: CredentialSource, origin: ScreenedOrigin): Objection | null {
    const { tokenHeaders, tokens, clock } = this.#options;
    const { credentials } = findCredentials(request, tokenHeaders);
    if (credentials.length === 0)
      return this.#mayDialIn(request, origin) ? null : { code: 'token-missing', participantId: null };
    const hasCode = credentials.some(({ kind }) => kind === 'join-code');
    if (hasCode && !this.#isVainGuess(request, origin)) return null;
    const now = clock.now();
    let objection: Objection = { code: hasCode ? 'too-many-guesses' : 'token-invalid', participantId: null };
    for (const { value } of credentials.slice(0, maxTokens)) {
      const verification = tokens.verify(value, now);
      if (verification.result === 'valid') return null;
      if (verification.result === 'expired' && !hasCode)
        objection = { code: 'token-expired', participantId: verification.participantId };
    }
    return objection;
  }

  /** Its join code would not be looked up, and neither a number nor a trunk's password lets it in. */
  #isVainGuess(request: CredentialSource, origin: ScreenedOrigin): boolean {
    const { address, guesser } = origin;
    const { hasGuessedTooMuch, isOurOwn, challenge } = this.#options;
    if (!hasGuessedTooMuch(guesser) || this.#mayDialIn(request, origin)) return false;
    // Who answers a challenge guesses under the name of the trunk.
    return !isOurOwn(request, address) && challenge(request)?.length !== 0;
  }

  #mayDialIn(request: CredentialSource, { address }: ScreenedOrigin): boolean {
    return this.#options.mayDialIn(address) && dialledNumber(request.uri) !== null;
  }

  #isNew(callId: string): boolean {
    // A stranger writes it, of any length, and a part of a message keeps the whole of it.
    const hash = createHash('sha256').update(callId).digest('base64');
    if (this.#recent.has(hash)) return false;
    this.#recent.add(hash);
    const oldest = this.#recent.values().next();
    if (this.#recent.size > maxRecent && oldest.done !== true) this.#recent.delete(oldest.value);
    return true;
  }
}
