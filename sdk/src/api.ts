/** The SDK's public types. */

/** A stream that we receive, as it was when reported; `mediaStream` is the same object for as long as the stream lives. */
export interface RemoteStream {
  readonly streamId: string;
  /** Who publishes it: the participant's id from the REST API. */
  readonly participantId: string;
  /** The publisher's name for it: `microphone`, `camera`, `screenShare`, or one of its own. A phone's is `microphone`. */
  readonly alias: string;
  /** Attach it to an `<audio>` or `<video>` element's `srcObject`. */
  readonly mediaStream: MediaStream;
  readonly mediaTypes: readonly MediaType[];
}

export type MediaType = 'AUDIO' | 'VIDEO';

/** Who is calling by phone, as far as the account's privacy setting shows it. */
export interface Caller {
  readonly number: string | null;
  readonly name: string | null;
}

/** A stream that a moderator has muted: nobody receives it. */
export type MutedStream = Pick<RemoteStream, 'streamId' | 'alias' | 'mediaTypes'>;

/** A participant whom we are subscribed to, whether or not it publishes anything now. */
export interface RemoteParticipant {
  readonly participantId: string;
  /** Undefined until the gateway has told, which may be a moment after the first stream. */
  readonly kind: 'phone' | 'browser' | undefined;
  readonly displayName: string | undefined;
  /** The application's own, given over REST. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Where it is a phone. */
  readonly caller: Caller | undefined;
  /** What we receive of it now. */
  readonly streams: readonly RemoteStream[];
  /** What we would receive of it, had a moderator not muted it. */
  readonly mutedStreams: readonly MutedStream[];
}

/** A key that a participant pressed whose streams we receive. */
export interface DtmfEvent {
  readonly participantId: string;
  /** `0` to `9`, `*`, `#`, `A` to `D`. */
  readonly digit: string;
  readonly durationMs: number;
}

/**
 * `connecting`: the gateway has answered, the path for the media is being found. `reconnecting`: the WebSocket or that path
 * was lost; publications and streams stay, and go on when it is back.
 */
export type ConnectionState = 'connecting' | 'connected' | 'reconnecting' | 'disconnected';

export interface Disconnection {
  /**
   * `local`: we called `disconnect()` or the page went away. `remote`: the gateway ended it. `network`: the connection
   * was lost.
   */
  readonly by: 'local' | 'remote' | 'network';
  /** `hangup`, `connection-lost`, `ice-failed`, or the gateway's reason, for example `participant-deleted`. */
  readonly reason: string;
}

/** What the gateway last told of ourselves. */
export interface OwnPlace {
  /** The session that we are in; null: none, where nobody hears us; undefined where the gateway has not told. */
  readonly sessionId: string | null | undefined;
  /** Those that nobody receives, because a moderator has muted them. */
  readonly mutedStreams: readonly MutedStream[];
}

export interface ConnectionEvents {
  readonly streamAvailable: RemoteStream;
  /** The stream gained or lost its audio or video; `mediaStream` is the same object with other tracks. */
  readonly streamChanged: RemoteStream;
  readonly streamUnavailable: RemoteStream;
  /**
   * It is in the session and we are subscribed to it; one or the other is new. Its streams, if it publishes any, are about to
   * become available.
   */
  readonly participantJoined: RemoteParticipant;
  /** The gateway has told who it is, or that changed; a stream of it was muted by a moderator, or is so no more. */
  readonly participantChanged: RemoteParticipant;
  /** It has left the session: its connection is over, or the application took it out. */
  readonly participantLeft: RemoteParticipant;
  /**
   * It has not left, as far as we know: we are no longer subscribed to it, or are ourselves in another session or in none. At the
   * end of our own connection it is told of everybody; `connected` is false by then.
   */
  readonly participantUnsubscribed: RemoteParticipant;
  /** We are in another session, or in none; a moderator has muted a stream of ours, or ended that. */
  readonly selfChanged: OwnPlace;
  readonly dtmfReceived: DtmfEvent;
  /** A published track has ended by itself: a device was unplugged, a permission withdrawn, a screen no longer shared. */
  readonly trackEnded: { readonly publication: Publication; readonly mediaType: MediaType };
  readonly stateChanged: { readonly state: ConnectionState };
  /** Once, at the end; every stream has been reported unavailable before. */
  readonly disconnected: Disconnection;
}

