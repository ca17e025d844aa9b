/** One media worker: a child process, its requests and its pulse. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Clock, Timer } from '../domain/clock.js';
import { MediaRefusal } from '../domain/media-plane.js';
import { MessageBatch } from './worker/message-batch.js';
import type {
  LinkAddress,
  ReplyOf,
  RequestOf,
  WorkerErrorCode,
  WorkerHealth,
  WorkerMessage,
  WorkerNotification,
  WorkerOperation,
  WorkerRequest,
  WorkerSettings,
} from './worker/protocol.js';

export interface WorkerProcessOptions {
  /** The worker's compiled main module. */
  readonly entry: string;
  readonly settings: WorkerSettings;
  /** Every request that is not answered by then is refused as `overloaded`. */
  readonly requestTimeoutMs: number;
  /** A worker that shows no pulse for so long hangs: it is killed. Pulses come every second. */
  readonly stalledAfterMs: number;
  readonly clock: Clock;
  /** Kills the process while it starts. */
  readonly signal: AbortSignal;
  readonly onNotification: (notification: WorkerNotification) => void;
  /** What the process writes to its standard error, in pieces of limited length. */
  readonly onStderr: (text: string) => void;
  /** Called once, whether it died or was closed. */
  readonly onExit: (why: string) => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/** The leg that a request was for had ended in the worker already. */
export class NoSuchLegError extends Error {
  override readonly name = 'NoSuchLegError';
}

const maxStderrCharacters = 2000;
/** What a process may take to load its program, beside the time for an answer: a busy machine is slow, and hangs nowhere. */
const loadingMs = 25_000;
/** How long a worker may take to end by itself once its channel is closed. */
const closeGraceMs = 1000;
/**
 * The pulse is looked for so many times before a worker counts as hanging. One look after a long time would blame the
 * worker for a gateway that was stopped itself, whose timers come before the messages that wait for it.
 */
const looksBeforeStalled = 5;

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #options: WorkerProcessOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #requests = new MessageBatch<WorkerRequest>((requests) => this.#send(requests));
  readonly #exited: Promise<void>;
  /** From its start on, when its pulse begins. */
  #stallTimer: Timer | null = null;
  #nextId = 1;
  #isGone = false;
  #looksWithoutPulse = 0;
  #health: WorkerHealth | null = null;
  #link: LinkAddress | null = null;

  private constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#child = fork(options.entry, [], {
      // A debugger's or loader's flags of the parent are not for the child.
      execArgv: [],
      env: withoutSecrets(process.env),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#exited = new Promise((resolve) => {
      const onGone = (why: string): void => {
        if (this.#isGone) return;
        this.#isGone = true;
        this.#stallTimer?.cancel();
        this.#refuseAll();
        options.onExit(why);
        resolve();
      };
      this.#child.once('exit', (code, signal) => onGone(signal ?? `exit code ${code}`));
      // Without a pid the process was never made, and no exit will follow.
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) onGone(error.message);
      });
    });
    this.#child.on('message', (messages) => {
      for (const message of messages as WorkerMessage[]) this.#onMessage(message);
    });
    this.#child.stderr?.setEncoding('utf8');
    this.#child.stderr?.on('data', (text: string) => options.onStderr(text.slice(0, maxStderrCharacters)));
  }

  /** Resolves when the worker takes legs; rejects, with the process gone, when it cannot. */
  static async start(options: WorkerProcessOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    const onAbort = (): void => worker.kill();
    options.signal.addEventListener('abort', onAbort, { once: true });
    try {
      worker.#link = (await worker.request('configure', options.settings, loadingMs)).link;
      if (worker.isAlive) worker.#stallTimer = worker.#nextLook();
      return worker;
    } catch (error) {
      worker.kill();
      await worker.#exited;
      throw error;
    } finally {
      options.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Null where the process was never made. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  get isAlive(): boolean {
    return !this.#isGone;
  }

  get link(): LinkAddress {
    if (this.#link === null) throw new Error('the worker has not started');
    return this.#link;
  }

  get health(): WorkerHealth | null {
    return this.#health;
  }

  /**
   * Throws MediaRefusal (also when the worker is gone or does not answer), NoSuchLegError, or Error for a fault inside.
   * @param lastsMs What it may take by its nature, beside the time for an answer.
   */
  request<K extends WorkerOperation>(operation: K, body: RequestOf<K>, lastsMs = 0): Promise<ReplyOf<K>> {
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(workerGone());
        return;
      }
      const id = this.#nextId++;
      const { clock, requestTimeoutMs } = this.#options;
      const timer = clock.after(requestTimeoutMs + lastsMs, () => {
        this.#pending.delete(id);
        reject(new MediaRefusal('overloaded', `the media worker did not answer ${operation} in time`));
      });
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      // The union of requests pairs each operation with its body; TypeScript cannot follow that through the parameters.
      this.#requests.add({ id, operation, body } as WorkerRequest);
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends the process: by closing its channel, and by force if that does not do. Idempotent. */
  async close(): Promise<void> {
    this.#requests.flush();
    if (this.#child.connected) this.#child.disconnect();
    const force = this.#options.clock.after(closeGraceMs, () => this.kill());
    await this.#exited;
    force.cancel();
  }

  #send(requests: readonly WorkerRequest[]): void {
    const refuse = (): void => {
      for (const { id } of requests) this.#settle(id)?.reject(workerGone());
    };
    if (!this.#child.connected) refuse();
    else {
      this.#child.send(requests, (error) => {
        if (error !== null) refuse();
      });
    }
  }

  #onMessage(message: WorkerMessage): void {
    if ('event' in message) {
      if (message.event === 'health') {
        this.#health = message.health;
        this.#looksWithoutPulse = 0;
      }
      this.#options.onNotification(message);
      return;
    }
    const pending = this.#settle(message.id);
    if (message.ok) pending?.resolve(message.result);
    else pending?.reject(errorOf(message.code, message.detail));
  }

  #settle(id: number): Pending | null {
    const pending = this.#pending.get(id) ?? null;
    pending?.timer.cancel();
    this.#pending.delete(id);
    return pending;
  }

  #refuseAll(): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(workerGone());
  }

  #nextLook(): Timer {
    const { clock, stalledAfterMs } = this.#options;
    return clock.after(stalledAfterMs / looksBeforeStalled, () => {
      this.#stallTimer = this.#nextLook();
      this.#lookForPulse();
    });
  }

  #lookForPulse(): void {
    this.#looksWithoutPulse += 1;
    if (this.#looksWithoutPulse !== looksBeforeStalled) return;
    this.#options.onStderr('no pulse: the worker hangs and is killed');
    this.kill();
  }
}

const workerGone = (): MediaRefusal => new MediaRefusal('overloaded', 'the media worker is gone');

function errorOf(code: WorkerErrorCode, detail: string): Error {
  if (code === 'no-such-leg') return new NoSuchLegError(detail);
  return code === 'internal' ? new Error(`media worker: ${detail}`) : new MediaRefusal(code, detail);
}

/** What the gateway is configured with is not for a process that reads packets from anywhere. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('LANDBRIDGE_')));
}
