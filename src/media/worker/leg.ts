/** What the engine asks of a leg, phone or browser. One instance per live connection; owned by the engine. */
import type { PhoneTerms } from './phone/phone-terms.js';
import type { AudioQuality } from './quality/audio-quality.js';
import type { Playback, PlaybackEnd, ToneSound } from './sound/playback.js';
import type { Prompt } from './sound/prompt-sounds.js';
import type { SourceStream, TrackKind } from './source-track.js';

export interface LegEvents {
  onConnected(): void;
  /** The complete list of what the leg publishes now, cut to what it may publish. The engine re-routes on it. */
  onStreams(streams: readonly SourceStream[]): void;
  /** The far end holds a key: `onDtmf` follows when it lets go. */
  onKeyDown(): void;
  onDtmf(digit: string, durationMs: number): void;
  /** Once for each playback, not before `play` has resolved. */
  onPlayed(playbackId: string, how: PlaybackEnd): void;
  /** A phone holds, or resumes. Told of changes only; at first it does not hold. */
  onHeld(held: boolean): void;
  onNegotiationNeeded(connection: string): void;
  /** The leg has closed itself. At most once, never after `close()`. */
  onEnded(reason: 'media-timeout' | 'ice-failed'): void;
  /** Something failed that must not fail: a defect. The leg is closed then, and nobody else's with it. */
  onFault(error: unknown): void;
}

export interface LegStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsFromStrangers: number;
  readonly jitterMs: number;
  /** Null: nothing is measured. */
  readonly audio: AudioQuality | null;
  /** Dropped because SRTP found them forged or sent again. Absent: none. */
  readonly packetsNotGenuine?: number;
  /** How what was last agreed on is encrypted. Absent: not known. */
  readonly encryption?: 'none' | 'sdes' | 'dtls';
}

/** `both`: the leg ends where the connection fails. `publish`, `receive`: it is made anew by the next offer. */
export type ConnectionFlow = 'both' | 'publish' | 'receive';

/** A data channel that both sides know of without asking (RFC 8831 §6.4). */
export interface DataChannelOptions {
  readonly id: number;
  readonly label: string;
  readonly protocol: string;
  /** What a text is answered with. Other texts are not answered. */
  readonly replies: Readonly<Record<string, string>>;
}

/** What a connection that goes on elsewhere must keep to. */
export interface ConnectionPast {
  /** Our last description: the next one follows it (RFC 3264 §8). */
  readonly description: string;
  /** What was agreed on last was encrypted: it shall not go on in the clear. */
  readonly isEncrypted: boolean;
}

export interface ConnectionOptions {
  /** Unique within the leg. */
  readonly name: string;
  readonly flow: ConnectionFlow;
  /** Opened where the far end offers data channels. Default none. */
  readonly dataChannels?: readonly DataChannelOptions[];
}

export interface LegOptions {
  readonly legId: string;
  /** Stream ids are `<participantId>.<n>`, n unique per leg incarnation (a random start), ≤ 64 characters (RFC 8830 §2). */
  readonly participantId: string;
  readonly mayPublish: ReadonlySet<TrackKind>;
  readonly events: LegEvents;
  /** The address that the far end's signalling comes from, where it is known: a phone's media may come from there, too. */
  readonly signallingAddress?: string | null;
  /** The address of ours that it came to, where it is known. */
  readonly localAddress?: string | null;
  /** The literal address of ours that this far end is told in place of the usual one. Default none. */
  readonly advertisedAddress?: string | null;
  /** A phone is sent nothing before `confirm`. Default false. */
  readonly sendsOnceConfirmed?: boolean;
  /** What may be agreed on with a phone. Default: all that there is. */
  readonly phoneTerms?: PhoneTerms | null;
}

export interface ConnectedLegOptions extends LegOptions {
  readonly connections: readonly ConnectionOptions[];
}

/** One negotiation of a leg, and what goes over it. */
export interface LegConnection {
  /** What is described here goes on from a leg that is lost. Before anything else. Absent where it cannot. Throws SdpRefusal. */
  resume?(past: ConnectionPast): void;
  /** Answers the far end's offer, the first as well as later ones. Throws SdpRefusal; a refused re-offer changes nothing. */
  answer(offer: string): Promise<string>;
  /** Makes an offer. Throws when one is outstanding. */
  offer(): Promise<string>;
  accept(answer: string): Promise<void>;
  rollback(): void;
  /** Replaces what is received here. Routes of streams that stay are not disturbed. */
  receive(streams: readonly SourceStream[], holdSound: boolean): void;
}

export interface Leg {
  readonly legId: string;
  readonly kind: 'phone' | 'browser';
  /** By name; the same for as long as the leg lives. */
  readonly connections: ReadonlyMap<string, LegConnection>;
  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void;
  /** The far end may be sent to. Absent where it always may. */
  confirm?(): void;
  /** Absent where the far end is told nothing. */
  prompt?(prompt: Prompt | null): void;
  /** Absent, with the two that follow, where the far end is played nothing. Throws WorkerRefusal. */
  play?(playback: Playback): Promise<void>;
  stopPlaying?(playbackId: string): void;
  tone?(sound: ToneSound): void;
  /**
   * Presses keys (RFC 4733); a `,` is a pause. Resolves when all were sent. Throws WorkerRefusal, RangeError for what is no key,
   * and Error where the leg is closed meanwhile. Absent where the far end is no phone.
   */
  sendDtmf?(digits: string, durationMs: number, gapMs: number): Promise<void>;
  statistics(): LegStatistics;
  /** Idempotent; releases sockets and timers, removes its sinks from every source. */
  close(): void;
}
