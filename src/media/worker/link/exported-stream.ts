/** A stream of this worker that another one follows. */
import { performance } from 'node:perf_hooks';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import type { PacketSink, SourceTrack, TrackKind } from '../source-track.js';
import type { StreamRegistry, StreamWatcher } from '../stream-registry.js';
import type { LinkWriter } from './link-writer.js';
import { type StreamDescription, trackKinds } from './stream-description.js';

/** Not more often than this is a key frame asked for because packets were dropped. */
const keyFrameAfterDropMs = 1000;

export interface LinkCounters {
  packetsSent: number;
  packetsReceived: number;
  packetsDropped: number;
}

export interface ExportedStreamOptions {
  readonly streamId: string;
  /** The number that the reading worker has given the stream. */
  readonly channel: number;
  readonly registry: StreamRegistry;
  readonly writer: LinkWriter;
  readonly counters: LinkCounters;
}

/** Sends the packets of one track over a link while the other worker wants them. */
class ExportedTrack implements PacketSink {
  readonly #channel: number;
  readonly #writer: LinkWriter;
  readonly #counters: LinkCounters;
  #askedForKeyFrameMs = -Infinity;
  #attached = false;

  constructor(
    readonly track: SourceTrack,
    readonly generation: number,
    { channel, writer, counters }: ExportedStreamOptions,
  ) {
    this.#channel = channel;
    this.#writer = writer;
    this.#counters = counters;
  }

  onPacket(packet: RtpPacket): void {
    if (this.#writer.packet(this.#channel, this.track.kind, this.generation, packet.buffer)) {
      this.#counters.packetsSent += 1;
      return;
    }
    this.#counters.packetsDropped += 1;
    const nowMs = performance.now();
    if (this.track.kind === 'video' && nowMs - this.#askedForKeyFrameMs > keyFrameAfterDropMs) {
      this.#askedForKeyFrameMs = nowMs;
      this.track.requestKeyFrame();
    }
  }

  attach(): void {
    if (this.#attached) return;
    this.#attached = true;
    this.track.addSink(this);
  }

  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.track.removeSink(this);
  }
}

/** One stream of this worker that another worker follows: told whenever it changes, sent track by track on demand. */
export class ExportedStream implements StreamWatcher {
  readonly #options: ExportedStreamOptions;
  readonly #tracks: Record<TrackKind, ExportedTrack | null> = { audio: null, video: null };
  #generation = 0;

  constructor(options: ExportedStreamOptions) {
    const { registry, streamId } = options;
    this.#options = options;
    registry.watch(streamId, this);
    if (registry.get(streamId) !== null) this.onStreamsChanged();
  }

  onStreamsChanged(): void {
    // What came over a link never goes out over another: each worker asks the publisher itself.
    const { registry, streamId, writer, channel } = this.#options;
    const isOurs = registry.publisherOf(streamId)?.isLocal === true;
    const stream = isOurs ? registry.get(streamId) : null;
    for (const kind of trackKinds) this.#replace(kind, stream?.[kind] ?? null);
    const description: StreamDescription | null = stream && {
      alias: stream.alias,
      audio: this.#describe('audio'),
      video: this.#describe('video'),
    };
    writer.control('description', channel, description === null ? '' : JSON.stringify(description));
  }

  attach(kind: TrackKind, generation: number): void {
    this.#current(kind, generation)?.attach();
  }

  detach(kind: TrackKind, generation: number): void {
    this.#current(kind, generation)?.detach();
  }

  requestKeyFrame(kind: TrackKind, generation: number): void {
    this.#current(kind, generation)?.track.requestKeyFrame();
  }

  close(): void {
    this.#options.registry.unwatch(this.#options.streamId, this);
    for (const kind of trackKinds) this.#replace(kind, null);
  }

  #current(kind: TrackKind, generation: number): ExportedTrack | null {
    const exported = this.#tracks[kind];
    return exported?.generation === generation ? exported : null;
  }

  #describe(kind: TrackKind): StreamDescription['audio'] {
    const exported = this.#tracks[kind];
    return exported && { generation: exported.generation, codec: exported.track.codec };
  }

  #replace(kind: TrackKind, track: SourceTrack | null): void {
    const known = this.#tracks[kind];
    if ((known?.track ?? null) === track) return;
    known?.detach();
    this.#generation = (this.#generation + 1) & 0xffff;
    this.#tracks[kind] = track && new ExportedTrack(track, this.#generation, this.#options);
  }
}
