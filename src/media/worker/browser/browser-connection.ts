/** One peer connection with a browser: transport, negotiation and tracks. */
import { randomBytes, randomInt } from 'node:crypto';
import type { LegConnection, LegEvents, LegStatistics } from '../leg.js';
import { isInUse } from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import { formatSessionDescription, parseSessionDescription } from '../../../sdp/session-description.js';
import type { SourceStream, SourceTrack, TrackKind } from '../source-track.js';
import { allVideoCodecs, type VideoCodecName } from './browser-codecs.js';
import { BrowserMedia } from './browser-media.js';
import {
  needsOffer,
  newBrowserSections,
  wantedKey,
  type AlternatingLayout,
  type BrowserSections,
  type WantedTrack,
} from './browser-sections.js';
import { acceptAnswer, answerOffer, createOffer, rollback, type NegotiationContext } from './browser-sdp.js';
import {
  BrowserTransport,
  type BrowserTransportEvents,
  type BrowserTransportSettings,
} from './browser-transport.js';
import { describe } from './local-description.js';
import { publishedStreams, type PublishedStreams } from './published-streams.js';
import { readRemoteTransport, readSctpPort, type RemoteTransportParameters } from './remote-description.js';
import { WorkerRefusal } from '../worker-refusal.js';

export interface BrowserConnectionSettings extends BrowserTransportSettings {
  /** m-sections per description. Default 64. */
  readonly maxSections?: number;
  /** Those that are negotiated, best first. Default: all. */
  readonly videoCodecs?: readonly VideoCodecName[];
  /** Bitrate that a browser's video is held down to, per track. Default 2 500 000. */
  readonly videoBitrateCapBps?: number;
  /** Octets of each video track kept for retransmission. Default 262 144: 0.8 s at the bitrate cap. */
  readonly cacheOctets?: number;
  /** Between RTCP reports. Default 1000 ms. */
  readonly reportIntervalMs?: number;
  /** The first offer is ours, and our offers grow in a fixed order. Default: the browser offers first. */
  readonly alternating?: AlternatingLayout;
}

/** What a connection tells its leg. */
export interface BrowserConnectionEvents extends Pick<
  LegEvents,
  'onConnected' | 'onStreams' | 'onKeyDown' | 'onDtmf' | 'onEnded' | 'onFault'
> {
  /** What is sent no longer fits the description. */
  onNegotiationNeeded(): void;
}

export interface BrowserConnectionOptions extends BrowserConnectionSettings {
  /** For logs of the library. */
  readonly name: string;
  readonly participantId: string;
  readonly mayPublish: ReadonlySet<TrackKind>;
  readonly events: BrowserConnectionEvents;
}

const isSameTransport = (a: RemoteTransportParameters, b: RemoteTransportParameters): boolean =>
  a.credentials.usernameFragment === b.credentials.usernameFragment &&
  a.credentials.password === b.credentials.password &&
  a.fingerprint.value === b.fingerprint.value;

/** One peer connection of a browser: negotiates, publishes what it sends, forwards to it what it should receive. */
export class BrowserConnection implements LegConnection {
  readonly #name: string;
  readonly #events: BrowserConnectionEvents;
  readonly #settings: BrowserTransportSettings;
  readonly #maxSections: number;
  readonly #videoCodecs: readonly VideoCodecName[];
  readonly #takesChannels: boolean;
  readonly #media: BrowserMedia;

  #alternating: AlternatingLayout | null;
  #state: BrowserSections;
  /** Our offer, while its answer is out. */
  #proposed: BrowserSections | null = null;
  #published: PublishedStreams;
  #streams: readonly SourceStream[] = [];
  #mayPublish: ReadonlySet<TrackKind>;
  #wanted: readonly WantedTrack[] = [];
  #sources: ReadonlyMap<string, SourceTrack> = new Map();

  #transport: BrowserTransport | null = null;
  /** After an ICE restart: takes the place of the transport as soon as it is connected. */
  #successor: BrowserTransport | null = null;
  #remote: RemoteTransportParameters | null = null;

  #tail: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #checkScheduled = false;
  /** The owner knows that an offer is needed, and has not asked for it yet. */
  #offerAwaited = false;
  #connectedTold = false;
  #closed = false;

