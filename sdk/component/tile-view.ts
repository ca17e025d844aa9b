/** One tile of the grid: picture or initials, name, sound, and whether somebody speaks in it. */
import type { RemoteStream } from '../src/api.js';
import { element, icon } from './element.js';
import type { SpeechDetector, SpeechWatch } from './speech.js';
import { initialsOf, type TileModel } from './tiles.js';

export interface TileContext {
  readonly speech: SpeechDetector;
  /** The browser plays no sound before somebody touches the page. */
  readonly onSoundBlocked: () => void;
  readonly speakerId: () => string;
}

interface Sound {
  readonly audio: HTMLAudioElement;
  readonly watch: SpeechWatch;
  readonly tracks: string;
}

export class TileView {
  readonly root = element('li', { class: 'tile', part: 'tile' });
  readonly #context: TileContext;
  readonly #video = element('video', { playsinline: true, 'aria-hidden': 'true' });
  readonly #avatar = element('span', { class: 'avatar', part: 'avatar', 'aria-hidden': 'true' });
  readonly #name = element('span', { class: 'name', part: 'name' });
  readonly #note = element('span', { class: 'note' });
  readonly #mutedBadge = element('span', { class: 'muted-badge', title: 'Muted' }, icon('micOff'));
  readonly #sounds = new Map<string, Sound>();
  #ownWatch: { readonly stream: MediaStream; readonly watch: SpeechWatch } | undefined;
  readonly #speaking = new Set<string>();

  constructor(context: TileContext) {
    this.#context = context;
    this.#video.autoplay = true;
    // Sound has elements of its own: a picture that comes and goes does not interrupt it.
    this.#video.muted = true;
    this.#mutedBadge.append(element('span', { class: 'sr-only' }, 'muted'));
    this.root.append(
      this.#avatar,
      this.#video,
      element('div', { class: 'caption' }, this.#mutedBadge, this.#name, this.#note),
    );
  }

  update(model: TileModel): void {
    const { name, note, kind, isScreen, picture, isMuted } = model;
    this.root.className = ['tile', kind, isScreen ? 'screen' : '', picture === undefined ? 'faceless' : '']
      .filter(Boolean)
      .join(' ');
    this.root.setAttribute('part', `tile ${isScreen ? 'screen-tile' : `${kind}-tile`}`);
    setText(this.#name, name);
    setText(this.#note, note);
    this.#mutedBadge.hidden = !isMuted;
    const initials = kind === 'browser' ? initialsOf(name) : '';
    const symbol = kind === 'phone' ? 'phone' : isMuted ? 'micOff' : 'mic';
    this.#avatar.replaceChildren(initials === '' ? icon(symbol) : initials);
    this.#video.hidden = picture === undefined;
    if (this.#video.srcObject !== (picture ?? null)) {
      this.#video.srcObject = picture ?? null;
      // Muted as it is, it fails only where another picture comes before it plays.
      if (picture !== undefined) this.#video.play().catch(() => undefined);
    }
    this.#updateSounds(model.sounds);
  }

  /** The own tile makes no sound, but shows that it is heard. */
  watchOwn(stream: MediaStream | undefined): void {
    if (this.#ownWatch?.stream === stream) return;
    this.#ownWatch?.watch.close();
    this.#setSpeaking('own', false);
    this.#ownWatch =
      stream === undefined
        ? undefined
        : { stream, watch: this.#context.speech.watch(stream, (speaks) => this.#setSpeaking('own', speaks)) };
  }

  /** Starts the sounds again: after a gesture that lets the browser play, or with another speaker. */
  play(): void {
    for (const { audio } of this.#sounds.values()) this.#start(audio);
  }

  close(): void {
    this.#updateSounds([]);
    this.watchOwn(undefined);
    this.#video.srcObject = null;
    this.root.remove();
  }

  #updateSounds(streams: readonly RemoteStream[]): void {
    const wanted = new Map(streams.map((stream) => [stream.streamId, stream]));
    for (const [streamId, { tracks }] of this.#sounds) {
      const stream = wanted.get(streamId);
      if (stream === undefined || tracksOf(stream.mediaStream) !== tracks) this.#drop(streamId);
    }
    for (const [streamId, { mediaStream }] of wanted) {
      if (this.#sounds.has(streamId)) continue;
      const audio = element('audio');
      audio.autoplay = true;
      audio.srcObject = mediaStream;
      this.root.append(audio);
      const watch = this.#context.speech.watch(mediaStream, (speaks) => this.#setSpeaking(streamId, speaks));
      this.#sounds.set(streamId, { audio, watch, tracks: tracksOf(mediaStream) });
      this.#start(audio);
    }
  }

  #drop(streamId: string): void {
    const sound = this.#sounds.get(streamId);
    if (sound === undefined) return;
    this.#sounds.delete(streamId);
    sound.watch.close();
    sound.audio.srcObject = null;
    sound.audio.remove();
    this.#setSpeaking(streamId, false);
  }

  #start(audio: HTMLAudioElement): void {
    const speakerId = this.#context.speakerId();
    // A speaker that is gone: the sound comes from the usual one.
    if (speakerId !== '' && 'setSinkId' in audio) audio.setSinkId(speakerId).catch(() => undefined);
    audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#context.onSoundBlocked();
    });
  }

  #setSpeaking(key: string, isSpeaking: boolean): void {
    if (isSpeaking) this.#speaking.add(key);
    else this.#speaking.delete(key);
    this.root.toggleAttribute('data-speaking', this.#speaking.size > 0);
  }
}

function setText(where: HTMLElement, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

function tracksOf(stream: MediaStream): string {
  return stream
    .getAudioTracks()
    .map(({ id }) => id)
    .join();
}
