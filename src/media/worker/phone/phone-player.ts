/** Plays sounds, prompts and tones to one phone. */
import { Mixer } from '../mix/mixer.js';
import { tickSamples } from '../sound/sample-rate.js';
import { fadeOut } from '../sound/fade-out.js';
import type { Playback, PlaybackEnd, ToneSound } from '../sound/playback.js';
import type { LoadedSound, SoundLibrary } from '../sound/sound-library.js';
import { PcmVoice, ToneVoice, type Voice } from '../sound/voice.js';
import { WorkerRefusal } from '../worker-refusal.js';

/** The longest tone beside a playback. */
const maxToneMs = 1000;
const frameSamples = tickSamples(8000);

export interface PhonePlayerOptions {
  readonly sounds: SoundLibrary;
  readonly onPlayed: (playbackId: string, how: PlaybackEnd) => void;
  /** `isPlaying` or `isAlone` is another now. */
  readonly onChanged: () => void;
}

interface Playing {
  readonly playbackId: string;
  readonly mode: Playback['mode'];
  readonly voice: Voice;
  /** What it holds in the library. */
  readonly sound: LoadedSound | null;
  isHeard: boolean;
}

/** What was asked for and is still being read. */
interface Request {
  readonly playbackId: string;
  readonly number: number;
  isStopped: boolean;
}

/**
 * What one phone is played beside what it hears: one playback and one short tone. What ends before its time fades
 * out. Time is that of the frames that are asked for.
 */
export class PhonePlayer {
  readonly #options: PhonePlayerOptions;
  readonly #mixer = new Mixer(frameSamples);
  readonly #frame = new Int16Array(frameSamples);
  readonly #out = new Int16Array(frameSamples);
  readonly #requests = new Set<Request>();
  #nextNumber = 1;
  /** The number of the request that is being played or was last: an older one that is read only now comes too late. */
  #newest = 0;
  #playing: Playing | null = null;
  #leaving: Playing | null = null;
  #tone: Voice | null = null;
  #leavingTone: Voice | null = null;
  #wasPlaying = false;
  #wasAlone = false;
  #closed = false;

  constructor(options: PhonePlayerOptions) {
    this.#options = options;
  }

  /** There is something to hear. */
  get isPlaying(): boolean {
    return this.#playing !== null || this.#leaving !== null || this.#tone !== null;
  }

  /** There is nothing else to hear. */
  get isAlone(): boolean {
    return this.#playing?.mode === 'instead';
  }

  /** Resolves when it has begun, or will not begin any more because it was stopped or another did. Throws WorkerRefusal. */
  async play(playback: Playback): Promise<void> {
    const { playbackId, mode, times } = playback;
    if (times !== null && !(Number.isInteger(times) && times >= 1))
      throw new WorkerRefusal('bad-sound', 'a sound is played at least once');
    const request: Request = { playbackId, number: this.#nextNumber++, isStopped: false };
    this.#requests.add(request);
    try {
      const loaded = await this.#load(playback);
      const isLate = request.number < this.#newest;
      if (this.#closed || request.isStopped || isLate) {
        this.#release(loaded.sound);
        // Told after this has resolved.
        setImmediate(() => this.#tell(playbackId, request.isStopped ? 'stopped' : 'replaced'));
        return;
      }
      this.#leave('replaced');
      this.#newest = request.number;
      this.#playing = { playbackId, mode, ...loaded, isHeard: false };
      this.#checkChanged();
    } finally {
      this.#requests.delete(request);
    }
  }

  stop(playbackId: string): void {
    for (const request of this.#requests) if (request.playbackId === playbackId) request.isStopped = true;
    if (this.#playing?.playbackId !== playbackId) return;
    this.#leave('stopped');
    this.#checkChanged();
  }

  /** Throws WorkerRefusal. */
  tone(sound: ToneSound): void {
    const tone = new ToneVoice(sound, 1, maxToneMs);
    this.#leavingTone ??= this.#tone;
    this.#tone = tone;
    this.#checkChanged();
  }

  /** The next 20 ms: what is played, with `heard` unless it is played alone. Valid until the next. */
  next(heard: Int16Array | null): Int16Array {
    this.#mixer.clear();
    if (heard !== null && !this.isAlone) this.#mixer.add(heard);
    if (this.#tone !== null && !this.#add(this.#tone)) this.#tone = null;
    this.#fadeOut();
    const playing = this.#playing;
    if (playing !== null) {
      playing.isHeard = true;
      if (!this.#add(playing.voice)) {
        this.#playing = null;
        this.#release(playing.sound);
        this.#tell(playing.playbackId, 'completed');
      }
    }
    this.#mixer.limit(this.#out);
    this.#checkChanged();
    return this.#out;
  }

  /** Lets go of every sound; nothing is told any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#tone = null;
    this.#leavingTone = null;
    this.#release(this.#playing?.sound ?? null);
    this.#playing = null;
    this.#release(this.#leaving?.sound ?? null);
    this.#leaving = null;
  }

  async #load({ sound, times }: Playback): Promise<{ voice: Voice; sound: LoadedSound | null }> {
    const { sounds } = this.#options;
    if (sound.kind === 'tone') {
      return { voice: new ToneVoice(sound, times, sounds.maxSeconds * 1000), sound: null };
    }
    const loaded = await sounds.acquire(sound.path);
    return { voice: new PcmVoice(loaded.pcm, times), sound: loaded };
  }

  #leave(how: PlaybackEnd): void {
    const playing = this.#playing;
    if (playing === null) return;
    this.#playing = null;
    // What was not heard yet has nothing to fade, and lets what was go on to.
    if (playing.isHeard) {
      this.#release(this.#leaving?.sound ?? null);
      this.#leaving = playing;
    } else this.#release(playing.sound);
    this.#tell(playing.playbackId, how);
  }

  #add(voice: Voice): boolean {
    const goesOn = voice.next(this.#frame);
    this.#mixer.add(this.#frame);
    return goesOn;
  }

  #fadeOut(): void {
    if (this.#leavingTone !== null) this.#addFading(this.#leavingTone);
    this.#leavingTone = null;
    if (this.#leaving === null) return;
    this.#addFading(this.#leaving.voice);
    this.#release(this.#leaving.sound);
    this.#leaving = null;
  }

  #addFading(voice: Voice): void {
    voice.next(this.#frame);
    fadeOut(this.#frame);
    this.#mixer.add(this.#frame);
  }

  #release(sound: LoadedSound | null): void {
    if (sound !== null) this.#options.sounds.release(sound);
  }

  #tell(playbackId: string, how: PlaybackEnd): void {
    if (!this.#closed) this.#options.onPlayed(playbackId, how);
  }

  #checkChanged(): void {
    const { isPlaying, isAlone } = this;
    if (isPlaying === this.#wasPlaying && isAlone === this.#wasAlone) return;
    this.#wasPlaying = isPlaying;
    this.#wasAlone = isAlone;
    this.#options.onChanged();
  }
}