  constructor(options: BrowserConnectionOptions) {
    this.#name = options.name;
    this.#events = options.events;
    this.#settings = options;
    this.#mayPublish = options.mayPublish;
    this.#maxSections = options.maxSections ?? 64;
    this.#videoCodecs = options.videoCodecs ?? allVideoCodecs;
    this.#takesChannels = (options.channels ?? []).length > 0;
    this.#alternating = options.alternating ?? null;
    // RFC 3264 §5: the session id is numeric; 62 bits as RFC 8829 §5.2.1 asks.
    this.#state = newBrowserSections((randomBytes(8).readBigUInt64BE() >> 2n).toString());
    this.#published = { participantId: options.participantId, next: randomInt(1, 2 ** 31), streams: [] };
    this.#media = new BrowserMedia({
      send: (packet) => this.#transport?.send(packet) ?? false,
      onTracksChanged: () => this.#tellStreams(),
      keys: {
        onKeyDown: () => {
          if (!this.#closed) this.#events.onKeyDown();
        },
        onKey: (key, durationMs) => {
          if (!this.#closed) this.#events.onDtmf(key, durationMs);
        },
      },
      videoBitrateCapBps: options.videoBitrateCapBps ?? 2_500_000,
      cacheOctets: options.cacheOctets ?? 262_144,
      reportIntervalMs: options.reportIntervalMs ?? 1000,
    });
    this.#media.setMayPublish(options.mayPublish);
  }

  // --- negotiation ---

  answer(offer: string): Promise<string> {
    return this.#serially(async () => {
      // It may have stopped what it sent, whatever becomes of its offer.
      this.#expectSilence();
      const description = parseSessionDescription(offer);
      // A browser that stopped everything says nothing about the transport, which stays.
      const isIdle = this.#remote !== null && !description.media.some(isInUse);
      const sctpPort = this.#takesChannels ? readSctpPort(description) : null;
      const remote = isIdle ? this.#remote : { ...readRemoteTransport(description), sctpPort };
      const isNew = remote !== null && (this.#remote === null || !isSameTransport(this.#remote, remote));
      // The far end offers, so it does not answer ours any more (RFC 8829 §4.1.8.2).
      const before = this.#proposed === null ? this.#state : rollback(this.#state, this.#proposed);
      // Whatever may be refused is, before a port is taken.
      const next = answerOffer(before, description, {
        ...this.#context(),
        // A transport that began without SCTP gets none any more.
        dataChannels: sctpPort !== null && (isNew || this.#remote?.sctpPort === sctpPort),
      });
      if (isNew) await this.#connectTo(remote);
      this.#proposed = null;
      this.#offerAwaited = false;
      this.#adopt(next);
      return formatSessionDescription(describe(next, this.#latestTransport().local));
    });
  }

  offer(): Promise<string> {
    return this.#serially(async () => {
      if (this.#proposed !== null) throw new Error('an offer is outstanding');
      if (this.#transport === null) {
        const transport = await BrowserTransport.offering(
          this.#name,
          this.#settings,
          this.#transportEvents(),
        );
        this.#throwIfClosed(transport);
        this.#transport = transport;
      }
      this.#offerAwaited = false;
      this.#proposed = createOffer(this.#state, this.#context(), this.#mayPublish);
      return formatSessionDescription(
        describe(this.#proposed, { ...this.#latestTransport().local, setup: 'actpass' }),
      );
    });
  }

  accept(answer: string): Promise<void> {
    return this.#serially(() => {
      const proposed = this.#proposed;
      if (proposed === null) throw new SdpRefusal('bad-sdp', 'no offer is outstanding');
      this.#forgetOffer(proposed);
      const description = parseSessionDescription(answer);
      const next = acceptAnswer(proposed, description);
      if (this.#remote === null) {
        const remote = readRemoteTransport(description);
        this.#latestTransport().acceptRemote(remote);
        this.#remote = remote;
      }
      this.#adopt(next);
      return Promise.resolve();
    });
  }

  rollback(): void {
    if (this.#proposed === null) return;
    // Who answers not even the first may hold more sections of an earlier leg than it is offered.
    if (this.#alternating !== null && this.#remote === null)
      this.#alternating = { minSections: this.#maxSections };
    this.#forgetOffer(this.#proposed);
  }

  #forgetOffer(proposed: BrowserSections): void {
    this.#state = rollback(this.#state, proposed);
    this.#proposed = null;
    this.#checkNegotiation();
  }

  /** m-sections negotiated so far. */
  get sectionCount(): number {
    return this.#state.sections.length;
  }

  #context(): NegotiationContext {
    return {
      wanted: this.#wanted,
      maxSections: this.#maxSections,
      videoCodecs: this.#videoCodecs,
      newSsrc: () => randomInt(1, 2 ** 32),
      dataChannels: false,
      alternating: this.#alternating,
    };
  }

