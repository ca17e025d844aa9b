/**
 * Keeps one worker process standing per slot: one that dies is replaced at once, or after a growing pause if it keeps
 * dying. Every process has its own number, which is never used again.
 */
import type { Clock, Timer } from '../domain/clock.js';
import type { MediaLogger } from './media-logger.js';
import { WorkerProcess } from './worker-process.js';
import type { WorkerNotification, WorkerSettings } from './worker/protocol.js';

export interface WorkerPoolOptions {
  readonly entry: string;
  /** One worker each. */
  readonly settings: readonly WorkerSettings[];
  readonly requestTimeoutMs: number;
  readonly stalledAfterMs: number;
  readonly clock: Clock;
  readonly logger: MediaLogger;
  readonly onNotification: (worker: number, notification: WorkerNotification) => void;
  /** A worker that took legs is gone. Not called for those that are closed with the pool. */
  /** Gives the RTP ports that its phones still send to: the next worker lets them rest. */
  readonly onLost: (worker: number) => readonly number[];
}

/** A worker that lived this long is no longer suspected of dying at once again. */
const provenAfterMs = 10_000;
const firstBackoffMs = 200;
const maxBackoffMs = 10_000;

interface Slot {
  readonly settings: WorkerSettings;
  /** Null while none stands. */
  running: { readonly number: number; readonly process: WorkerProcess } | null;
  /** The process from fork to exit, also while it starts. */
  starting: Promise<void> | null;
  earlyDeaths: number;
  /** RTP ports of the phones of the worker that stood here before. */
  lostPorts: readonly number[];
  retry: Timer | null;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly Slot[];
  #nextNumber = 1;
  #lost = 0;
  readonly #closing = new AbortController();

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = options.settings.map((settings) => ({
      settings,
      running: null,
      starting: null,
      earlyDeaths: 0,
      lostPorts: [],
      retry: null,
    }));
  }

  /** Starts every worker. Rejects, with none left, when one cannot start. */
  async start(): Promise<void> {
    const results = await Promise.allSettled(this.#slots.map((slot) => this.#launch(slot)));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure === undefined) return;
    await this.close();
    const reason: unknown = failure.reason;
    const why = reason instanceof Error ? reason.message : String(reason);
    throw new Error(`a media worker does not start: ${why}`, { cause: reason });
  }

  /** Those that take requests, by number. */
  get running(): ReadonlyMap<number, WorkerProcess> {
    return new Map(
      this.#slots.flatMap(({ running }) => (running ? [[running.number, running.process]] : [])),
    );
  }

  get(worker: number): WorkerProcess | null {
    return this.#slots.find(({ running }) => running?.number === worker)?.running?.process ?? null;
  }

  /** The worker whose part of the range for media the port is in; null where that does not stand. */
  ownerOf(port: number): number | null {
    const slot = this.#slots.find(
      ({ settings: { rtpPorts } }) => port >= rtpPorts.from && port <= rtpPorts.to,
    );
    return slot?.running?.number ?? null;
  }

  /** Workers that died, or hung and were killed, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends every worker and leaves no process behind. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(
      this.#slots.map(async (slot) => {
        slot.retry?.cancel();
        slot.retry = null;
        await slot.starting?.catch(() => undefined);
        await slot.running?.process.close();
      }),
    );
  }

  #launch(slot: Slot): Promise<void> {
    slot.starting = this.#run(slot).finally(() => (slot.starting = null));
    return slot.starting;
  }

  async #run(slot: Slot): Promise<void> {
    const { entry, requestTimeoutMs, stalledAfterMs, clock, logger, onNotification } = this.#options;
    const number = this.#nextNumber++;
    let proving: Timer | null = null;
    const process = await WorkerProcess.start({
      entry,
      settings: { ...slot.settings, restingPorts: slot.lostPorts },
      requestTimeoutMs,
      stalledAfterMs,
      clock,
      signal: this.#closing.signal,
      onNotification: (notification) => onNotification(number, notification),
      onStderr: (text) => logger.warn({ worker: number, text }, 'media worker says'),
      onExit: (why) => {
        proving?.cancel();
        const wasRunning = slot.running?.number === number;
        if (!wasRunning) return;
        slot.running = null;
        if (this.#closing.signal.aborted) return;
        this.#lost += 1;
        logger.error({ worker: number, why }, 'media worker died');
        this.#relaunch(slot);
        slot.lostPorts = this.#options.onLost(number);
      },
    });
    slot.running = { number, process };
    // It may have died between its answer and now, when its exit was nobody's yet.
    if (!process.isAlive) {
      slot.running = null;
      throw new Error('the media worker died while it started');
    }
    proving = clock.after(provenAfterMs, () => (slot.earlyDeaths = 0));
    logger.info({ worker: number, pid: process.pid }, 'media worker stands');
  }

  #relaunch(slot: Slot): void {
    if (this.#closing.signal.aborted) return;
    const delayMs =
      slot.earlyDeaths === 0 ? 0 : Math.min(firstBackoffMs * 2 ** (slot.earlyDeaths - 1), maxBackoffMs);
    slot.earlyDeaths += 1;
    const { clock, logger } = this.#options;
    slot.retry = clock.after(delayMs, () => {
      slot.retry = null;
      this.#launch(slot).catch((error: unknown) => {
        logger.error({ error: String(error) }, 'media worker does not start');
        this.#relaunch(slot);
      });
    });
  }
}
