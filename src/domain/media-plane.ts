/** What the domain asks of the media: legs that publish and receive streams over named connections. Session descriptions pass through unread. */

export type LegKind = 'phone' | 'browser';
export type MediaType = 'AUDIO' | 'VIDEO';

/** The codecs that every media plane speaks with phones, by their names in session descriptions. */
export const phoneCodecs = ['opus', 'G722', 'PCMU', 'PCMA'] as const;

export type PhoneCodec = (typeof phoneCodecs)[number];

/**
 * Whether a phone’s audio is encrypted with keys in its session descriptions (SRTP, RFC 4568): never, where the phone can, or
 * always, so that a call without it is refused.
 */
export const srtpPolicies = ['off', 'allow', 'require'] as const;

export type SrtpPolicy = (typeof srtpPolicies)[number];

/** What may be agreed on with a phone. */
export interface PhoneTerms {
  /** Those that may be used, the preferred first; null: all that there are, in the order of whoever offers. */
  readonly codecs: readonly PhoneCodec[] | null;
  /** Keys are pressed as telephone events (RFC 4733); false: these are neither offered nor taken. */
  readonly telephoneEvents: boolean;
  /** Null: as it is for all phones. */
  readonly srtp: SrtpPolicy | null;
}

/** What a phone may be told: asked for its PIN, asked again, taken leave of; `quiet` is silence, while it answers. */
export type PromptName = 'pin' | 'pin-wrong' | 'goodbye' | 'quiet';

/**
 * Which way a connection carries streams. `both`: the leg publishes and receives over it, either side may offer, and the leg
 * ends where it fails. `publish`: the far end offers what it publishes. `receive`: we offer what it receives. These two may
 * fail and be made anew by the next offer; the leg goes on meanwhile.
 */
export type ConnectionFlow = 'both' | 'publish' | 'receive';

/** A data channel that both sides know of without asking (RFC 8831 §6.4). */
export interface DataChannelRequest {
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

/** One peer connection of a browser, or the one description of a phone. */
export interface ConnectionRequest {
  /** Unique within the leg. A phone has one connection, `main`. */
  readonly name: string;
  readonly flow: ConnectionFlow;
  /** The far end's first offer; null: we make it. Left out: the connection is described later, by `answer` or `offer`. */
  readonly offer?: string | null;
  /** A connection whose media was lost: what is described here goes on from it. Of a phone, and without `offer`. */
  readonly resumes?: ConnectionPast;
  /** Opened where the far end offers data channels. Default none: its offer of them is refused. */
  readonly dataChannels?: readonly DataChannelRequest[];
}

/** What a leg is opened with. */
export interface LegOpening {
  readonly kind: LegKind;
  readonly connections: readonly ConnectionRequest[];
  /**
   * The address that the far end's signalling comes from; null: not known. A phone behind a NAT sends its media from there, too:
   * it tells which packets are the phone's before they have proven it.
   */
  readonly signallingAddress?: string | null;
  /** The address of ours that it came to; media is expected there, too, where media can be. Null: not known. */
  readonly localAddress?: string | null;
  /**
   * A phone is sent nothing before `MediaLeg.confirm`: until then anybody may have written the address that asks for it. Default
   * false.
   */
  readonly sendsOnceConfirmed?: boolean;
  /** What may be agreed on with a phone. Default: all that there is. */
  readonly phoneTerms?: PhoneTerms | undefined;
}

/** A leg of one connection. `offer`: the far end's; null: we make it. */
export function mainConnection(
  kind: LegKind,
  offer: string | null,
  about: Omit<LegOpening, 'kind' | 'connections'> = {},
): LegOpening {
  const { signallingAddress = null, localAddress = null, sendsOnceConfirmed = false, phoneTerms } = about;
  const connections = [{ name: 'main', flow: 'both', offer }] as const;
  return { kind, connections, signallingAddress, localAddress, sendsOnceConfirmed, phoneTerms };
}

/** A stream as the media plane reports it: one alias of one leg, with its audio, its video or both. */
export interface MediaStreamInfo {
  /** Unique in the deployment; begins with the publisher's participant id. */
  readonly streamId: string;
  readonly alias: string;
  readonly mediaTypes: readonly MediaType[];
}

/** Why the media plane ended a leg by itself. */
export type MediaEndReason = 'media-timeout' | 'media-lost' | 'ice-failed';

/** What a phone is played. */
export type Sound =
  | {
      readonly kind: 'file';
      /** Absolute path of a WAV: PCM of 8, 16, 24 or 32 bit or float, or G.711; 8 to 48 kHz; mono or stereo. */
      readonly path: string;
    }
  | ToneSound;

export interface ToneSound {
  readonly kind: 'tone';
  /** One, or two that sound together. */
  readonly frequenciesHz: readonly number[];
  readonly durationMs: number;
  /** How loud the whole tone is, below full scale: 0 is the loudest there is. */
  readonly levelDb: number;
}

export interface Playback {
  readonly playbackId: string;
  readonly sound: Sound;
  /** How often; null: until stopped. */
  readonly times: number | null;
  /** `over`: added to what the phone hears. `instead`: alone. */
  readonly mode: 'over' | 'instead';
}

/** How a playback ended: it was played to its end, it was stopped, or another took its place. */
export type PlaybackEnd = 'completed' | 'stopped' | 'replaced';

/**
 * Audio that goes one way only, although both ends are alive. `not-received`: the far end reports that it sends, and nothing of
 * it comes here. `not-heard`: it reported on what we send, and reports now that nothing comes any more. `not-reported`: it
 * reports, and never said anything of what we send: nothing reaches it, or it does not tell.
 */
export type OneWayAudio = 'not-received' | 'not-heard' | 'not-reported';

/** One direction of a leg's audio, as whoever receives it counts. */
export interface DirectionQuality {
  /** In the last window of ten seconds; in the first, so far. */
  readonly lossPercent: number;
  readonly jitterMs: number;
  /** Mean opinion score, 1 to 4.5. */
  readonly mos: number;
  /** Since the beginning. */
  readonly packets: number;
  readonly packetsLost: number;
  readonly totalLossPercent: number;
  /** 95 of 100 seconds (or reports) had no more. */
  readonly jitterP95Ms: number;
  readonly jitterMaxMs: number;
  /** The mean and the worst of all windows in which anything was to come. */
  readonly mosMean: number;
  readonly mosWorst: number;
}

export interface AudioQuality {
  /** What we receive of the far end; null: nothing came. */
  readonly received: DirectionQuality | null;
  /** What the far end receives of us, by its reports; null: it reported nothing. */
  readonly sent: DirectionQuality | null;
  /** By the far end's last report that tells it; null: none does. */
  readonly roundTripMs: number | null;
  readonly oneWay: OneWayAudio | null;
}

/** Not at all, by SRTP with keys in the signalling (RFC 4568), or by SRTP with keys of a DTLS handshake (RFC 5764). */
export const mediaEncryptions = ['none', 'sdes', 'dtls'] as const;

export type MediaEncryption = (typeof mediaEncryptions)[number];

export interface MediaLegStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  /** Packets dropped because they came from an address that is not this leg's peer. */
  readonly packetsFromStrangers: number;
  readonly jitterMs: number;
  /** Null: nothing was measured. Left out in records of earlier versions. */
  readonly audio?: AudioQuality | null;
  /** Packets dropped because SRTP found them forged or sent again. Absent: not known. */
  readonly packetsNotGenuine?: number;
  /** How what was last agreed on is encrypted: not at all, or by SRTP with keys in the signalling, or of DTLS. Absent: not known. */
  readonly encryption?: MediaEncryption;
}

