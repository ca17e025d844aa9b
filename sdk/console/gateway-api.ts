/** The REST API, with the gateway's own words in its errors. */
import type { CreatedParticipant, Leg, Participant, PhoneCall, Session, SessionStream } from './model.js';
import type { Subscriptions } from './subscriptions.js';

export interface Account {
  readonly accountId: string;
  readonly username: string;
  readonly password: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** HTTP status; 0 where the gateway could not be reached. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface NewParticipant {
  readonly tag?: string;
  readonly displayName?: string;
  readonly publishPermissions?: readonly string[];
}

/** Whether the gateway takes calls; if not, why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly check: string; readonly reason: string }[];
}

const requestTimeoutMs = 10_000;
/** Who is asked from time to time answers soon or is away. */
const readinessTimeoutMs = 5000;
/** The password is in a header of ours; without this a 401 would bring up the browser's own prompt (Fetch, §4.6). */
const credentials = 'omit';

export class GatewayApi {
  readonly #base: string;
  readonly #authorization: string;

  constructor({ accountId, username, password }: Account) {
    this.#base = `/v1/accounts/${encodeURIComponent(accountId)}`;
    const bytes = new TextEncoder().encode(`${username}:${password}`);
    this.#authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  }

  listSessions(): Promise<Session[]> {
    return this.#call('GET', '/sessions?limit=100');
  }

  createSession(tag: string): Promise<Session> {
    return this.#call('POST', '/sessions', tag === '' ? {} : { tag });
  }

  deleteSession(sessionId: string): Promise<void> {
    return this.#call('DELETE', `/sessions/${sessionId}`);
  }

  listParticipants(): Promise<Participant[]> {
    return this.#call('GET', '/participants?limit=200');
  }

  listMembers(sessionId: string): Promise<Participant[]> {
    return this.#call('GET', `/sessions/${sessionId}/participants`);
  }

  listStreams(sessionId: string): Promise<SessionStream[]> {
    return this.#call('GET', `/sessions/${sessionId}/streams`);
  }

  setMuted(sessionId: string, participantId: string, alias: string, muted: boolean): Promise<void> {
    const stream = `/sessions/${sessionId}/participants/${participantId}/streams/${encodeURIComponent(alias)}`;
    return this.#call('POST', `${stream}/${muted ? 'mute' : 'unmute'}`);
  }

  createParticipant(participant: NewParticipant): Promise<CreatedParticipant> {
    return this.#call('POST', '/participants', participant);
  }

  deleteParticipant(participantId: string): Promise<void> {
    return this.#call('DELETE', `/participants/${participantId}`);
  }

  addToSession(sessionId: string, participantId: string, subscriptions: Subscriptions): Promise<void> {
    return this.#call('PUT', `/sessions/${sessionId}/participants/${participantId}`, subscriptions);
  }

  removeFromSession(sessionId: string, participantId: string): Promise<void> {
    return this.#call('DELETE', `/sessions/${sessionId}/participants/${participantId}`);
  }

  setSubscriptions(sessionId: string, participantId: string, subscriptions: Subscriptions): Promise<void> {
    return this.#call(
      'PUT',
      `/sessions/${sessionId}/participants/${participantId}/subscriptions`,
      subscriptions,
    );
  }

  listLegs(): Promise<Leg[]> {
    return this.#call('GET', '/legs');
  }

  endLeg(legId: string): Promise<void> {
    return this.#call('DELETE', `/legs/${legId}`);
  }

  startPhoneCall(token: string, toneHz: number | undefined): Promise<PhoneCall> {
    return this.#call('POST', '/phone-calls', toneHz === undefined ? { token } : { token, toneHz });
  }

  getPhoneCall(callId: string): Promise<PhoneCall> {
    return this.#call('GET', `/phone-calls/${callId}`);
  }

  endPhoneCall(callId: string): Promise<void> {
    return this.#call('DELETE', `/phone-calls/${callId}`);
  }

  /** `away`: nobody answers, or a proxy says so. Null where the gateway may not be asked, as behind a proxy that keeps this to itself. */
  async readiness(): Promise<Readiness | 'away' | null> {
    let response: Response;
    let answer: unknown;
    try {
      const signal = AbortSignal.timeout(readinessTimeoutMs);
      response = await fetch('/ready', { credentials, cache: 'no-store', signal });
      answer = parseJson(await response.text());
    } catch {
      // Nobody answered in time.
      return 'away';
    }
    const { ready, reasons } = (answer ?? {}) as Partial<Readiness>;
    if (typeof ready === 'boolean') return { ready, reasons: reasons ?? [] };
    return response.status >= 500 ? 'away' : null;
  }

  /** The event stream's response; its body goes on until the signal aborts. */
  events(lastEventId: string, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {
      accept: 'text/event-stream',
      authorization: this.#authorization,
    };
    if (lastEventId !== '') headers['last-event-id'] = lastEventId;
    return fetch(`${this.#base}/events`, { headers, signal, credentials, cache: 'no-store' });
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      authorization: this.#authorization,
    };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers,
        credentials,
        cache: 'no-store',
        signal: AbortSignal.timeout(requestTimeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new ApiError(0, 'The gateway cannot be reached.');
    }
    const text = await response.text();
    const answer = parseJson(text);
    if (!response.ok) throw new ApiError(response.status, errorMessage(response.status, answer));
    return answer as T;
  }
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    // A proxy's page: the status says enough.
    return undefined;
  }
}

function errorMessage(status: number, answer: unknown): string {
  const { error } = (answer ?? {}) as { readonly error?: unknown };
  return typeof error === 'string' ? error : `The gateway answered ${status}.`;
}
