/** Follows the event stream of an account and waits for facts in it. */
import type { DomainEvent, EventType } from '../../src/domain/facts/event.js';
import type { RestClient } from './rest-client.js';
import { hangMs } from './wait-for.js';

/** An event as JSON has it. */
export type StreamedEvent<T extends EventType = EventType> = Omit<
  Extract<DomainEvent, { type: T }>,
  'time'
> & {
  readonly time: string | number;
};

export class EventFollower {
  readonly seen: StreamedEvent[] = [];
  readonly #abort = new AbortController();
  readonly #waiters = new Set<() => void>();
  #finished: Promise<void> = Promise.resolve();

  /** Resolves when the stream is open: what happens from then on is seen, and what happened after the event `after`. */
  static async open(rest: RestClient, { after }: { readonly after?: string } = {}): Promise<EventFollower> {
    const follower = new EventFollower();
    const response = await fetch(`${rest.base}/events`, {
      headers: { ...rest.headers, ...(after === undefined ? {} : { 'last-event-id': after }) },
      signal: follower.#abort.signal,
    });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`GET /events: ${response.status} ${await response.text()}`);
    }
    follower.#finished = follower.#read(response.body);
    return follower;
  }

  /** The first event of the type that fits, seen already or to come. */
  async wait<T extends EventType>(
    type: T,
    fits: (event: StreamedEvent<T>) => boolean = () => true,
    timeoutMs = hangMs,
  ): Promise<StreamedEvent<T>> {
    const find = () => this.ofType(type).find(fits);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) {
        const types = this.seen.map((event) => event.type).join(', ');
        throw new Error(`no ${type} within ${timeoutMs} ms; seen: ${types || 'nothing'}`);
      }
      await this.#next(left);
    }
  }

  ofType<T extends EventType>(type: T): StreamedEvent<T>[] {
    return this.seen.filter((event) => event.type === type) as unknown as StreamedEvent<T>[];
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#finished;
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#waiters.add(finish);
    });
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // Closed by us, or the gateway is gone: what was seen stays.
    }
  }

  #take(block: string): void {
    const data = block
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length).trimStart())
      .join('\n');
    if (data === '') return;
    this.seen.push(JSON.parse(data) as StreamedEvent);
    for (const waiter of [...this.#waiters]) waiter();
  }
}