/** Facts that a leg's media tells its owner. Calls are synchronous and must not throw. */
export interface MediaLegListener {
  /** Media flows: the first RTP packet of a phone, DTLS up for a browser. */
  onConnected(): void;
  /** The complete list of what this leg publishes now, already cut to what it may publish. */
  onStreams(streams: readonly MediaStreamInfo[]): void;
  /** The far end holds a key: `onDtmf` follows when it lets go. Not told of a press that is known by its end alone. */
  onKeyDown(): void;
  onDtmf(digit: string, durationMs: number): void;
  /** A playback is over. Once for each that `play` began, unless the leg ends before it. */
  onPlayed(playbackId: string, how: PlaybackEnd): void;
  /** A phone holds the call, by what was last agreed on: it takes nothing. Or it has taken it up again. */
  onHeld(held: boolean): void;
  /** What goes over this connection no longer fits its description: make an offer when signalling allows. */
  onNegotiationNeeded(connection: string): void;
  /** The leg's media is gone; the leg is closed already. Called at most once. */
  onEnded(reason: MediaEndReason): void;
}

export interface OpenLegRequest extends LegOpening {
  readonly legId: string;
  readonly participantId: string;
  /** Legs of one session are placed on one worker where possible. */
  readonly sessionId: string | null;
  readonly mayPublish: readonly MediaType[];
  readonly listener: MediaLegListener;
}

/** One negotiation of a leg, independent of the leg's others. */
export interface MediaConnection {
  /** What the opening came to: our answer or our offer; empty where the opening asked for neither. */
  readonly localDescription: string;
  /** Where it stands, for another that is to go on from it. Absent: none can. */
  readonly past?: ConnectionPast;
  /** Answers a new offer of the far end. Throws MediaRefusal. */
  answer(offer: string): Promise<string>;
  /** Makes an offer of what should now be sent and received here. Throws MediaRefusal. */
  offer(): Promise<string>;
  /** Takes the far end's answer to our last offer. Throws MediaRefusal. */
  accept(answer: string): Promise<void>;
  /** Forgets our last offer: the far end refused it (491) or never answered. */
  rollback(): Promise<void>;
}

/** The streams that a leg receives, by the connection over which they go; none over one that is not named. */
export type ReceivedStreams = Readonly<Record<string, readonly string[]>>;