  #adopt(state: BrowserSections): void {
    this.#expectSilence();
    this.#state = state;
    this.#published = publishedStreams(this.#published, state.sections);
    this.#media.applyIncoming(state.sections, this.#published);
    this.#media.applyOutgoing(state.sections, this.#sources);
    this.#tellStreams();
  }

  /** The browser may send something else now, or nothing. */
  #expectSilence(): void {
    this.#transport?.renegotiated();
    this.#successor?.renegotiated();
  }

  /** One negotiation at a time, in the order they were asked for. */
  #serially<T>(run: () => Promise<T>): Promise<T> {
    this.#busy++;
    const result = this.#tail.then(() => {
      this.#throwIfClosed();
      return run();
    });
    this.#tail = result
      .catch(() => undefined)
      .then(() => {
        this.#busy--;
        this.#checkNegotiation();
      });
    return result;
  }

  #throwIfClosed(transport?: BrowserTransport): void {
    if (!this.#closed) return;
    transport?.close();
    throw new WorkerRefusal('overloaded', 'the connection is closed');
  }

  /** Tells the owner once that an offer is needed, however many changes made it so. */
  #checkNegotiation(): void {
    if (this.#checkScheduled) return;
    this.#checkScheduled = true;
    queueMicrotask(() => {
      this.#checkScheduled = false;
      const hasBegun = this.#remote !== null || this.#alternating !== null;
      const isStable = !this.#closed && this.#busy === 0 && this.#proposed === null && hasBegun;
      if (!isStable || this.#offerAwaited) return;
      if (!needsOffer(this.#state, this.#wanted, this.#maxSections, this.#alternating)) return;
      this.#offerAwaited = true;
      this.#events.onNegotiationNeeded();
    });
  }

  // --- transport ---

  #latestTransport(): BrowserTransport {
    const transport = this.#successor ?? this.#transport;
    if (transport === null) throw new Error('no transport');
    return transport;
  }

  async #connectTo(remote: RemoteTransportParameters): Promise<void> {
    const transport = await BrowserTransport.answering(
      this.#name,
      remote,
      this.#settings,
      this.#transportEvents(),
    );
    this.#throwIfClosed(transport);
    this.#successor?.close();
    this.#successor = null;
    if (this.#remote === null || this.#transport === null) {
      this.#transport?.close();
      this.#transport = transport;
    } else this.#successor = transport;
    this.#remote = remote;
    if (transport.isConnected) this.#onConnected(transport);
  }

  #transportEvents(): BrowserTransportEvents {
    return {
      onConnected: (transport) => this.#onConnected(transport),
      onPacket: (packet) => this.#media.onPacket(packet),
      onFault: (error) => this.#events.onFault(error),
      onFailed: (transport) => this.#onFailed(transport),
    };
  }

  #onConnected(transport: BrowserTransport): void {
    if (this.#closed) return;
    if (transport === this.#successor) {
      this.#transport?.close();
      this.#transport = transport;
      this.#successor = null;
    } else if (transport !== this.#transport) return;
    this.#media.start();
    if (this.#connectedTold) return;
    this.#connectedTold = true;
    this.#events.onConnected();
  }

  #onFailed(transport: BrowserTransport): void {
    // One that is about to be replaced may fail.
    if (this.#closed || (transport === this.#transport && this.#successor !== null)) return;
    if (transport !== this.#transport && transport !== this.#successor) return;
    this.close();
    this.#events.onEnded('ice-failed');
  }

  // --- what it publishes and receives ---

  receive(streams: readonly SourceStream[]): void {
    if (this.#closed) return;
    const wanted: WantedTrack[] = [];
    const sources = new Map<string, SourceTrack>();
    for (const { streamId, alias, audio, video } of streams) {
      for (const track of [audio, video]) {
        if (track === null) continue;
        const want: WantedTrack = { streamId, alias, kind: track.kind };
        wanted.push(want);
        sources.set(wantedKey(want), track);
      }
    }
    this.#wanted = wanted;
    this.#sources = sources;
    this.#media.applyOutgoing(this.#state.sections, sources);
    this.#checkNegotiation();
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    this.#media.setMayPublish(mayPublish);
    this.#tellStreams();
  }

  #tellStreams(): void {
    if (this.#closed) return;
    const streams = this.#media.streams(this.#published).map((stream) => {
      const known = this.#streams.find((s) => s.streamId === stream.streamId);
      return known?.audio === stream.audio && known.video === stream.video ? known : stream;
    });
    const isSame = streams.length === this.#streams.length && streams.every((s, i) => s === this.#streams[i]);
    if (isSame) return;
    this.#streams = streams;
    this.#events.onStreams(streams);
  }

  /** Tracks that should be received but have a codec which the browser lacks. */
  get tracksLeftOut(): number {
    return this.#media.tracksLeftOut;
  }

  statistics(): LegStatistics {
    return this.#media.statistics();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#media.close();
    this.#successor?.close();
    this.#transport?.close();
    this.#successor = null;
    this.#transport = null;
  }
}
