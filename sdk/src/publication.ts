/** A stream that we publish, and the transceivers that send it. */
import type { DtmfOptions, MediaType, Publication } from './api.js';
import { openCamera, openMicrophone } from './devices.js';
import { sendDigits } from './dtmf.js';
import { LandbridgeError } from './errors.js';
import type { MediaKind } from './session-description.js';

export class LocalPublication implements Publication {
  readonly alias: string;
  readonly mediaStream: MediaStream;
  /** Empty until it is sent; others in another call. */
  transceivers: readonly RTCRtpTransceiver[] = [];
  readonly #onTrackEnded: (publication: LocalPublication, mediaType: MediaType) => void;
  readonly #tracks = new Map<MediaKind, MediaStreamTrack>();
  #muted = false;
  #isOver = false;
  #stopWatching = new AbortController();

  /** `tracks` are those of the stream that are sent. */
  constructor(
    alias: string,
    mediaStream: MediaStream,
    tracks: readonly MediaStreamTrack[],
    onTrackEnded: (publication: LocalPublication, mediaType: MediaType) => void,
  ) {
    this.alias = alias;
    this.mediaStream = mediaStream;
    this.#onTrackEnded = onTrackEnded;
    for (const track of tracks) this.#tracks.set(track.kind as MediaKind, track);
    this.#watch();
  }

  /** What is to be sent now. */
  get tracks(): readonly MediaStreamTrack[] {
    return [...this.#tracks.values()];
  }

  get mediaTypes(): readonly MediaType[] {
    return [...this.#tracks.keys()].map(mediaTypeOf);
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
    const kind = track.kind as MediaKind;
    const old = this.#tracks.get(kind);
    if (old === undefined) {
      throw new LandbridgeError('invalid-stream', `"${this.alias}" sends no ${kind} track to replace.`);
    }
    // Its section may carry another publication by now, whose track this one would take the place of.
    if (this.#isOver) throw new LandbridgeError('invalid-stream', `"${this.alias}" is no longer published.`);
    track.enabled = !this.#muted;
    await this.#senderOf(kind)?.replaceTrack(track);
    this.#tracks.set(kind, track);
    if (old !== track) this.mediaStream.removeTrack(old);
    this.mediaStream.addTrack(track);
    // It may have ended meanwhile.
    if (!this.#isOver) this.#watch();
  }

  async switchDevice(mediaType: MediaType, deviceId: string): Promise<void> {
    const kind = mediaType === 'AUDIO' ? 'audio' : 'video';
    const old = this.#tracks.get(kind);
    const opened = await (kind === 'audio' ? openMicrophone : openCamera)({ deviceId });
    const [track] = opened.getTracks();
    try {
      if (track !== undefined) await this.replaceTrack(track);
    } catch (error) {
      track?.stop();
      throw error;
    }
    old?.stop();
  }

  sendDtmf(digits: string, options: DtmfOptions = {}): Promise<void> {
    return sendDigits(this.#senderOf('audio')?.dtmf ?? null, digits, options);
  }

  /** It is over: its tracks are the application's alone. */
  end(): void {
    this.#isOver = true;
    this.#stopWatching.abort();
  }

  #senderOf(kind: MediaKind): RTCRtpSender | undefined {
    return this.transceivers.find(({ receiver }) => receiver.track.kind === kind)?.sender;
  }

  #watch(): void {
    this.#stopWatching.abort();
    this.#stopWatching = new AbortController();
    const { signal } = this.#stopWatching;
    for (const [kind, track] of this.#tracks) {
      track.addEventListener('ended', () => this.#onTrackEnded(this, mediaTypeOf(kind)), { signal });
    }
  }

  #setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#tracks.values()) track.enabled = !muted;
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

export function mediaTypeOf(kind: MediaKind): MediaType {
  return kind === 'audio' ? 'AUDIO' : 'VIDEO';
}
