/** Follows the gateway's events over a fetch (an EventSource cannot send credentials), and comes back after a break. */
import type { GatewayApi } from './gateway-api.js';
import type { GatewayEvent } from './model.js';
import { SseParser } from './sse-parser.js';

export type StreamState = 'connecting' | 'open' | 'waiting';

export interface EventStreamOptions {
  readonly api: GatewayApi;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Events were missed for good: look at the state anew. */
  readonly onGap: () => void;
  readonly onState: (state: StreamState) => void;
  /** The credentials no longer hold; the stream has closed itself. */
  readonly onUnauthorized: () => void;
}

/** Heartbeats come every 15 s; a stream that is silent for three of them is dead. */
const silenceMs = 45_000;
const backoffMs = { first: 500, last: 15_000 };

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #closed = new AbortController();
  #lastEventId = '';
  /** Ends the wait before the next try. */
  #goOn: () => void = () => undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
  }

  /** The gateway is there: no need to wait longer. */
  hasten(): void {
    this.#goOn();
  }

  async #run(): Promise<void> {
    const { onState } = this.#options;
    const { signal } = this.#closed;
    let wait = backoffMs.first;
    while (!signal.aborted) {
      onState('connecting');
      if (await this.#read()) wait = backoffMs.first;
      if (signal.aborted) return;
      onState('waiting');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait * (0.75 + Math.random() / 2));
        const stop = (): void => {
          clearTimeout(timer);
          resolve();
        };
        this.#goOn = stop;
        signal.onabort = stop;
      });
      wait = Math.min(wait * 2, backoffMs.last);
    }
  }

  /** Reads one connection to its end. True where it was open at all. */
  async #read(): Promise<boolean> {
    const { api, onEvent, onGap, onState, onUnauthorized } = this.#options;
    const connection = new AbortController();
    const abort = (): void => connection.abort();
    this.#closed.signal.addEventListener('abort', abort);
    let silence = setTimeout(abort, silenceMs);
    let opened = false;
    try {
      const response = await api.events(this.#lastEventId, connection.signal);
      if (response.status === 401 || response.status === 403) {
        this.close();
        onUnauthorized();
        return false;
      }
      if (!response.ok || response.body === null) return false;
      opened = true;
      onState('open');
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return true;
        clearTimeout(silence);
        silence = setTimeout(abort, silenceMs);
        for (const { id, event: type, data } of parser.push(value)) {
          if (id !== '') this.#lastEventId = id;
          if (type === 'gap') onGap();
          const event = parseEvent(data);
          if (event !== undefined) onEvent(event);
        }
      }
    } catch {
      // The connection broke or was ended by us; the caller knows which.
      return opened;
    } finally {
      clearTimeout(silence);
      this.#closed.signal.removeEventListener('abort', abort);
    }
  }
}

function parseEvent(data: string): GatewayEvent | undefined {
  try {
    const event = JSON.parse(data) as Partial<GatewayEvent>;
    if (typeof event.type !== 'string') return undefined;
    return {
      id: '',
      sessionId: null,
      participantId: null,
      tag: null,
      time: new Date().toISOString(),
      data: {},
      ...event,
      type: event.type,
    };
  } catch {
    return undefined;
  }
}
