/** The reading end of a link between media workers. */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { RtpPacket } from '../rtp/rtp-packet.js';
import type { SourceStream, TrackKind } from '../source-track.js';
import type { StreamPublisher, StreamRegistry } from '../stream-registry.js';
import type { LinkCounters } from './exported-stream.js';
import { ImportedTrack } from './imported-track.js';
import { linkConnectOptions, type LinkAddress } from './link-address.js';
import { type LinkFrame, LinkFrameReader } from './link-frame.js';
import { LinkWriter } from './link-writer.js';
import {
  parseStreamDescription,
  type StreamDescription,
  type TrackDescription,
} from './stream-description.js';

const reconnectMs = [50, 100, 200, 500, 1000] as const;
/** The requests of a reader are few and small. */
const maxQueuedBytes = 1024 * 1024;

export interface LinkClientOptions {
  readonly address: LinkAddress;
  readonly secret: string;
  readonly registry: StreamRegistry;
  readonly counters: LinkCounters;
}

interface Import {
  readonly streamId: string;
  readonly channel: number;
  stream: SourceStream | null;
  audio: ImportedTrack | null;
  video: ImportedTrack | null;
}

/** Brings streams of one other worker into this one's registry. Connects again by itself until it is closed. */
export class LinkClient implements StreamPublisher {
  readonly isLocal = false;
  readonly #options: LinkClientOptions;
  readonly #byStreamId = new Map<string, Import>();
  readonly #byChannel = new Map<number, Import>();
  readonly #packet = new RtpPacket();
  #nextChannel = 1;
  #socket: Socket | null = null;
  #writer: LinkWriter | null = null;
  #failures = 0;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: LinkClientOptions) {
    this.#options = options;
    this.#connect();
  }

  /** How many streams it follows. */
  get size(): number {
    return this.#byStreamId.size;
  }

  add(streamId: string): void {
    if (this.#closed || this.#byStreamId.has(streamId)) return;
    const item: Import = { streamId, channel: this.#nextChannel, stream: null, audio: null, video: null };
    this.#nextChannel = (this.#nextChannel + 1) >>> 0;
    this.#byStreamId.set(streamId, item);
    this.#byChannel.set(item.channel, item);
    this.#writer?.control('subscribe', item.channel, streamId);
  }

  remove(streamId: string): void {
    const item = this.#byStreamId.get(streamId);
    if (item === undefined) return;
    this.#byStreamId.delete(streamId);
    this.#byChannel.delete(item.channel);
    this.#publish();
    this.#writer?.control('unsubscribe', item.channel);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#byStreamId.clear();
    this.#byChannel.clear();
    this.#publish();
    this.#drop();
  }

  #connect(): void {
    const socket = connect(linkConnectOptions(this.#options.address));
    const writer = new LinkWriter(socket, maxQueuedBytes);
    const reader = new LinkFrameReader();
    this.#socket = socket;
    this.#writer = writer;
    socket.setNoDelay(true);
    writer.control('hello', 0, this.#options.secret);
    for (const item of this.#byStreamId.values()) writer.control('subscribe', item.channel, item.streamId);
    socket.on('data', (chunk) => {
      this.#failures = 0;
      if (!reader.push(chunk, (frame) => this.#onFrame(frame))) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#closed || this.#socket !== socket) return;
      this.#drop();
      for (const item of this.#byStreamId.values()) this.#describe(item, null);
      this.#publish();
      const delayMs = reconnectMs[Math.min(this.#failures, reconnectMs.length - 1)];
      this.#failures += 1;
      this.#retry = setTimeout(() => this.#connect(), delayMs);
    });
  }

  #drop(): void {
    this.#writer?.close();
    this.#writer = null;
    this.#socket?.destroy();
    this.#socket = null;
  }

  #onFrame({ type, channel, kind, generation, body }: LinkFrame): void {
    const item = this.#byChannel.get(channel);
    if (item === undefined) return;
    if (type === 'packet') {
      const track = item[kind];
      if (track?.generation !== generation || !RtpPacket.parse(body, this.#packet)) return;
      this.#options.counters.packetsReceived += 1;
      track.deliver(this.#packet, performance.now());
    } else if (type === 'description') {
      this.#describe(item, parseStreamDescription(body));
      this.#publish();
    }
  }

  #describe(item: Import, description: StreamDescription | null): void {
    item.audio = this.#track(item, 'audio', description?.audio ?? null);
    item.video = this.#track(item, 'video', description?.video ?? null);
    item.stream = description && {
      streamId: item.streamId,
      alias: description.alias,
      audio: item.audio,
      video: item.video,
    };
  }

  /** Keeps the track that its sinks know while it is the same at the other end. */
  #track(item: Import, kind: TrackKind, description: TrackDescription | null): ImportedTrack | null {
    if (description === null) return null;
    const known = item[kind];
    if (known?.generation === description.generation) return known;
    const { channel } = item;
    return new ImportedTrack(item.streamId, kind, description, {
      attach: (of, generation) => this.#writer?.trackControl('attach', channel, of, generation),
      detach: (of, generation) => this.#writer?.trackControl('detach', channel, of, generation),
      requestKeyFrame: (of, generation) => this.#writer?.trackControl('key-frame', channel, of, generation),
    });
  }

  #publish(): void {
    const streams: SourceStream[] = [];
    for (const { stream } of this.#byStreamId.values()) if (stream !== null) streams.push(stream);
    this.#options.registry.publish(this, streams);
  }
}
