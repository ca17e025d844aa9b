/** A track of another worker, as if it were of this one. */
import type { Codec } from '../codec/codec.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import type { PacketSink, SourceTrack, TrackKind } from '../source-track.js';
import type { TrackDescription } from './stream-description.js';

/** What a track of another worker asks of the link it comes by. */
export interface ImportControl {
  attach(kind: TrackKind, generation: number): void;
  detach(kind: TrackKind, generation: number): void;
  requestKeyFrame(kind: TrackKind, generation: number): void;
}

/** A track of another worker. Its packets travel only while somebody here listens. */
export class ImportedTrack implements SourceTrack {
  readonly codec: Codec;
  readonly generation: number;
  readonly #control: ImportControl;
  #sinks: readonly PacketSink[] = [];

  constructor(
    readonly streamId: string,
    readonly kind: TrackKind,
    { codec, generation }: TrackDescription,
    control: ImportControl,
  ) {
    this.codec = codec;
    this.generation = generation;
    this.#control = control;
  }

  addSink(sink: PacketSink): void {
    if (this.#sinks.includes(sink)) return;
    // Replaced, not changed: a sink may come or go while a packet is handed round.
    this.#sinks = [...this.#sinks, sink];
    if (this.#sinks.length === 1) this.#control.attach(this.kind, this.generation);
  }

  removeSink(sink: PacketSink): void {
    if (!this.#sinks.includes(sink)) return;
    this.#sinks = this.#sinks.filter((other) => other !== sink);
    if (this.#sinks.length === 0) this.#control.detach(this.kind, this.generation);
  }

  requestKeyFrame(): void {
    if (this.kind === 'video') this.#control.requestKeyFrame(this.kind, this.generation);
  }

  deliver(packet: RtpPacket, arrivalMs: number): void {
    for (const sink of this.#sinks) sink.onPacket(packet, arrivalMs);
  }
}
