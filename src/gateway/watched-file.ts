/** What a file says, read anew when it has changed: files of authorities do, and calls go on. */
import type { Timer } from '../domain/clock.js';
import { fileVersion } from '../tls/file-version.js';
import type { GatewayContext } from './context.js';

export interface WatchedFileOptions<Value> {
  readonly path: string;
  /** How often it is looked at. */
  readonly everyMs: number;
  /** Throws where it cannot be used. */
  readonly read: (path: string) => Value;
  /** What the log says of it. */
  readonly name: string;
  /** Fields of the log line that tells that it was read anew. */
  readonly fieldsOf: (value: Value) => object;
}

export class WatchedFile<Value> {
  readonly #context: Pick<GatewayContext, 'clock' | 'logger'>;
  readonly #options: WatchedFileOptions<Value>;
  #seen: string;
  #timer: Timer | null = null;
  #value: Value;

  /** Throws what `read` throws. */
  constructor(context: Pick<GatewayContext, 'clock' | 'logger'>, options: WatchedFileOptions<Value>) {
    this.#context = context;
    this.#options = options;
    this.#seen = fileVersion(options.path);
    this.#value = options.read(options.path);
    this.#schedule();
  }

  /** What is in force. */
  get value(): Value {
    return this.#value;
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(): void {
    this.#timer = this.#context.clock.after(this.#options.everyMs, () => {
      this.#schedule();
      this.#reload();
    });
  }

  /** What cannot be used changes nothing, and is logged until it can. */
  #reload(): void {
    const { path, read, name, fieldsOf } = this.#options;
    const seen = fileVersion(path);
    if (seen === this.#seen) return;
    const { logger } = this.#context;
    try {
      this.#value = read(path);
    } catch (error) {
      const problem = (error as Error).message;
      logger.error(
        { list: name, problem },
        'a changed list of authorities cannot be used; the former stays in force',
      );
      return;
    }
    this.#seen = seen;
    logger.info({ list: name, ...fieldsOf(this.#value) }, 'the list of authorities was read anew');
  }
}
