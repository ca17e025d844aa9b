/** This browser's own connection to a session: microphone, camera, and what it receives. */
import {
  connect,
  openCamera,
  openMicrophone,
  type Connection,
  type Disconnection,
  type Publication,
  type RemoteParticipant,
  type RemoteStream,
} from '../src/landbridge.js';
import { measureLevel, play, type LevelSource } from './sound.js';

/** Who joins, and the STUN and TURN servers that come with it. */
export interface OwnCallCredential {
  readonly token: string;
  readonly iceServers: readonly RTCIceServer[];
}

export interface OwnCallOptions {
  readonly participantId: string;
  readonly sessionId: string;
  /** Something that the page shows has changed. */
  readonly onChange: () => void;
  readonly onEnded: (disconnection: Disconnection) => void;
}

export interface Heard {
  readonly stream: RemoteStream;
  readonly level: LevelSource;
  readonly stop: () => void;
}

export class OwnCall {
  readonly participantId: string;
  readonly sessionId: string;
  readonly ownLevel: LevelSource;
  readonly #options: OwnCallOptions;
  readonly #connection: Connection;
  readonly #microphone: MediaStream;
  readonly #heard = new Map<string, Heard>();
  #microphonePublication: Publication | undefined;
  #camera: Publication | undefined;

  private constructor(connection: Connection, microphone: MediaStream, options: OwnCallOptions) {
    this.#connection = connection;
    this.#microphone = microphone;
    this.#options = options;
    this.participantId = options.participantId;
    this.sessionId = options.sessionId;
    this.ownLevel = measureLevel(microphone);
    connection.on('streamAvailable', (stream) => this.#hear(stream));
    connection.on('streamChanged', (stream) => this.#hear(stream));
    connection.on('streamUnavailable', ({ streamId }) => this.#unhear(streamId));
    for (const name of [
      'participantJoined',
      'participantChanged',
      'participantLeft',
      'participantUnsubscribed',
    ] as const)
      connection.on(name, () => options.onChange());
    connection.on('disconnected', (disconnection) => {
      this.#release();
      options.onEnded(disconnection);
    });
  }

  /** Asked for first, so that a refusal leaves nothing behind. */
  static openMicrophone(): Promise<MediaStream> {
    return openMicrophone();
  }

  static async open(
    { token, iceServers }: OwnCallCredential,
    microphone: MediaStream,
    options: OwnCallOptions,
  ): Promise<OwnCall> {
    const connection = await connect(token, { displayName: 'Console', iceServers });
    const call = new OwnCall(connection, microphone, options);
    try {
      call.#microphonePublication = await connection.publish(microphone);
    } catch (error) {
      await connection.disconnect();
      throw error;
    }
    options.onChange();
    return call;
  }

  /** By id, those whom this browser is subscribed to, whether or not they are heard now. */
  get participants(): ReadonlyMap<string, RemoteParticipant> {
    return this.#connection.participants;
  }

  /** The first stream of the participant that has sound. */
  soundOf(participantId: string): Heard | undefined {
    return [...this.#heard.values()].find(
      ({ stream }) => stream.participantId === participantId && stream.mediaTypes.includes('AUDIO'),
    );
  }

  get muted(): boolean {
    return this.#microphonePublication?.muted ?? false;
  }

  get cameraStream(): MediaStream | undefined {
    return this.#camera?.mediaStream;
  }

  toggleMute(): void {
    if (this.muted) this.#microphonePublication?.unmute();
    else this.#microphonePublication?.mute();
    this.#options.onChange();
  }

  async toggleCamera(): Promise<void> {
    const camera = this.#camera;
    if (camera === undefined) {
      const stream = await openCamera();
      try {
        this.#camera = await this.#connection.publish(stream);
      } catch (error) {
        stopTracks(stream);
        throw error;
      }
    } else {
      this.#camera = undefined;
      stopTracks(camera.mediaStream);
      await this.#connection.unpublish(camera);
    }
    this.#options.onChange();
  }

  leave(): Promise<void> {
    return this.#connection.disconnect();
  }

  #hear(stream: RemoteStream): void {
    this.#heard.get(stream.streamId)?.stop();
    const stopPlaying = stream.mediaTypes.includes('AUDIO') ? play(stream.mediaStream) : () => undefined;
    const level = measureLevel(stream.mediaStream);
    const stop = (): void => {
      stopPlaying();
      level.close();
    };
    this.#heard.set(stream.streamId, { stream, level, stop });
    this.#options.onChange();
  }

  #unhear(streamId: string): void {
    this.#heard.get(streamId)?.stop();
    this.#heard.delete(streamId);
    this.#options.onChange();
  }

  #release(): void {
    for (const { stop } of this.#heard.values()) stop();
    this.#heard.clear();
    this.ownLevel.close();
    stopTracks(this.#microphone);
    if (this.#camera !== undefined) stopTracks(this.#camera.mediaStream);
    this.#camera = undefined;
  }
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
