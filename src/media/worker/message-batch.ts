/** Messages of the IPC channel between a worker and its gateway, sent in batches. */

/**
 * Sends together, as one message of the IPC channel, what is said in one turn of the event loop: each message is a system
 * call here and wakes the process at the other end. Order is kept.
 */
export class MessageBatch<T> {
  readonly #send: (messages: readonly T[]) => void;
  #waiting: T[] = [];
  #scheduled: NodeJS.Immediate | null = null;

  constructor(send: (messages: readonly T[]) => void) {
    this.#send = send;
  }

  add(message: T): void {
    this.#waiting.push(message);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#scheduled === null) return;
    clearImmediate(this.#scheduled);
    this.#scheduled = null;
    const messages = this.#waiting;
    this.#waiting = [];
    this.#send(messages);
  }
}
