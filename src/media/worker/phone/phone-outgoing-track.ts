/** What a phone is sent: passed through, mixed, played, or silence. */
import { encodesAlike, type PhoneCodec } from '../codec/phone-codec.js';
import type { Mix, Mixes } from '../mix/mixes.js';
import { canDecode } from '../mix/pcm-source.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { fadeOut } from '../sound/fade-out.js';
import { tickSamples } from '../sound/sample-rate.js';
import type { SoundLoop } from '../sound/sound-loop.js';
import type { Prompt, PromptSounds } from '../sound/prompt-sounds.js';
import type { PacketSink, SourceStream, SourceTrack } from '../source-track.js';
import type { PhonePlayer } from './phone-player.js';
import { PhoneFrame } from './phone-frame.js';
import type { RtpOutput } from './rtp-output.js';

/** So long after all was heard of a source that is passed through silence is sent in its place: as long as a mix would wait. */
const pauseMs = 120;
/** The same for Opus, which fills its pauses by itself and says so every 400 ms. */
const opusPauseMs = 500;
/** What is made here has a telephone's rate. */
const frameSamples = tickSamples(8000);

/** What the phone hears now. */
type Feed =
  | { readonly kind: 'silence' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'prompt'; readonly prompt: Prompt }
  | { readonly kind: 'pass-through'; readonly track: SourceTrack }
  | { readonly kind: 'mix'; readonly mix: Mix };

export interface PhoneOutgoingTrackOptions {
  readonly mixes: Mixes;
  /** Absent: prompts are silent. */
  readonly prompts?: PromptSounds;
  /** What is heard on hold. */
  readonly hold: SoundLoop;
  readonly output: RtpOutput;
  readonly now: () => number;
}

/**
 * What one phone hears, as one RTP stream: silence, the hold sound, a prompt, a single source passed through as its packets come,
 * or a mix at the tick; and over or instead of it what is played. Idle until `start`, and while `paused`.
 */
export class PhoneOutgoingTrack implements PacketSink {
  readonly #mixes: Mixes;
  readonly #prompts: PromptSounds | undefined;
  readonly #hold: SoundLoop;
  readonly #output: RtpOutput;
  readonly #now: () => number;
  #tracks: readonly SourceTrack[] = [];
  #holdSound = false;
  #prompt: Prompt | null = null;
  #feed: Feed = { kind: 'silence' };
  /** Some of the feed was sent: what replaces it cuts it off. */
  #isHeard = false;
  #codec: PhoneCodec | null = null;
  /** That of the codec; there is one where there is the other. */
  #frame: PhoneFrame | null = null;
  #payloadType = 0;
  #paused = false;
  /** In pass-through: silence is being sent until the source's next packet. */
  #filling = false;
  #holdPosition = 0;
  #promptPosition = 0;
  #promptIsRepeated = false;
  #player: PhonePlayer | null = null;
  /** Key presses are sent in place of what is heard, whose time goes on. */
  isInterrupted = false;
  /** The end of what was cut off, to be added to the frame that is sent next; null: of nothing. */
  #tail: Int16Array | null = null;
  constructor({ mixes, prompts, hold, output, now }: PhoneOutgoingTrackOptions) {
    this.#mixes = mixes;
    this.#prompts = prompts;
    this.#hold = hold;
    this.#output = output;
    this.#now = now;
  }

