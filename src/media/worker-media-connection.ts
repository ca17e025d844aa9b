/** One connection of a leg whose media is in a worker process. */
import type { MediaConnection } from '../domain/media-plane.js';
import type { NamedConnection, ReplyOf, RequestOf } from './worker/protocol.js';

/** The worker's operations on one connection. */
type ConnectionOperation = 'answer' | 'offer' | 'accept' | 'rollback';

/** Asks the worker that the leg is in. Rejects with MediaRefusal. */
export type RequestConnection = <K extends ConnectionOperation>(
  operation: K,
  body: RequestOf<K>,
) => Promise<ReplyOf<K>>;

export class WorkerMediaConnection implements MediaConnection {
  readonly #address: NamedConnection;
  readonly #request: RequestConnection;
  #localDescription = '';

  constructor(address: NamedConnection, request: RequestConnection) {
    this.#address = address;
    this.#request = request;
  }

  get localDescription(): string {
    return this.#localDescription;
  }

  /** The worker has opened the leg with this description. */
  setOpened(localDescription: string): void {
    this.#localDescription = localDescription;
  }

  answer(offer: string): Promise<string> {
    return this.#request('answer', { ...this.#address, offer });
  }

  offer(): Promise<string> {
    return this.#request('offer', this.#address);
  }

  async accept(answer: string): Promise<void> {
    await this.#request('accept', { ...this.#address, answer });
  }

  async rollback(): Promise<void> {
    await this.#request('rollback', this.#address);
  }
}
