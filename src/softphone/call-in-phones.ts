/** Phones that call in on request, so that a person at the console hears a caller without owning a phone. Real SIP, real RTP. */
import { randomUUID } from 'node:crypto';
import type { AudioSource } from './audio-source.js';
import { placeCall, type PhoneCall } from './phone-call.js';
import type { CallEnd } from './call-end.js';

export interface CallInPhonesOptions {
  /** Where they call, e.g. `127.0.0.1:5060`. Asked at each call: the port may be the system's choice. */
  readonly gateway: () => string;
  /** Header fields of an account's calls. Default none. */
  readonly headersFor?: (accountId: string) => Iterable<readonly [name: string, value: string]>;
  /** What a caller says when no tone is asked for: mono, 8 kHz, repeated. Asked for at such a call. */
  readonly voice: () => Int16Array;
  /** Calls in progress at once, over all accounts. */
  readonly maxCalls: number;
  /** Calls at once of one account. Default all. */
  readonly maxCallsPerAccount?: number;
  /** A call is hung up after this. */
  readonly maxSeconds: number;
}

export interface CallInRequest {
  readonly accountId: string;
  readonly token?: string;
  readonly joinCode?: string;
  readonly toneHz?: number;
}

export interface CallInStatus {
  readonly callId: string;
  readonly state: 'calling' | 'answered' | 'ended';
  readonly sipStatus?: number;
  readonly reason?: string;
}

interface CallIn {
  readonly accountId: string;
  status: CallInStatus;
  /** Null while it is being placed. */
  call: PhoneCall | null;
  readonly abort: AbortController;
  readonly limit: NodeJS.Timeout;
}

/** Ended calls that can still be asked about; the oldest is forgotten first. */
const rememberedCalls = 100;

export class CallInPhones {
  readonly #options: CallInPhonesOptions;
  readonly #calls = new Map<string, CallIn>();

  constructor(options: CallInPhonesOptions) {
    this.#options = options;
  }

  /** Resolves with a call that is `calling`, or with null where there are too many. Rejects where it cannot be placed at all. */
  async start(request: CallInRequest): Promise<CallInStatus | null> {
    const live = [...this.#calls.values()].filter(({ status }) => status.state !== 'ended');
    const { maxCalls, maxCallsPerAccount = maxCalls } = this.#options;
    const ofAccount = live.filter(({ accountId }) => accountId === request.accountId);
    if (live.length >= maxCalls || ofAccount.length >= maxCallsPerAccount) return null;
    const callId = randomUUID();
    const abort = new AbortController();
    const limit = setTimeout(() => abort.abort(), this.#options.maxSeconds * 1000);
    limit.unref();
    const entry: CallIn = {
      accountId: request.accountId,
      status: { callId, state: 'calling' },
      call: null,
      abort,
      limit,
    };
    this.#calls.set(callId, entry);
    this.#forgetOldest();
    try {
      entry.call = await placeCall({
        uri: `sip:${request.joinCode ?? 'join'}@${this.#options.gateway()}`,
        headers: this.#options.headersFor?.(request.accountId) ?? [],
        ...(request.token === undefined ? {} : { token: request.token }),
        source: this.#source(request.toneHz),
        keepSeconds: 2,
        signal: abort.signal,
        onProgress: (progress) => {
          if (progress.kind === 'answered') entry.status = { callId, state: 'answered' };
          else if (progress.kind === 'ended') this.#ended(entry, progress.end);
        },
      });
    } catch (error) {
      clearTimeout(limit);
      this.#calls.delete(callId);
      throw error;
    }
    return entry.status;
  }

  get(accountId: string, callId: string): CallInStatus | null {
    const entry = this.#calls.get(callId);
    return entry?.accountId === accountId ? entry.status : null;
  }

  /** Resolves with false where there is no such call. */
  async hangUp(accountId: string, callId: string): Promise<boolean> {
    const entry = this.#calls.get(callId);
    if (entry?.accountId !== accountId) return false;
    if (entry.call === null) entry.abort.abort();
    else await entry.call.hangUp();
    return true;
  }

  /** Hangs up every call; which have ended is seen at the calls. */
  hangUpAll(): void {
    for (const [callId, { accountId }] of this.#calls)
      void this.hangUp(accountId, callId).catch(() => undefined);
  }

  /** Hangs up every call and closes its sockets. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#calls.values()].map(async ({ abort, call, limit }) => {
        clearTimeout(limit);
        abort.abort();
        await call?.close();
      }),
    );
    this.#calls.clear();
  }

  #source(toneHz: number | undefined): AudioSource {
    return toneHz === undefined
      ? { kind: 'sound', pcm: this.#options.voice(), repeat: true }
      : { kind: 'tone', frequencyHz: toneHz };
  }

  #ended(entry: CallIn, end: CallEnd): void {
    clearTimeout(entry.limit);
    const reason = end.reason?.text ?? (end.why === 'hang-up' ? `hung up by the ${end.by} side` : end.why);
    entry.status = {
      callId: entry.status.callId,
      state: 'ended',
      ...(end.status === undefined ? {} : { sipStatus: end.status }),
      reason,
    };
  }

  #forgetOldest(): void {
    for (const [callId, { status }] of this.#calls) {
      if (this.#calls.size <= rememberedCalls) return;
      if (status.state === 'ended') this.#calls.delete(callId);
    }
  }
}
