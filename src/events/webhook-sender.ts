/**
 * One POST to a receiver. The name is resolved once and the connection goes to one of the addresses that were checked, so a
 * name that changes its address in between (DNS rebinding) gains nothing. Redirects are not followed.
 */
import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock, Timer } from '../domain/clock.js';
import { hostOf, type AddressPolicy } from './address-policy.js';
import type { NameLookUps, ResolvedAddress } from './name-look-ups.js';

export interface OutgoingMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The answer's body is wanted too. Default false. */
  readonly readsAnswer?: boolean;
}

export type SendFailure =
  | 'address-not-allowed'
  | 'answer-too-long'
  | 'name-not-found'
  | 'connection'
  | 'timeout'
  | 'status'
  | 'url';

export type SendResult =
  | { readonly isDelivered: true; readonly status: number; readonly answer?: string }
  | { readonly isDelivered: false; readonly failure: SendFailure; readonly status?: number };

export interface MessageSender {
  /** Never rejects. */
  send(message: OutgoingMessage): Promise<SendResult>;
  /** Ends what is on its way; idempotent. */
  close(): void;
}

export interface WebhookSenderOptions {
  readonly policy: AddressPolicy;
  readonly clock: Clock;
  /** How long a message may take in all: name, connection, answer. Default 10 s. */
  readonly timeoutMs?: number;
  readonly userAgent?: string;
  readonly lookUps: Pick<NameLookUps, 'find'>;
}

/** The most that is read of an answer; a connection whose answer is longer is not kept. */
const maxAnswerBytes = 65_536;

class Failure extends Error {
  constructor(readonly failure: SendFailure) {
    super(failure);
  }
}

class StaleConnection extends Error {}

export class WebhookSender implements MessageSender {
  readonly #options: WebhookSenderOptions;
  // Kept connections were checked when they were opened.
  readonly #http = new HttpAgent({ keepAlive: true, maxFreeSockets: 64, timeout: 30_000 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxFreeSockets: 64, timeout: 30_000 });
  readonly #requests = new Set<ClientRequest>();
  readonly #timers = new Set<Timer>();
  #isClosed = false;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  async send(message: OutgoingMessage): Promise<SendResult> {
    if (this.#isClosed || !URL.canParse(message.url)) return { isDelivered: false, failure: 'url' };
    const { clock, timeoutMs = 10_000 } = this.#options;
    const deadline = new AbortController();
    const timer = clock.after(timeoutMs, () => {
      this.#timers.delete(timer);
      deadline.abort();
    });
    this.#timers.add(timer);
    const finish = () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
    try {
      const url = new URL(message.url);
      const post = () => this.#post(url, message, deadline.signal, finish);
      // A kept connection that the receiver closed at this very moment says nothing about the receiver.
      const { status, answer } = await post().catch((error: unknown) => {
        if (error instanceof StaleConnection) return post();
        throw error;
      });
      if (status >= 200 && status < 300)
        return { isDelivered: true, status, ...(answer === undefined ? {} : { answer }) };
      return { isDelivered: false, failure: 'status', status };
    } catch (error) {
      finish();
      if (error instanceof Failure) return { isDelivered: false, failure: error.failure };
      return { isDelivered: false, failure: deadline.signal.aborted ? 'timeout' : 'connection' };
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const request of this.#requests) request.destroy();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#http.destroy();
    this.#https.destroy();
  }

  /** Resolves with the answer's status, and its body where it is wanted; `finish` is called when nothing of the exchange is left. */
  async #post(url: URL, message: OutgoingMessage, signal: AbortSignal, finish: () => void): Promise<Answer> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Failure('url');
    const addresses = await abortable(this.#addresses(hostOf(url.hostname), signal), signal);
    if (this.#isClosed) throw new Failure('connection');
    const isTls = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)(url, {
        method: 'POST',
        agent: isTls ? this.#https : this.#http,
        // Called for names only; an address in the URL was checked like those.
        lookup: pinned(addresses),
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(message.body),
          'user-agent': this.#options.userAgent ?? 'Landbridge',
          ...message.headers,
        },
      });
      this.#requests.add(request);
      let hasAnswer = false;
      const isStale = () => request.reusedSocket && !hasAnswer && !signal.aborted && !this.#isClosed;
      request.on('error', (error) => reject(isStale() ? new StaleConnection() : error));
      request.on('close', () => {
        this.#requests.delete(request);
        // An answer that breaks off is told to whoever reads it.
        if (hasAnswer) finish();
        else reject(new Failure('connection'));
      });
      request.on('response', (response) => {
        hasAnswer = true;
        const status = response.statusCode ?? 0;
        if (message.readsAnswer === true) {
          read(response, request).then((answer) => resolve({ status, answer }), reject);
          return;
        }
        discard(response, request);
        resolve({ status });
      });
      request.end(message.body);
    });
  }

  /** The addresses of a host that may be used; throws Failure where there is none. */
  async #addresses(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
    const { policy, lookUps } = this.#options;
    const family = isIP(host);
    let found: readonly ResolvedAddress[] = [{ address: host, family }];
    if (family === 0) {
      try {
        found = await lookUps.find(host, signal);
      } catch {
        throw new Failure('name-not-found');
      }
    }
    if (found.length === 0) throw new Failure('name-not-found');
    const allowed = found.filter(({ address }) => policy.allows(address));
    if (allowed.length === 0) throw new Failure('address-not-allowed');
    return allowed;
  }
}

/** Answers every question with the addresses that were checked. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const wanted = addresses.filter(({ family }) => !options.family || options.family === family);
    const [first] = wanted;
    if (first === undefined) callback(new Error('no address of that family'), '');
    else if (options.all === true) callback(null, [...wanted]);
    else callback(null, first.address, first.family);
  };
}

interface Answer {
  readonly status: number;
  /** The body; missing where it was not wanted. */
  readonly answer?: string;
}

async function read(response: IncomingMessage, request: ClientRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) {
      request.destroy();
      throw new Failure('answer-too-long');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function discard(response: IncomingMessage, request: ClientRequest): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) request.destroy();
  });
  // What happens after the status changes nothing.
  response.on('error', () => undefined);
}

/** Rejects at the signal, since a look-up itself cannot be stopped. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Failure('timeout'));
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