export interface MediaLeg {
  readonly legId: string;
  readonly kind: LegKind;
  /** Where it is lost, another can be opened that `resumes` its connections. Absent: it cannot. */
  readonly canMove?: boolean;
  /** Throws RangeError where the leg was opened without it. */
  connection(name: string): MediaConnection;
  /** Replaces everything that this leg receives. With `holdSound` a phone hears the hold sound while it receives nothing. */
  receive(streams: ReceivedStreams, holdSound: boolean): Promise<void>;
  setMayPublish(mayPublish: readonly MediaType[]): Promise<void>;
  /** The far end is who it says: it may be sent to. No effect where the leg was not opened to wait for it. */
  confirm(): Promise<void>;
  /**
   * A phone hears this where it would hear the hold sound: from its beginning, again (or `next` in its place) with
   * `repeatAfterMs` of silence in between, or once where that is null, and silence then. Ends with null, or when `receive`
   * takes the hold sound away: at once, but so that it does not click. Other legs ignore it.
   */
  prompt(sound: PromptName | null, repeatAfterMs: number | null, next?: PromptName): Promise<void>;
  /**
   * Plays a sound to a phone, in place of one that is being played. While the phone holds, the sound's time goes on. Throws
   * MediaRefusal: `bad-sound` where the sound cannot be used, or where the leg is no phone.
   */
  play(playback: Playback): Promise<void>;
  /** No effect where another or none is being played. */
  stopPlaying(playbackId: string): Promise<void>;
  /** Plays a short tone (1 s at most) over everything the phone hears; one that still sounds ends. Other legs ignore it. */
  tone(sound: ToneSound): Promise<void>;
  /**
   * Presses keys for the far end to hear of (RFC 4733): `0`–`9`, `*`, `#`, `A`–`D`; a `,` is a pause of 1 s. Several requests
   * are sent one after the other. Resolves when all were sent, within a minute. Throws MediaRefusal: `no-telephone-event` where
   * the far end takes none or is no phone, `on-hold` where it holds or begins to, `too-many-keys` where it would take more than
   * a minute. `durationMs` is of each key, 40 to 5000.
   */
  sendDtmf(digits: string, durationMs: number): Promise<void>;
  /** What was counted so far; null where the leg or its worker is gone. */
  statistics(): Promise<MediaLegStatistics | null>;
  /** Ends the media at once; idempotent. Resolves with what was counted, or null where the worker is gone. */
  close(): Promise<MediaLegStatistics | null>;
}

export type RecordingFormat = 'wav' | 'ogg';

export interface RecordingResult {
  readonly durationMs: number;
  readonly bytes: number;
}

/** Why a recording ended by itself. */
export type RecordingEndReason = 'too-long' | 'too-large' | 'disk-full' | 'failed' | 'media-lost';

export interface MediaRecordingListener {
  /** It ended by itself; the file is complete as far as it goes. At most once, never after `stop`. */
  onEnded(reason: RecordingEndReason, result: RecordingResult | null): void;
}

export interface OpenRecordingRequest {
  readonly recordingId: string;
  /** The recording is placed with the session's legs where possible. */
  readonly sessionId: string;
  /** Absolute; its directory exists, the file does not. */
  readonly path: string;
  readonly format: RecordingFormat;
  /** The recording ends before the file would be larger. */
  readonly maxBytes: number;
  readonly maxDurationMs: number;
  /** Called only after `openRecording` has resolved. */
  readonly listener: MediaRecordingListener;
}

/** One mono file that grows from its opening to its end, in which time is the clock's: where nobody speaks it is silent. */
export interface MediaRecording {
  /** Replaces the set of streams that are mixed into the file; none: silence. Throws MediaRefusal. */
  receive(streamIds: readonly string[]): Promise<void>;
  /** So far; null where the worker is gone. */
  size(): Promise<RecordingResult | null>;
  /** Ends it and completes the file; idempotent. Null where the worker is gone. */
  stop(): Promise<RecordingResult | null>;
}

/** Why a leg is refused. */
export type LegRefusalCode = 'bad-sdp' | 'no-common-codec' | 'overloaded';
/** Why keys are not sent, see `MediaLeg.sendDtmf`. */
export type KeyRefusalCode = 'no-telephone-event' | 'on-hold' | 'too-many-keys';
/** `bad-sound`: a sound that cannot be played. `disk-full`: no room for a recording. */
export type MediaRefusalCode = LegRefusalCode | KeyRefusalCode | 'bad-sound' | 'disk-full';

/** The media plane cannot do what was asked, and why. */
export class MediaRefusal extends Error {
  override readonly name = 'MediaRefusal';
  constructor(
    readonly code: MediaRefusalCode,
    detail: string,
  ) {
    super(detail);
  }

  /** The code where a leg was refused. */
  get legCode(): LegRefusalCode {
    return this.code === 'bad-sdp' || this.code === 'no-common-codec' ? this.code : 'overloaded';
  }
}

export interface MediaPlane {
  /** Allocates media for a leg. Throws MediaRefusal. The listener is called only after this has resolved. */
  openLeg(request: OpenLegRequest): Promise<MediaLeg>;
  /** Begins a recording, of silence at first. Throws MediaRefusal `overloaded` or `disk-full`. */
  openRecording(request: OpenRecordingRequest): Promise<MediaRecording>;
  /** True while at least one worker takes new legs. */
  readonly isReady: boolean;
  close(): Promise<void>;
}
