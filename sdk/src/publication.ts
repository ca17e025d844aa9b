/** A stream that we publish, and the transceivers that send it. */
import type { MediaType, Publication } from './api.js';
import { LandbridgeError } from './errors.js';

export class LocalPublication implements Publication {
  readonly alias: string;
  readonly mediaStream: MediaStream;
  #transceivers: readonly RTCRtpTransceiver[] = [];
  #muted = false;

  constructor(alias: string, mediaStream: MediaStream) {
    this.alias = alias;
    this.mediaStream = mediaStream;
  }

  get transceivers(): readonly RTCRtpTransceiver[] {
    return this.#transceivers;
  }

  set transceivers(transceivers: readonly RTCRtpTransceiver[]) {
    this.#transceivers = transceivers;
  }

  get mediaTypes(): readonly MediaType[] {
    return this.#tracks.map(({ kind }) => (kind === 'audio' ? 'AUDIO' : 'VIDEO'));
  }

  get muted(): boolean {
    return this.#muted;
  }

  mute(): void {
    this.#setMuted(true);
  }

  unmute(): void {
    this.#setMuted(false);
  }

  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const transceiver = this.#transceivers.find(({ sender }) => sender.track?.kind === track.kind);
    if (transceiver === undefined) {
      throw new LandbridgeError('invalid-stream', `"${this.alias}" sends no ${track.kind} track to replace.`);
    }
    track.enabled = !this.#muted;
    await transceiver.sender.replaceTrack(track);
  }

  get #tracks(): MediaStreamTrack[] {
    return this.#transceivers.flatMap(({ sender }) => sender.track ?? []);
  }

  #setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#tracks) track.enabled = !muted;
  }
}

/** The tracks that a publication sends: at most one audio and one video track, both live. */
export function tracksToPublish(stream: MediaStream): MediaStreamTrack[] {
  const tracks = stream.getTracks().filter(({ readyState }) => readyState === 'live');
  const kinds = new Set(tracks.map(({ kind }) => kind));
  if (tracks.length === 0) throw new LandbridgeError('invalid-stream', 'The stream has no live track.');
  if (kinds.size !== tracks.length) {
    throw new LandbridgeError(
      'invalid-stream',
      'A stream is published with one audio and one video track at most.',
    );
  }
  return tracks;
}
