import { keyTiming } from '../domain/keys/key-timing.js';
import {
  type LegKind,
  type MediaLeg,
  type MediaLegListener,
  type MediaLegStatistics,
  MediaRefusal,
  type MediaType,
  type Playback,
  type PromptName,
  type ToneSound,
} from '../domain/media-plane.js';
import { NoSuchLegError } from './worker-process.js';
import type {
  LegEndReason,
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
  readonly listener: MediaLegListener;
}

type LegNotification = Extract<WorkerNotification, { legId: string }>;

const MEDIA_TYPES: Readonly<Record<TrackKind, MediaType>> = { audio: 'AUDIO', video: 'VIDEO' };
const KINDS: Readonly<Record<MediaType, TrackKind>> = { AUDIO: 'audio', VIDEO: 'video' };

export const trackKinds = (mediaTypes: readonly MediaType[]): TrackKind[] =>
  mediaTypes.map((type) => KINDS[type]);

/** A leg whose media is in a worker process. */
export class WorkerMediaLeg implements MediaLeg {
  readonly legId: string;
  readonly sessionId: string | null;
  readonly worker: number;
  readonly #host: LegHost;
  readonly #listener: MediaLegListener;
  #opened: { readonly kind: LegKind; readonly localDescription: string } | null = null;
  /** Facts that came before the owner had the leg in hand; null once he has. */
  #early: LegNotification[] | null = [];
  #closing: Promise<MediaLegStatistics | null> | null = null;

  constructor({ legId, sessionId, worker, host, listener }: WorkerMediaLegOptions) {
    this.legId = legId;
    this.sessionId = sessionId;
    this.worker = worker;
    this.#host = host;
    this.#listener = listener;
  }

  get kind(): LegKind {
    return this.#open.kind;
  }

  get localDescription(): string {
    return this.#open.localDescription;
  }

  get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** The worker has opened the leg. Its facts are told after `openLeg` has given the leg to its owner. */
  setOpened(opened: { readonly kind: LegKind; readonly localDescription: string }): void {
    this.#opened = opened;
    setImmediate(() => {
      const early = this.#early ?? [];
      this.#early = null;
      for (const notification of early) this.#tell(notification);
    });
  }

  async answer(offer: string): Promise<string> {
    return this.#request('answer', { legId: this.legId, offer });
  }

  async offer(): Promise<string> {
    return this.#request('offer', { legId: this.legId });
  }

  async accept(answer: string): Promise<void> {
    await this.#request('accept', { legId: this.legId, answer });
  }

  async rollback(): Promise<void> {
    await this.#request('rollback', { legId: this.legId });
  }

  async receive(streamIds: readonly string[], holdSound: boolean): Promise<void> {
    if (!this.isClosed) this.#host.want(this.legId, streamIds);
    await this.#request('receive', { legId: this.legId, streamIds, holdSound });
  }

  async setMayPublish(mayPublish: readonly MediaType[]): Promise<void> {
    await this.#request('setMayPublish', { legId: this.legId, mayPublish: trackKinds(mayPublish) });
  }

  async prompt(sound: PromptName | null, repeatAfterMs: number | null): Promise<void> {
    const prompt = sound === null ? null : { sound, repeatAfterMs };
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

  get #open(): { readonly kind: LegKind; readonly localDescription: string } {
    if (this.#opened === null) throw new Error('the leg is not open yet');
    return this.#opened;
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
              mediaTypes: kinds.map((kind) => MEDIA_TYPES[kind]),
            })),
          );
        case 'dtmf':
          return listener.onDtmf(notification.digit, notification.durationMs);
        case 'played':
          return listener.onPlayed(notification.playbackId, notification.how);
        case 'negotiation-needed':
          return listener.onNegotiationNeeded();
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
