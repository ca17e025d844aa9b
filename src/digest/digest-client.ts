/** The client's side of digest authentication over several requests: what was asked for, and what was answered (RFC 7616 §3.4, RFC 3261 §22). */
import { parseChallenges, type Challenge } from './challenge.js';
import { answerChallenge, type AnsweredRequest, type ClientSecret } from './credentials.js';

const fields = { 'WWW-Authenticate': 'Authorization', 'Proxy-Authenticate': 'Proxy-Authorization' } as const;
type ChallengeField = keyof typeof fields;
const challengeFields = Object.keys(fields) as ChallengeField[];

/** `wrong`: the same was answered before, and not believed. `unanswerable`: nothing is known that would answer it. */
export type ChallengeVerdict = 'answerable' | 'wrong' | 'unanswerable';

interface Answered {
  readonly challenge: Challenge;
  /** How often its nonce was answered. */
  count: number;
}

export class DigestClient {
  readonly #secret: ClientSecret | null;
  readonly #realm: string | null;
  readonly #asked = new Map<ChallengeField, Answered>();

  /** `realm`: challenges of any other are not answered; null: all are. Without a secret none is. */
  constructor(secret: ClientSecret | null, realm: string | null = null) {
    this.#secret = secret;
    this.#realm = realm;
  }

  /** Takes what a 401 or 407 asks for, of each of its two fields the first that can be answered (RFC 8760 §2.4). */
  challenged(fieldOf: (name: ChallengeField) => string | undefined): ChallengeVerdict {
    let verdict: ChallengeVerdict = 'unanswerable';
    for (const name of challengeFields) {
      const field = fieldOf(name);
      if (field === undefined) continue;
      const challenge = parseChallenges(field).find(
        ({ realm }) => this.#realm === null || realm === this.#realm,
      );
      if (challenge === undefined || this.#secret === null) return 'unanswerable';
      const before = this.#asked.get(name);
      const isSame = before !== undefined && before.challenge.nonce === challenge.nonce && before.count > 0;
      if (isSame && !challenge.isStale) return 'wrong';
      // A nonce that is asked for once more is counted on: a count that comes twice is no answer.
      this.#asked.set(name, { challenge, count: isSame ? before.count : 0 });
      verdict = 'answerable';
    }
    return verdict;
  }

  /** The fields by which a request answers what was asked for last; none where nothing was. */
  answers(request: AnsweredRequest): Readonly<Record<string, string>> {
    const answers: Record<string, string> = {};
    if (this.#secret === null) return answers;
    for (const [name, asked] of this.#asked) {
      asked.count += 1;
      const { challenge, count } = asked;
      answers[fields[name]] = answerChallenge(challenge, this.#secret, request, { count });
    }
    return answers;
  }

  /** Nothing was asked for. */
  forget(): void {
    this.#asked.clear();
  }
}