export interface ConnectOptions {
  /**
   * The gateway's SIP WebSocket, for example `wss://gateway.example.com/sip`. Default: `/sip` at the origin that this module
   * was read from.
   */
  readonly url?: string | URL;
  /** STUN and TURN servers. Default: none; the gateway has an address that browsers reach. */
  readonly iceServers?: readonly RTCIceServer[];
  /** Shown to the gateway as the caller's name; at most 128 characters. */
  readonly displayName?: string;
  /** Gives up connecting. It has no effect later: use `disconnect()`. */
  readonly signal?: AbortSignal;
  /** For the whole of `connect`, in milliseconds. Default 15 000. */
  readonly timeoutMs?: number;
  /** How long a lost connection is tried to be brought back, in milliseconds. Default 60 000; 0: not at all. */
  readonly reconnectTimeoutMs?: number;
}

export interface PublishOptions {
  /**
   * Names the stream for subscriptions; 1 to 64 characters, unique in the connection. Default: `screenShare` for a
   * captured display, `camera` for other streams with video, `microphone` for audio alone.
   */
  readonly alias?: string;
}

/** A stream that we publish. */
export interface Publication {
  readonly alias: string;
  readonly mediaStream: MediaStream;
  readonly mediaTypes: readonly MediaType[];
  /** True while nothing but silence and black frames is sent. */
  readonly muted: boolean;
  /** Sends silence and black frames until `unmute`; the other participants keep the stream. No negotiation. */
  mute(): void;
  unmute(): void;
  /**
   * Sends another track of the same kind in the old one's place, at once and without negotiation. `mediaStream` has the new
   * one afterwards; the old one is not stopped.
   */
  replaceTrack(track: MediaStreamTrack): Promise<void>;
  /** Opens another microphone or camera, sends it in the old one's place without negotiation, and stops the old one. */
  switchDevice(mediaType: MediaType, deviceId: string): Promise<void>;
  /** Presses keys (RFC 4733) beside the audio: `0` to `9`, `*`, `#`, `A` to `D`, and `,` for a pause. Resolves when all are sent. */
  sendDtmf(digits: string, options?: DtmfOptions): Promise<void>;
}

export interface DtmfOptions {
  /** How long each key is pressed, 40 to 6000 milliseconds. Default 100. */
  readonly durationMs?: number;
  /** Between keys, at least 30 milliseconds. Default 70. */
  readonly gapMs?: number;
}

/** One track of one stream. What the browser does not tell is null. */
export interface TrackStatistics {
  readonly direction: 'sent' | 'received';
  readonly mediaType: MediaType;
  readonly alias: string;
  /** Only for a received stream. */
  readonly streamId: string | null;
  readonly participantId: string | null;
  /** Since `getStats` was asked before; null the first time. */
  readonly bitrateBps: number | null;
  readonly packets: number;
  /** Counted here for what is received; for what we send, as the gateway reports it. */
  readonly packetsLost: number | null;
  /** 0 to 1, since `getStats` was asked before. */
  readonly lossRatio: number | null;
  readonly jitterMs: number | null;
  /** 0 to 1. */
  readonly audioLevel: number | null;
  readonly frameWidth: number | null;
  readonly frameHeight: number | null;
  readonly framesPerSecond: number | null;
}

export interface ConnectionStatistics {
  /** Between this browser and the gateway. */
  readonly roundTripMs: number | null;
  readonly tracks: readonly TrackStatistics[];
  /** All that the browser tells. */
  readonly report: RTCStatsReport;
}

export interface Connection {
  /** What we receive now. */
  readonly streams: readonly RemoteStream[];
  readonly publications: readonly Publication[];
  /** By id, those whom we are subscribed to; always as it is now. */
  readonly participants: ReadonlyMap<string, RemoteParticipant>;
  readonly self: OwnPlace;
  readonly state: ConnectionState;
  /** False once the connection is over for good. */
  readonly connected: boolean;
  /**
   * Sends the stream's audio and video track to those who subscribe. Resolves once the gateway has agreed. It does not stop
   * the tracks at the end; they belong to the caller.
   */
  publish(stream: MediaStream, options?: PublishOptions): Promise<Publication>;
  /** Stops sending. Resolves once the gateway has agreed; a publication that is over already is no error. */
  unpublish(publication: Publication): Promise<void>;
  /** Returns a function that removes the listener. */
  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (event: ConnectionEvents[Name]) => void,
  ): () => void;
  getStats(): Promise<ConnectionStatistics>;
  /** Ends the connection; idempotent. */
  disconnect(): Promise<void>;
}
