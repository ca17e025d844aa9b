/** What a phone is sent: passed through, mixed, played, or silence. */
import { g711, type G711Law } from '../codec/g711.js';
import type { Mix, Mixes } from '../mix/mixes.js';
import { canDecode, frameSamples } from '../mix/pcm-source.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { fadeOut } from '../sound/fade-out.js';
import type { SoundLoop } from '../sound/sound-loop.js';
import type { Prompt, PromptSounds } from '../sound/prompt-sounds.js';
import type { PacketSink, SourceStream, SourceTrack } from '../source-track.js';
import type { PhonePlayer } from './phone-player.js';
import type { RtpOutput } from './rtp-output.js';

/** So long after all was heard of a source that is passed through silence is sent in its place: as long as a mix would wait. */
const pauseMs = 120;

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
  #law: G711Law | null = null;
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
  /** One frame that is heard, and one that is sent, while something is played or fades out. */
  readonly #heard = new Int16Array(frameSamples);
  readonly #payload = new Uint8Array(frameSamples);

  constructor({ mixes, prompts, hold, output, now }: PhoneOutgoingTrackOptions) {
    this.#mixes = mixes;
    this.#prompts = prompts;
    this.#hold = hold;
    this.#output = output;
    this.#now = now;
  }

  /** Begins to send, or goes on, in this law; paused: nothing at all is sent. */
  start(law: G711Law, payloadType: number, paused: boolean): void {
    // The first packet and the first after a hold begin a talkspurt, at the time that it is.
    if (this.#law === null || (this.#paused && !paused)) this.#output.skipTo(this.#now());
    this.#payloadType = payloadType;
    if (law === this.#law && paused === this.#paused) return;
    this.#law = law;
    this.#paused = paused;
    this.#refeed();
  }

  /** Replaces what is heard: the audio of these streams, or without any the hold sound or silence. */
  receive(streams: readonly SourceStream[], withHoldSound: boolean): void {
    this.#tracks = streams.flatMap(({ audio }) => (audio !== null && canDecode(audio) ? [audio] : []));
    this.#holdSound = withHoldSound;
    if (!withHoldSound) this.#prompt = null;
    if (this.#law !== null) this.#refeed();
  }

  /** Says this in place of the hold sound, from its beginning; null: no more. */
  prompt(prompt: Prompt | null): void {
    this.#prompt = prompt;
    if (this.#law !== null) this.#refeed();
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
    if (this.#law !== null) this.#refeed();
  }

  onTick(tick: number, nowMs: number): void {
    const law = this.#law;
    if (law === null) return;
    if (this.#paused || this.isInterrupted) this.#tail = null;
    if (this.#player?.isPlaying === true) return this.#play(this.#player, law, tick, nowMs);
    if (this.#paused) return;
    const feed = this.#feed;
    switch (feed.kind) {
      case 'mix':
        return this.#write(feed.mix.payloadAt(tick), nowMs);
      case 'silence':
        return this.#write(silence[law], nowMs);
      case 'hold':
        return this.#write(this.#holdFrame(law), nowMs);
      case 'prompt':
        return this.#write(this.#promptFrame(feed.prompt, law), nowMs);
      case 'pass-through':
        if (!this.#filling) {
          if (this.#output.idleMs(nowMs) <= pauseMs) return;
          this.#filling = true;
          this.#output.skipTo(nowMs);
        }
        return this.#write(silence[law], nowMs);
    }
  }

  /** Lets go of every source. Idempotent. */
  close(): void {
    this.#law = null;
    this.#tracks = [];
    this.#replaceFeed({ kind: 'silence' });
    this.#tail = null;
  }

  #play(player: PhonePlayer, law: G711Law, tick: number, nowMs: number): void {
    const isHeard = !this.#paused && !player.isAlone;
    const pcm = player.next(isHeard ? this.#pcmOf(this.#feed, law, tick) : null);
    // A phone that holds is sent nothing; what it is played goes on all the same.
    if (this.#paused) return;
    g711(law).encode(pcm, this.#payload);
    this.#write(this.#payload, nowMs);
  }

  /** What would be heard now; null: silence. Nothing is passed through while something is played. */
  #pcmOf(feed: Feed, law: G711Law, tick: number): Int16Array | null {
    switch (feed.kind) {
      case 'mix':
        return feed.mix.pcmAt(tick);
      case 'hold':
        return this.#decode(this.#holdFrame(law), law);
      case 'prompt':
        return this.#decode(this.#promptFrame(feed.prompt, law), law);
      case 'silence':
      case 'pass-through':
        return null;
    }
  }

  #decode(payload: Uint8Array, law: G711Law): Int16Array {
    g711(law).decode(payload, 0, frameSamples, this.#heard);
    return this.#heard;
  }

  #holdFrame(law: G711Law): Uint8Array {
    const frame = this.#hold.frame(law, this.#holdPosition);
    this.#isHeard = true;
    this.#holdPosition = (this.#holdPosition + frameSamples) % this.#hold.length;
    return frame;
  }

  #promptFrame({ sound, repeatAfterMs, next = sound }: Prompt, law: G711Law): Uint8Array {
    const payload = this.#prompts?.payload(this.#promptIsRepeated ? next : sound, law) ?? null;
    if (payload === null) return silence[law];
    const position = this.#promptPosition;
    this.#promptPosition += frameSamples;
    this.#isHeard = position + frameSamples < payload.length;
    if (position < payload.length) return payload.subarray(position, position + frameSamples);
    if (repeatAfterMs !== null && position >= payload.length + repeatAfterMs * 8) {
      this.#promptPosition = 0;
      this.#promptIsRepeated = true;
    }
    return silence[law];
  }

  #write(payload: Uint8Array, nowMs: number): void {
    if (this.isInterrupted) return;
    const tail = this.#tail;
    this.#tail = null;
    this.#output.write(this.#payloadType, tail === null ? payload : this.#join(payload, tail), nowMs);
  }

  /** Both at once. */
  #join(payload: Uint8Array, tail: Int16Array): Uint8Array {
    const { decode, encode } = g711(this.#law!);
    const sum = this.#heard;
    decode(payload, 0, frameSamples, sum);
    for (let i = 0; i < sum.length; i++) sum[i] = Math.max(-32_768, Math.min(32_767, sum[i]! + tail[i]!));
    encode(sum, this.#payload);
    return this.#payload;
  }

  #refeed(): void {
    const law = this.#law!;
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
    } else if (tracks.length === 1 && first.codec.name === law && this.#player?.isPlaying !== true) {
      if (feed.kind === 'pass-through' && feed.track === first) return;
      this.#replaceFeed({ kind: 'pass-through', track: first });
      first.addSink(this);
      // The tick goes on with silence until the source's first packet.
      this.#filling = true;
    } else {
      // The new mix takes its sources before the old one lets go, so that those in both go on without a gap.
      const mix = this.#mixes.acquire(tracks, law);
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
    const law = this.#law;
    if (law === null || this.#paused || !this.#isHeard || (feed.kind !== 'hold' && feed.kind !== 'prompt'))
      return null;
    const payload = feed.kind === 'hold' ? this.#holdFrame(law) : this.#promptFrame(feed.prompt, law);
    const tail = new Int16Array(frameSamples);
    g711(law).decode(payload, 0, frameSamples, tail);
    fadeOut(tail);
    return tail;
  }
}

/** One frame of silence in each law. */
const silence: Readonly<Record<G711Law, Uint8Array>> = {
  PCMU: silentFrame('PCMU'),
  PCMA: silentFrame('PCMA'),
};

function silentFrame(law: G711Law): Uint8Array {
  return new Uint8Array(frameSamples).fill(g711(law).silence);
}
