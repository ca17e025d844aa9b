/**
 * The seam between everything in a worker that produces RTP and everything that consumes it. A phone leg, a browser leg
 * and a link from another worker all produce `SourceTrack`s; forwarders, mixers and links consume them.
 */
import type { Codec } from './codec/codec.js';
import type { RtpPacket } from './rtp/rtp-packet.js';

export type TrackKind = 'audio' | 'video';

export interface PacketSink {
  /** `packet` is a view that the caller reuses: copy what must outlive the call. `arrivalMs` is monotonic. */
  onPacket(packet: RtpPacket, arrivalMs: number): void;
}

/** One instant on a publisher's own clocks, as its last RTCP sender report gave it. */
export interface SenderClock {
  /** The publisher's wall clock in milliseconds since 1970, with fractions; right or wrong, but one for all its tracks. */
  readonly unixMs: number;
  readonly rtpTimestamp: number;
  /** When the report came in, on the clock of `PacketSink.onPacket`. */
  readonly arrivalMs: number;
}

export interface SourceTrack {
  readonly streamId: string;
  readonly kind: TrackKind;
  readonly codec: Codec;
  /** Null: none yet. Left out by producers that pass on no sender reports: arrival times then tie tracks together. */
  readonly senderClock?: SenderClock | null;
  addSink(sink: PacketSink): void;
  removeSink(sink: PacketSink): void;
  /** Asks the producer for a key frame (PLI); rate-limited by the producer. No effect on audio. */
  requestKeyFrame(): void;
}

/** A published stream: one alias of one leg, with an audio track, a video track or both. */
export interface SourceStream {
  readonly streamId: string;
  readonly alias: string;
  readonly audio: SourceTrack | null;
  readonly video: SourceTrack | null;
}
