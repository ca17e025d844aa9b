/** A leg as the main process has it: passes what is asked to the worker that its media is in, and the worker's facts to its owner. */
import { keyTiming } from '../domain/keys/key-timing.js';
import {
  type ConnectionRequest,
  type LegKind,
  type MediaConnection,
  type MediaLeg,
  type MediaLegListener,
  type MediaLegStatistics,
  MediaRefusal,
  type MediaType,
  type Playback,
  type PromptName,
  type ReceivedStreams,
  type ToneSound,
} from '../domain/media-plane.js';
import { WorkerMediaConnection } from './worker-media-connection.js';
import { NoSuchLegError } from './worker-process.js';
import type {
  LegEndReason,
  OpenedLeg,
  ReplyOf,
  RequestOf,
  TrackKind,
  WorkerNotification,
  WorkerOperation,
} from './worker/protocol.js';

/** What a leg asks of its plane. */
export interface LegHost {
  /** @param lastsMs What it may take by its nature, beside the time for an answer. */
  request<K extends WorkerOperation>(
    worker: number,
    operation: K,
    body: RequestOf<K>,
    lastsMs?: number,
  ): Promise<ReplyOf<K>>;
  /** Null where the leg or the worker is gone. */
  statisticsOf(worker: number, legId: string): Promise<MediaLegStatistics | null>;
  /** The leg wants these streams, wherever they are published. */
  want(legId: string, streamIds: readonly string[]): void;
  /** The leg is no more: forget it. */
  forget(leg: WorkerMediaLeg): void;
  onListenerError(legId: string, error: unknown): void;
}

export interface WorkerMediaLegOptions {
  readonly legId: string;
  readonly sessionId: string | null;
  readonly worker: number;
  readonly host: LegHost;
  readonly kind: LegKind;
  readonly connections: readonly ConnectionRequest[];
  readonly listener: MediaLegListener;
}

type LegNotification = Extract<WorkerNotification, { legId: string }>;

const mediaTypeOf: Readonly<Record<TrackKind, MediaType>> = { audio: 'AUDIO', video: 'VIDEO' };
const kindOf: Readonly<Record<MediaType, TrackKind>> = { AUDIO: 'audio', VIDEO: 'video' };

export const trackKinds = (mediaTypes: readonly MediaType[]): TrackKind[] =>
  mediaTypes.map((type) => kindOf[type]);

/** A leg whose media is in a worker process. */
export class WorkerMediaLeg implements MediaLeg {
  readonly legId: string;
  readonly sessionId: string | null;
  readonly worker: number;
  readonly kind: LegKind;
  readonly #connections: ReadonlyMap<string, WorkerMediaConnection>;
  readonly #host: LegHost;
  readonly #listener: MediaLegListener;
  /** Facts that came before the owner had the leg in hand; null once he has. */
  #early: LegNotification[] | null = [];
  #closing: Promise<MediaLegStatistics | null> | null = null;

