/** The legs of one worker and the routes between them. Knows no session: who receives what is told stream by stream. */
import { EngineLeg } from './engine-leg.js';
import type {
  ConnectedLegOptions,
  ConnectionPast,
  ConnectionOptions,
  Leg,
  LegConnection,
  LegEvents,
  LegOptions,
  LegStatistics,
} from './leg.js';
import type { PhoneTerms } from './phone/phone-terms.js';
import type { Playback, PlaybackEnd, ToneSound } from './sound/playback.js';
import type { Prompt } from './sound/prompt-sounds.js';
import type { SourceStream, TrackKind } from './source-track.js';
import { StreamRegistry } from './stream-registry.js';
import { WorkerRefusal } from './worker-refusal.js';

export type LegKind = Leg['kind'];

export interface StreamInfo {
  readonly streamId: string;
  readonly alias: string;
  readonly kinds: readonly TrackKind[];
}

/** `media-lost`: the leg broke inside and was closed. */
export type LegEndReason = 'media-timeout' | 'ice-failed' | 'media-lost';

/** What the engine reports of its legs. Nothing is reported of a leg after it was closed. */
export interface EngineEvents {
  onConnected(legId: string): void;
  onStreams(legId: string, streams: readonly StreamInfo[]): void;
  onKeyDown(legId: string): void;
  onDtmf(legId: string, digit: string, durationMs: number): void;
  onPlayed(legId: string, playbackId: string, how: PlaybackEnd): void;
  onHeld(legId: string, held: boolean): void;
  onNegotiationNeeded(legId: string, connection: string): void;
  onEnded(legId: string, reason: LegEndReason, statistics: LegStatistics | null): void;
  /** A leg threw where it must not; it is closed and ended. Other legs go on. */
  onFault(legId: string, error: unknown): void;
}

export interface LegFactories {
  readonly phone: (options: LegOptions) => Leg;
  readonly browser: (options: ConnectedLegOptions) => Leg;
}

export interface MediaEngineOptions {
  readonly factories: LegFactories;
  readonly events: EngineEvents;
  /** More legs than this are refused as `overloaded`. Default 2000: twice what one core carries. */
  readonly maxLegs?: number;
  /** Streams that one leg may ask for; what is beyond is left out. Default 500. */
  readonly maxStreamsPerLeg?: number;
}

export interface OpenConnectionOptions extends ConnectionOptions {
  /** The far end's first offer; null: we make it. Left out: the connection is described later. */
  readonly offer?: string | null;
  /** Where a phone's leg that is lost stood: what is described here goes on from it. */
  readonly resumes?: ConnectionPast;
}

export interface OpenLegOptions {
  readonly legId: string;
  readonly participantId: string;
  readonly kind: LegKind;
  /** A phone has one, named `main`. */
  readonly connections: readonly OpenConnectionOptions[];
  readonly mayPublish: readonly TrackKind[];
  /** The address that the far end's signalling comes from; null: not known. */
  readonly signallingAddress: string | null;
  /** The address of ours that it came to. Default: not known. */
  readonly localAddress?: string | null;
  /** A phone is sent nothing before `confirm`. Default false. */
  readonly sendsOnceConfirmed?: boolean;
  /** What may be agreed on with a phone. Default null: all that there is. */
  readonly phoneTerms?: PhoneTerms | null;
  /** The address of ours that this far end is told; null: the worker's. */
  readonly advertisedAddress: string | null;
}

/** Ids of streams, by the connection over which they go. */
export type ReceivedStreams = Readonly<Record<string, readonly string[]>>;

export interface OpenedLeg {
  /** Our answers and offers, by the name of their connection; of those that are described later there is none. */
  readonly descriptions: Readonly<Record<string, string>>;
}

export interface EngineStatistics {
  readonly phoneLegs: number;
  readonly browserLegs: number;
  readonly streams: number;
}

const infoOf = ({ streamId, alias, audio, video }: SourceStream): StreamInfo => ({
  streamId,
  alias,
  kinds: [...(audio ? (['audio'] as const) : []), ...(video ? (['video'] as const) : [])],
});

