/** One connection of a leg whose media is in a worker process. */
import type { ConnectionPast, ConnectionRequest, MediaConnection } from '../domain/media-plane.js';
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
  readonly #opening: ConnectionRequest;
  #localDescription = '';
  #past: ConnectionPast;

  constructor(address: NamedConnection, opening: ConnectionRequest, request: RequestConnection) {
    this.#address = address;
    this.#opening = opening;
    this.#request = request;
    this.#past = opening.resumes ?? { description: '', isEncrypted: false };
  }

  get past(): ConnectionPast {
    return this.#past;
  }

  /** The RTP port that the far end was told; null: none. */
  get port(): number | null {
    const port = /^m=audio ([1-9]\d*) /m.exec(this.#past.description)?.[1];
    return port === undefined ? null : Number(port);
  }

  get localDescription(): string {
    return this.#localDescription;
  }

  /** The worker has opened the leg with this description. */
  setOpened(localDescription: string): void {
    this.#localDescription = localDescription;
    if (localDescription === '') return;
    if (typeof this.#opening.offer === 'string') this.#answered(localDescription);
    else this.#past = { ...this.#past, description: localDescription };
  }

  async answer(offer: string): Promise<string> {
    const answer = await this.#request('answer', { ...this.#address, offer });
    this.#answered(answer);
    return answer;
  }

  async offer(): Promise<string> {
    const description = await this.#request('offer', this.#address);
    this.#past = { ...this.#past, description };
    return description;
  }

  async accept(answer: string): Promise<void> {
    await this.#request('accept', { ...this.#address, answer });
    this.#past = { ...this.#past, isEncrypted: hasKey(answer) };
  }

  async rollback(): Promise<void> {
    await this.#request('rollback', this.#address);
  }

  #answered(description: string): void {
    this.#past = { description, isEncrypted: hasKey(description) };
  }
}

/** An answer names the key of what was agreed on, and none without SRTP (RFC 4568 §5.1.2). */
const hasKey = (answer: string): boolean => /^a=crypto:/m.test(answer);