  /** Begins to send, or goes on, in this codec; paused: nothing at all is sent. */
  start(codec: PhoneCodec, payloadType: number, paused: boolean): void {
    const before = this.#codec;
    const goesOn = before !== null && encodesAlike(before, codec);
    if (!goesOn) {
      this.#output.use(codec, this.#now());
      this.#frame = new PhoneFrame(codec);
    }
    // The first packet and the first after a hold begin a talkspurt, at the time that it is.
    if (before === null || (this.#paused && !paused)) this.#output.skipTo(this.#now());
    this.#payloadType = payloadType;
    if (goesOn && paused === this.#paused) return;
    this.#codec = codec;
    this.#paused = paused;
    this.#refeed();
  }

  /** Replaces what is heard: the audio of these streams, or without any the hold sound or silence. */
  receive(streams: readonly SourceStream[], withHoldSound: boolean): void {
    this.#tracks = streams.flatMap(({ audio }) => (audio !== null && canDecode(audio) ? [audio] : []));
    this.#holdSound = withHoldSound;
    if (!withHoldSound) this.#prompt = null;
    if (this.#codec !== null) this.#refeed();
  }

  /** Says this in place of the hold sound, from its beginning; null: no more. */
  prompt(prompt: Prompt | null): void {
    this.#prompt = prompt;
    if (this.#codec !== null) this.#refeed();
  }

  onPacket(packet: RtpPacket, arrivalMs: number): void {
    if (this.#paused || this.isInterrupted || packet.payloadLength === 0) return;
    // What was heard before comes to its end first, at the next tick.
    if (this.#tail !== null) return;
    if (this.#output.forward(packet, this.#payloadType, arrivalMs)) this.#filling = false;
  }

  /** From now on plays what the player has to play, whose time goes on while paused. Tell of its changes by `playingChanged`. */
  attach(player: PhonePlayer): void {
    this.#player = player;
  }

  playingChanged(): void {
    if (this.#codec !== null) this.#refeed();
  }

  onTick(tick: number, nowMs: number): void {
    const frame = this.#frame;
    if (frame === null) return;
    if (this.#paused || this.isInterrupted) this.#tail = null;
    if (this.#player?.isPlaying === true) return this.#play(this.#player, frame, tick, nowMs);
    if (this.#paused) return;
    const feed = this.#feed;
    switch (feed.kind) {
      case 'mix':
        return this.#write(frame.ofMix(feed.mix, tick, this.#takeTail()), nowMs);
      case 'silence':
        return this.#write(frame.ofSound(this.#takeTail()), nowMs);
      case 'hold':
        return this.#write(frame.ofSound(this.#holdFrame(), this.#takeTail()), nowMs);
      case 'prompt':
        return this.#write(frame.ofSound(this.#promptFrame(feed.prompt), this.#takeTail()), nowMs);
      case 'pass-through':
        if (!this.#filling) {
          const isPause = this.#output.idleMs(nowMs) > (this.#codec?.name === 'opus' ? opusPauseMs : pauseMs);
          if (!isPause) return;
          this.#filling = true;
          this.#output.skipTo(nowMs);
        }
        return this.#write(frame.ofSound(this.#takeTail()), nowMs);
    }
  }

  /** Lets go of every source. Idempotent. */
  close(): void {
    this.#codec = null;
    this.#frame = null;
    this.#tracks = [];
    this.#replaceFeed({ kind: 'silence' });
    this.#tail = null;
  }

  #play(player: PhonePlayer, frame: PhoneFrame, tick: number, nowMs: number): void {
    const feed = this.#feed;
    const isHeard = !this.#paused && !player.isAlone;
    const sound = player.next(isHeard ? this.#soundOf(feed) : null);
    // A phone that holds is sent nothing; what it is played goes on all the same.
    if (this.#paused) return;
    const tail = this.#takeTail();
    const isMixed = isHeard && feed.kind === 'mix';
    this.#write(isMixed ? frame.ofMix(feed.mix, tick, sound, tail) : frame.ofSound(sound, tail), nowMs);
  }

  /** What is made here and would be heard now; null: nothing. Nothing is passed through while something is played. */
  #soundOf(feed: Feed): Int16Array | null {
    if (feed.kind === 'hold') return this.#holdFrame();
    return feed.kind === 'prompt' ? this.#promptFrame(feed.prompt) : null;
  }

  #holdFrame(): Int16Array {
    const frame = this.#hold.frame(this.#holdPosition);
    this.#isHeard = true;
    this.#holdPosition = (this.#holdPosition + frameSamples) % this.#hold.length;
    return frame;
  }

  #promptFrame({ sound, repeatAfterMs, next = sound }: Prompt): Int16Array | null {
    const pcm = this.#prompts?.pcm(this.#promptIsRepeated ? next : sound) ?? null;
    if (pcm === null) return null;
    const position = this.#promptPosition;
    this.#promptPosition += frameSamples;
    this.#isHeard = position + frameSamples < pcm.length;
    if (position < pcm.length) return pcm.subarray(position, position + frameSamples);
    if (repeatAfterMs !== null && position >= pcm.length + repeatAfterMs * 8) {
      this.#promptPosition = 0;
      this.#promptIsRepeated = true;
    }
    return null;
  }

  #takeTail(): Int16Array | null {
    // It is of the frame that is being sent: key presses take its place.
    const tail = this.#tail;
    this.#tail = null;
    return tail;
  }

  #write(payload: Uint8Array, nowMs: number): void {
    if (!this.isInterrupted) this.#output.write(this.#payloadType, payload, nowMs);
  }

  #refeed(): void {
    const codec = this.#codec!;
    const tracks = this.#tracks;
    const [first] = tracks;
    const feed = this.#feed;
    if (this.#paused || this.#player?.isAlone === true) {
      // Whoever hears nothing holds no source: a buffer that nobody reads would be stale by the time of the resumption.
      if (feed.kind !== 'silence') this.#replaceFeed({ kind: 'silence' });
    } else if (first === undefined && this.#prompt !== null) {
      if (feed.kind !== 'prompt' || feed.prompt !== this.#prompt) {
        this.#replaceFeed({ kind: 'prompt', prompt: this.#prompt });
      }
    } else if (first === undefined) {
      const kind = this.#holdSound ? 'hold' : 'silence';
      if (feed.kind !== kind) this.#replaceFeed({ kind });
    } else if (tracks.length === 1 && first.codec.name === codec.name && this.#player?.isPlaying !== true) {
      if (feed.kind === 'pass-through' && feed.track === first) return;
      this.#replaceFeed({ kind: 'pass-through', track: first });
      first.addSink(this);
      // The tick goes on with silence until the source's first packet.
      this.#filling = true;
    } else {
      // The new mix takes its sources before the old one lets go, so that those in both go on without a gap.
      const mix = this.#mixes.acquire(tracks, codec.rateHz);
      this.#replaceFeed({ kind: 'mix', mix });
    }
  }

  #replaceFeed(feed: Feed): void {
    const before = this.#feed;
    this.#tail = this.#tailOf(before) ?? this.#tail;
    this.#isHeard = false;
    this.#feed = feed;
    if (feed.kind === 'hold') this.#holdPosition = 0;
    else if (feed.kind === 'prompt') {
      this.#promptPosition = 0;
      this.#promptIsRepeated = false;
    }
    if (before.kind === 'pass-through') {
      before.track.removeSink(this);
      this.#output.releaseSource();
    } else if (before.kind === 'mix') this.#mixes.release(before.mix);
  }

  /** How a hold sound or a prompt that is cut off ends; null where nothing of it is heard now. */
  #tailOf(feed: Feed): Int16Array | null {
    const isSound = feed.kind === 'hold' || feed.kind === 'prompt';
    if (this.#codec === null || this.#paused || !this.#isHeard || !isSound) return null;
    const sound = this.#soundOf(feed);
    if (sound === null) return null;
    const tail = Int16Array.from(sound);
    fadeOut(tail);
    return tail;
  }
}