export class MediaEngine {
  readonly registry = new StreamRegistry();
  readonly #legs = new Map<string, EngineLeg>();
  readonly #factories: LegFactories;
  readonly #events: EngineEvents;
  readonly #maxLegs: number;
  readonly #maxStreamsPerLeg: number;
  #closed = false;

  constructor({ factories, events, maxLegs = 2000, maxStreamsPerLeg = 500 }: MediaEngineOptions) {
    this.#factories = factories;
    this.#events = events;
    this.#maxLegs = maxLegs;
    this.#maxStreamsPerLeg = maxStreamsPerLeg;
  }

  get legCount(): number {
    return this.#legs.size;
  }

  /** Opens a leg and negotiates its first descriptions. Throws SdpRefusal or WorkerRefusal, with nothing left open. */
  async openLeg(options: OpenLegOptions): Promise<OpenedLeg> {
    const { legId, participantId, kind, connections } = options;
    const { signallingAddress, localAddress = null, advertisedAddress, sendsOnceConfirmed } = options;
    const { phoneTerms = null } = options;
    if (this.#closed) throw new WorkerRefusal('overloaded', 'the engine is closed');
    if (this.#legs.has(legId)) throw new Error('a leg with this id is open');
    if (this.#legs.size >= this.#maxLegs)
      throw new WorkerRefusal('overloaded', 'as many legs as allowed are open');

    const entry: EngineLeg = new EngineLeg(this.registry, (error) => this.#fail(legId, entry, error));
    this.#legs.set(legId, entry);
    try {
      const mayPublish = new Set(options.mayPublish);
      const events = this.#eventsOf(legId, entry);
      const leg = this.#factories[kind]({
        ...{ legId, participantId, mayPublish, events, connections },
        ...{ signallingAddress, localAddress, advertisedAddress, phoneTerms },
        sendsOnceConfirmed: sendsOnceConfirmed ?? false,
      });
      entry.attach(leg);
      const descriptions: Record<string, string> = {};
      for (const { name, offer, resumes } of connections) {
        const connection = connectionOf(leg, name);
        if (resumes !== undefined) connection.resume?.(resumes);
        if (offer === undefined) continue;
        descriptions[name] = offer === null ? await connection.offer() : await connection.answer(offer);
        if (entry.isClosed) throw new WorkerRefusal('overloaded', 'the leg was closed while it was opened');
      }
      return { descriptions };
    } catch (error) {
      this.#remove(legId, entry);
      throw error;
    }
  }

  /** The leg's connection of this name. */
  connection(legId: string, name: string): LegConnection {
    return connectionOf(this.#leg(legId), name);
  }

  /** Replaces what the leg receives. Streams that are not there yet are routed as soon as they are. */
  receive(legId: string, streams: ReceivedStreams, holdSound: boolean): void {
    const entry = this.#entry(legId);
    let left = this.#maxStreamsPerLeg;
    const wanted = new Map<string, readonly string[]>();
    for (const [name, streamIds] of Object.entries(streams)) {
      this.connection(legId, name);
      const some = streamIds.slice(0, left);
      left -= some.length;
      wanted.set(name, some);
    }
    entry.receive(wanted, holdSound);
  }

  setMayPublish(legId: string, mayPublish: readonly TrackKind[]): void {
    this.#leg(legId).setMayPublish(new Set(mayPublish));
  }

  /** The far end may be sent to. */
  confirm(legId: string): void {
    this.#leg(legId).confirm?.();
  }

  /** Said in place of the hold sound; null: no more. */
  prompt(legId: string, prompt: Prompt | null): void {
    this.#leg(legId).prompt?.(prompt);
  }

  /** Throws WorkerRefusal. */
  async play(legId: string, playback: Playback): Promise<void> {
    const leg = this.#leg(legId);
    if (leg.play === undefined) throw new WorkerRefusal('bad-sound', 'only phones are played sounds');
    await leg.play(playback);
    if (this.#legs.get(legId)?.leg !== leg) throw new UnknownLegError();
  }

  stopPlaying(legId: string, playbackId: string): void {
    this.#leg(legId).stopPlaying?.(playbackId);
  }

  tone(legId: string, sound: ToneSound): void {
    this.#leg(legId).tone?.(sound);
  }

  /** Resolves when all keys were sent. Throws WorkerRefusal. */
  async sendDtmf(legId: string, digits: string, durationMs: number, gapMs: number): Promise<void> {
    const leg = this.#leg(legId);
    if (leg.sendDtmf === undefined)
      throw new WorkerRefusal('no-telephone-event', 'only phones take key presses');
    try {
      await leg.sendDtmf(digits, durationMs, gapMs);
    } catch (error) {
      throw this.#legs.get(legId)?.leg === leg ? error : new UnknownLegError();
    }
  }

  /** Null where it is not open. */
  legStatistics(legId: string): LegStatistics | null {
    return this.#legs.get(legId)?.leg?.statistics() ?? null;
  }

  /** Ends a leg at once. Null where it is not open (any more). */
  closeLeg(legId: string): LegStatistics | null {
    const entry = this.#legs.get(legId);
    return entry === undefined ? null : this.#remove(legId, entry);
  }

  statistics(): EngineStatistics {
    let browserLegs = 0;
    for (const { leg } of this.#legs.values()) if (leg?.kind === 'browser') browserLegs += 1;
    return { phoneLegs: this.#legs.size - browserLegs, browserLegs, streams: this.registry.size };
  }

  /** Closes every leg. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const [legId, entry] of this.#legs) this.#remove(legId, entry);
  }

  #entry(legId: string): EngineLeg {
    const entry = this.#legs.get(legId);
    if (entry === undefined) throw new UnknownLegError();
    return entry;
  }

  #leg(legId: string): Leg {
    const { leg } = this.#entry(legId);
    if (leg === null) throw new UnknownLegError();
    return leg;
  }

  #remove(legId: string, entry: EngineLeg): LegStatistics | null {
    if (this.#legs.get(legId) === entry) this.#legs.delete(legId);
    return entry.close();
  }

  #fail(legId: string, entry: EngineLeg, error: unknown): void {
    this.#events.onFault(legId, error);
    if (entry.isClosed) return;
    this.#events.onEnded(legId, 'media-lost', this.#remove(legId, entry));
  }

  #eventsOf(legId: string, entry: EngineLeg): LegEvents {
    const events = this.#events;
    return {
      onConnected: () => {
        if (!entry.isClosed) events.onConnected(legId);
      },
      onStreams: (streams) => {
        if (entry.isClosed) return;
        entry.publish(streams);
        events.onStreams(legId, streams.map(infoOf));
      },
      onKeyDown: () => {
        if (!entry.isClosed) events.onKeyDown(legId);
      },
      onDtmf: (digit, durationMs) => {
        if (!entry.isClosed) events.onDtmf(legId, digit, durationMs);
      },
      onPlayed: (playbackId, how) => {
        if (!entry.isClosed) events.onPlayed(legId, playbackId, how);
      },
      onHeld: (held) => {
        if (!entry.isClosed) events.onHeld(legId, held);
      },
      onNegotiationNeeded: (connection) => {
        if (!entry.isClosed) events.onNegotiationNeeded(legId, connection);
      },
      onEnded: (reason) => {
        if (!entry.isClosed) events.onEnded(legId, reason, this.#remove(legId, entry));
      },
      onFault: (error) => this.#fail(legId, entry, error),
    };
  }
}

function connectionOf(leg: Leg, name: string): LegConnection {
  const connection = leg.connections.get(name);
  if (connection === undefined) throw new Error(`the leg has no connection ${name}`);
  return connection;
}

/** Asked for a leg that is not open: it ended a moment ago, and its owner will hear so. */
export class UnknownLegError extends Error {
  override readonly name = 'UnknownLegError';
  constructor() {
    super('no such leg');
  }
}
