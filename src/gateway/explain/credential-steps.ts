/** Steps of an explanation: what the call shows, and what it is worth. Never the credential itself. */
import { hashJoinCode } from '../../domain/participants/join-code.js';
import type { ParticipantStore } from '../../domain/participants/participant-store.js';
import type { Credential, TokenCodec, TokenVerification } from '../../domain/participants/token.js';
import type { Clock } from '../../domain/clock.js';
import { maxCodes } from '../../domain/legs/first-good.js';
import type { Guesses } from '../../domain/legs/guess-limiter.js';
import { credentialPlaces } from '../../doors/sip/credential-places.js';
import { dialledNumber, findCredentials } from '../../doors/sip/credential.js';
import type { Question } from './question.js';
import { noted, passed, refused, unknown, type Step } from './step.js';

export interface FoundCredential {
  readonly step: Step;
  /** What counts of it, as far as that is known without looking anything up. */
  readonly credential: Credential | null;
  /** All that are shown, in the order in which they count. */
  readonly credentials: readonly Credential[];
  /** Where that is a code: all that are shown, in the order in which they are looked up. */
  readonly codes: readonly string[];
}

const kinds = { jwt: 'a token', 'join-code': 'what has the form of a join code' } as const;

export function credentialStep(
  { asked }: Question,
  tokenHeaders: readonly string[],
  worthOf: (token: string) => TokenVerification['result'],
): FoundCredential {
  const places = credentialPlaces(asked, tokenHeaders);
  const { credentials, voiceCallId } = findCredentials(asked, tokenHeaders);
  const credential = countingOf(credentials, worthOf);
  const codes = credentials.flatMap(({ kind, value }) => (kind === 'join-code' ? [value] : []));
  const lookedAt = places.map(({ place, isThere, credential: found }) => {
    const what =
      found !== null ? kinds[found.kind] : isThere ? 'nothing of the form of a credential' : 'nothing';
    return `${place}: ${what}`;
  });
  const dialled = dialledNumber(asked.uri);
  const details = { lookedAt, voiceCallId };
  if (credential !== null) {
    const used = places.find(
      ({ credential: found }) => found?.kind === credential.kind && found.value === credential.value,
    );
    const place = used?.place ?? 'a place of its own';
    const step = passed('credential', `${kinds[credential.kind]} in ${place}`, {
      ...{ ...details, place, kind: credential.kind },
    });
    return { step, credential, credentials, codes };
  }
  const text = 'it shows no credential in any of the places that are looked at';
  if (dialled !== null)
    return {
      step: noted('credential', `${text}; it calls a number`, details),
      credential,
      credentials,
      codes,
    };
  return {
    step: refused('credential', text, { sipStatus: 403, reason: 'token-missing' }, details),
    ...{ credential, credentials, codes },
  };
}

/** A token that is good, else the first code, else a token that was, else the first that is none of ours: see `firstGood`. */
function countingOf(
  credentials: readonly Credential[],
  worthOf: (token: string) => TokenVerification['result'],
): Credential | null {
  const worthy = (result: TokenVerification['result']) =>
    credentials.find(({ kind, value }) => kind === 'jwt' && worthOf(value) === result);
  const code = credentials.find(({ kind }) => kind === 'join-code');
  return worthy('valid') ?? code ?? worthy('expired') ?? credentials[0] ?? null;
}

/** What a credential is worth, and whom it stands for. */
export interface Verdict {
  readonly step: Step;
  /** Null where it stands for nobody, or for nobody that this account is told of. */
  readonly participantId: string | null;
}

const foreign = 'of another account or unknown';

export function jwtStep(token: string, tokens: TokenCodec, clock: Clock): Verdict {
  const { result, ...rest } = tokens.verify(token, clock.now());
  const { header, expiresAt } = readJwt(token);
  if (result === 'invalid') {
    const why =
      header === null
        ? 'it has not the form of a token: it was changed or cut off on its way, or is none'
        : header.alg !== 'HS256'
          ? 'it is signed by another algorithm than HS256'
          : 'its signature is not ours: made with another secret, or changed on its way';
    return {
      step: refused('token', why, { sipStatus: 403, reason: 'token-invalid' }),
      participantId: null,
    };
  }
  const { participantId } = rest as { readonly participantId: string };
  const details = { expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() };
  const step =
    result === 'valid'
      ? passed('token', 'its signature is ours and it has not expired', details)
      : refused(
          'token',
          'its signature is ours, and it has expired',
          { sipStatus: 403, reason: 'token-expired' },
          details,
        );
  return { step, participantId };
}

/** Its header and expiry, as they are written and not to be trusted; null where they cannot be read. */
function readJwt(token: string): {
  readonly header: { alg?: unknown } | null;
  readonly expiresAt: number | null;
} {
  const [header = '', payload = ''] = token.split('.');
  const { exp } = (readJson(payload) ?? {}) as { readonly exp?: unknown };
  const isTime = typeof exp === 'number' && exp > 0 && exp < 1e11;
  return { header: readJson(header), expiresAt: isTime ? exp * 1000 : null };
}

function readJson(base64url: string): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

export interface JoinCodeLookup {
  readonly store: Pick<ParticipantStore, 'findJoinCode' | 'findParticipant'>;
  readonly guesses: Guesses;
  readonly clock: Clock;
}

/** The first of several that is this account's; else what is told of the first. */
export async function joinCodesStep(
  codes: readonly string[],
  accountId: string,
  lookup: JoinCodeLookup,
): Promise<Verdict> {
  const [first = '', ...rest] = codes.slice(0, maxCodes);
  const verdict = await joinCodeStep(first, accountId, lookup);
  for (const code of verdict.participantId === null ? rest : []) {
    const other = await joinCodeStep(code, accountId, lookup);
    if (other.participantId !== null) return other;
  }
  return verdict;
}

/** Codes of others are counted as guesses, and told of in the same words as those that nobody has: nothing is found out by asking. */
async function joinCodeStep(code: string, accountId: string, lookup: JoinCodeLookup): Promise<Verdict> {
  const { store, guesses, clock } = lookup;
  const guesser = `explain ${accountId}`;
  if (!(await guesses.take(guesser)))
    return {
      step: unknown(
        'token',
        'too many codes that are not this account’s were asked about: none is looked up until the minute is over',
      ),
      participantId: null,
    };
  let isOwn = false;
  try {
    const found = await store.findJoinCode(hashJoinCode(code));
    // Looked for in either case, so that the time it takes tells nothing.
    const participant = await store.findParticipant(found?.participantId ?? 'nobody');
    isOwn = participant?.accountId === accountId;
    if (found === null || !isOwn)
      return {
        step: unknown(
          'token',
          `a join code ${foreign}: where nobody has it, a call that shows nothing else and calls no number that answers is refused with 403 token-invalid`,
        ),
        participantId: null,
      };
    const { participantId, expiresAt } = found;
    const details = { expiresAt: new Date(expiresAt).toISOString() };
    const step =
      expiresAt > clock.now()
        ? passed('token', 'a join code of this account, which has not expired', details)
        : refused(
            'token',
            'a join code of this account, which has expired',
            { sipStatus: 403, reason: 'token-expired' },
            details,
          );
    return { step, participantId };
  } finally {
    await guesses.settle(guesser, isOwn);
  }
}
