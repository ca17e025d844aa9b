/** This person's microphone, camera and screen in a session. */
import type { Connection, Publication } from '../src/api.js';
import { openCamera, openMicrophone, openScreen } from '../src/devices.js';

export class OwnMedia {
  readonly #connection: Connection;
  readonly #onChange: () => void;
  #microphone: Publication | undefined;
  #camera: Publication | undefined;
  #screen: Publication | undefined;

  constructor(connection: Connection, onChange: () => void) {
    this.#connection = connection;
    this.#onChange = onChange;
    connection.on('trackEnded', ({ publication, mediaType }) => void this.#ended(publication, mediaType));
  }

  get microphone(): Publication | undefined {
    return this.#microphone;
  }

  get camera(): Publication | undefined {
    return this.#camera;
  }

  get screen(): Publication | undefined {
    return this.#screen;
  }

  /** Whether nobody hears this person: there is no microphone, or it is muted. */
  get isMuted(): boolean {
    return this.#microphone?.muted ?? true;
  }

  async publishMicrophone(stream: MediaStream): Promise<void> {
    this.#microphone = await this.#publish(stream);
    this.#onChange();
  }

  /** Opens the microphone where there is none yet. */
  async toggleMute(): Promise<void> {
    const microphone = this.#microphone;
    if (microphone === undefined) await this.publishMicrophone(await openMicrophone());
    else if (microphone.muted) microphone.unmute();
    else microphone.mute();
    this.#onChange();
  }

  async toggleCamera(): Promise<void> {
    const camera = this.#camera;
    this.#camera = undefined;
    if (camera === undefined) this.#camera = await this.#publish(await openCamera());
    else await this.#unpublish(camera);
    this.#onChange();
  }

  async toggleScreen(): Promise<void> {
    const screen = this.#screen;
    this.#screen = undefined;
    if (screen === undefined) this.#screen = await this.#publish(await openScreen(), 'screenShare');
    else await this.#unpublish(screen);
    this.#onChange();
  }

  async switchMicrophone(deviceId: string): Promise<void> {
    if (this.#microphone === undefined) await this.publishMicrophone(await openMicrophone({ deviceId }));
    else await this.#microphone.switchDevice('AUDIO', deviceId);
    this.#onChange();
  }

  async switchCamera(deviceId: string): Promise<void> {
    if (this.#camera === undefined) this.#camera = await this.#publish(await openCamera({ deviceId }));
    else await this.#camera.switchDevice('VIDEO', deviceId);
    this.#onChange();
  }

  /** Turns every device off. */
  release(): void {
    for (const publication of [this.#microphone, this.#camera, this.#screen])
      if (publication !== undefined) stopTracks(publication.mediaStream);
    this.#microphone = undefined;
    this.#camera = undefined;
    this.#screen = undefined;
  }

  async #publish(stream: MediaStream, alias?: string): Promise<Publication> {
    try {
      return await this.#connection.publish(stream, alias === undefined ? {} : { alias });
    } catch (error) {
      stopTracks(stream);
      throw error;
    }
  }

  async #unpublish(publication: Publication): Promise<void> {
    stopTracks(publication.mediaStream);
    await this.#connection.unpublish(publication);
  }

  /** A device was pulled out, or the browser's own button ended the sharing. */
  async #ended(publication: Publication, mediaType: 'AUDIO' | 'VIDEO'): Promise<void> {
    try {
      if (publication === this.#microphone) {
        // Another microphone takes its place where there is one.
        const opened = await openMicrophone();
        const [track] = opened.getAudioTracks();
        try {
          if (track !== undefined) await publication.replaceTrack(track);
        } catch (error) {
          // The person may have left meanwhile: the microphone must not stay on.
          stopTracks(opened);
          throw error;
        }
      } else if (mediaType === 'VIDEO') {
        if (publication === this.#camera) await this.toggleCamera();
        if (publication === this.#screen) await this.toggleScreen();
      }
    } catch {
      // There is no other microphone, or the connection is over: the button says that nobody is heard.
      if (publication === this.#microphone) {
        this.#microphone = undefined;
        await this.#unpublish(publication).catch(() => undefined);
      }
    }
    this.#onChange();
  }
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
