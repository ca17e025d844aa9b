/** REST as an application uses it: HTTP Basic, JSON, one method per request. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or undefined where there is no body. */
  readonly body: unknown;
}

export interface Leg {
  readonly id: string;
  readonly participantId: string;
  readonly sessionId: string | null;
  readonly kind: string | null;
  readonly callId: string;
  readonly state: string;
  readonly held: boolean;
  readonly streams: readonly { readonly id: string; readonly alias: string }[];
  /** Null before its media is open. */
  readonly quality: { readonly packetsReceived: number } | null;
}

export interface NewcomerOptions {
  /** What it receives; default the whole session. */
  readonly subscriptions?: object;
  /** Further fields of `POST /participants`. */
  readonly fields?: object;
}

export interface Newcomer {
  readonly id: string;
  readonly token: string;
  readonly joinCode: string;
}

export class RestClient {
  readonly #base: string;
  readonly #authorization: string;

  constructor(origin: string, account: string, username: string, password: string) {
    this.#base = `${origin}/v1/accounts/${account}`;
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  get base(): string {
    return this.#base;
  }

  get headers(): Record<string, string> {
    return { authorization: this.#authorization };
  }

  async request(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  }

  /** Fails unless the status is a success. */
  async done<T = undefined>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }

  async createSession(tag?: string): Promise<string> {
    const session = await this.done<{ id: string }>('POST', '/sessions', tag === undefined ? {} : { tag });
    return session.id;
  }

  async createParticipant(fields: object = {}): Promise<Newcomer> {
    const created = await this.done<{ participant: { id: string }; token: string; joinCode: string }>(
      'POST',
      '/participants',
      { publishPermissions: ['AUDIO', 'VIDEO'], deviceApiVersion: 'V3', ...fields },
    );
    return { id: created.participant.id, token: created.token, joinCode: created.joinCode };
  }

  async addToSession(sessionId: string, participantId: string, subscriptions?: object): Promise<void> {
    await this.done(
      'PUT',
      `/sessions/${sessionId}/participants/${participantId}`,
      subscriptions ?? { sessionId },
    );
  }

  /** A new participant in the session. */
  async newcomer(sessionId: string, { subscriptions, fields }: NewcomerOptions = {}): Promise<Newcomer> {
    const created = await this.createParticipant(fields);
    await this.addToSession(sessionId, created.id, subscriptions);
    return created;
  }

  async legs(): Promise<readonly Leg[]> {
    return this.done<Leg[]>('GET', '/legs');
  }
}
