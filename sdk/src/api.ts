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

export interface RemoteParticipant {
  readonly participantId: string;
}

export interface Disconnection {
  /**
   * `local`: we called `disconnect()` or the page went away. `remote`: the gateway ended it. `network`: the connection
   * was lost.
   */
  readonly by: 'local' | 'remote' | 'network';
  /** `hangup`, `connection-lost`, `ice-failed`, or the gateway's reason, for example `participant-deleted`. */
  readonly reason: string;
}

export interface ConnectionEvents {
  readonly streamAvailable: RemoteStream;
  /** The stream gained or lost its audio or video; `mediaStream` is the same object with other tracks. */
  readonly streamChanged: RemoteStream;
  readonly streamUnavailable: RemoteStream;
  /** The first stream of a participant is about to become available. */
  readonly participantJoined: RemoteParticipant;
  /** The last stream of a participant has become unavailable. */
  readonly participantLeft: RemoteParticipant;
  /** Once, at the end; every stream has been reported unavailable before. */
  readonly disconnected: Disconnection;
}

export interface ConnectOptions {
  /** The gateway's SIP WebSocket, for example `wss://gateway.example.com/sip`. Default: `/sip` at the page's origin. */
  readonly url?: string | URL;
  /** STUN and TURN servers. Default: none; the gateway has an address that browsers reach. */
  readonly iceServers?: readonly RTCIceServer[];
  /** Shown to the gateway as the caller's name; at most 128 characters. */
  readonly displayName?: string;
  /** Gives up connecting. It has no effect later: use `disconnect()`. */
  readonly signal?: AbortSignal;
  /** For the whole of `connect`, in milliseconds. Default 15 000. */
  readonly timeoutMs?: number;
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
  /** Sends another track of the same kind in the old one's place, at once and without negotiation. */
  replaceTrack(track: MediaStreamTrack): Promise<void>;
}

export interface Connection {
  /** What we receive now. */
  readonly streams: readonly RemoteStream[];
  readonly publications: readonly Publication[];
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
  /** The browser's figures for this connection. */
  getStats(): Promise<RTCStatsReport>;
  /** Ends the connection; idempotent. */
  disconnect(): Promise<void>;
}