  constructor(options: WorkerMediaLegOptions) {
    const { legId } = options;
    this.legId = legId;
    this.sessionId = options.sessionId;
    this.worker = options.worker;
    this.kind = options.kind;
    this.#connections = new Map(
      options.connections.map((opening) => [
        opening.name,
        new WorkerMediaConnection({ legId, connection: opening.name }, opening, (operation, body) =>
          this.#request(operation, body),
        ),
      ]),
    );
    this.#host = options.host;
    this.#listener = options.listener;
  }

  /** What browsers were described is not gone on with yet. */
  get canMove(): boolean {
    return this.kind === 'phone';
  }

  connection(name: string): MediaConnection {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new RangeError(`the leg has no connection ${name}`);
    return connection;
  }

  /** RTP ports of a phone: it sends there for as long as it was told of no others. */
  get ports(): readonly number[] {
    return [...this.#connections.values()].flatMap(({ port }) => port ?? []);
  }

  get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** The worker has opened the leg. Its facts are told after `openLeg` has given the leg to its owner. */
  setOpened({ descriptions }: OpenedLeg): void {
    for (const [name, connection] of this.#connections) connection.setOpened(descriptions[name] ?? '');
    setImmediate(() => {
      const early = this.#early ?? [];
      this.#early = null;
      for (const notification of early) this.#tell(notification);
    });
  }

  async receive(streams: ReceivedStreams, holdSound: boolean): Promise<void> {
    if (!this.isClosed) this.#host.want(this.legId, Object.values(streams).flat());
    await this.#request('receive', { legId: this.legId, streams, holdSound });
  }

  async setMayPublish(mayPublish: readonly MediaType[]): Promise<void> {
    await this.#request('setMayPublish', { legId: this.legId, mayPublish: trackKinds(mayPublish) });
  }

  async confirm(): Promise<void> {
    await this.#request('confirm', { legId: this.legId });
  }

  async prompt(sound: PromptName | null, repeatAfterMs: number | null, next = sound): Promise<void> {
    const prompt = sound === null ? null : { sound, repeatAfterMs, next: next ?? sound };
    await this.#request('prompt', { legId: this.legId, prompt });
  }

  async play(playback: Playback): Promise<void> {
    if (this.kind !== 'phone') throw new MediaRefusal('bad-sound', 'only phones are played sounds');
    try {
      await this.#request('play', { legId: this.legId, playback });
    } catch (error) {
      // It may have been too slow for us, and be heard all the same.
      const isUnsure = error instanceof MediaRefusal && error.code === 'overloaded';
      if (isUnsure && !this.isClosed) this.stopPlaying(playback.playbackId).catch(() => undefined);
      throw error;
    }
  }

  async stopPlaying(playbackId: string): Promise<void> {
    await this.#request('stopPlaying', { legId: this.legId, playbackId });
  }

  async tone(sound: ToneSound): Promise<void> {
    if (this.kind === 'phone') await this.#request('tone', { legId: this.legId, sound });
  }

  async sendDtmf(digits: string, durationMs: number): Promise<void> {
    const body = { legId: this.legId, digits, durationMs, gapMs: keyTiming.gapMs };
    await this.#request('sendDtmf', body, keyTiming.longestInAllMs);
  }

  async statistics(): Promise<MediaLegStatistics | null> {
    return this.#closing ?? this.#host.statisticsOf(this.worker, this.legId);
  }

  close(): Promise<MediaLegStatistics | null> {
    if (this.#closing === null) {
      this.#closing = this.#host.request(this.worker, 'closeLeg', { legId: this.legId }).catch(() => null);
      this.#host.forget(this);
    }
    return this.#closing;
  }

  /** A fact from the worker. */
  notify(notification: LegNotification): void {
    if (this.#early !== null) this.#early.push(notification);
    else this.#tell(notification);
  }

  /** The worker is gone, and the leg with it. */
  lose(): void {
    this.notify({ event: 'ended', legId: this.legId, reason: 'media-lost', statistics: null });
  }

  async #request<K extends WorkerOperation>(
    operation: K,
    body: RequestOf<K>,
    lastsMs = 0,
  ): Promise<ReplyOf<K>> {
    if (this.isClosed) throw new MediaRefusal('overloaded', 'the leg is closed');
    try {
      return await this.#host.request(this.worker, operation, body, lastsMs);
    } catch (error) {
      throw error instanceof NoSuchLegError ? new MediaRefusal('overloaded', 'the leg has ended') : error;
    }
  }

  #tell(notification: LegNotification): void {
    if (this.isClosed) return;
    const listener = this.#listener;
    try {
      switch (notification.event) {
        case 'connected':
          return listener.onConnected();
        case 'streams':
          return listener.onStreams(
            notification.streams.map(({ streamId, alias, kinds }) => ({
              streamId,
              alias,
              mediaTypes: kinds.map((kind) => mediaTypeOf[kind]),
            })),
          );
        case 'key-down':
          return listener.onKeyDown();
        case 'dtmf':
          return listener.onDtmf(notification.digit, notification.durationMs);
        case 'played':
          return listener.onPlayed(notification.playbackId, notification.how);
        case 'held':
          return listener.onHeld(notification.held);
        case 'negotiation-needed':
          return listener.onNegotiationNeeded(notification.connection);
        case 'ended':
          return this.#end(notification.reason, notification.statistics);
        case 'fault':
          return;
      }
    } catch (error) {
      this.#host.onListenerError(this.legId, error);
    }
  }

  #end(reason: LegEndReason, statistics: MediaLegStatistics | null): void {
    this.#closing = Promise.resolve(statistics);
    this.#host.forget(this);
    this.#listener.onEnded(reason);
  }
}
