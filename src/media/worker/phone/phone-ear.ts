import { g711, type G711Law } from '../codec/g711.js';
import type { Mix, Mixes } from '../mix/mixes.js';
import { canDecode, frameSamples } from '../mix/pcm-source.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { holdSound } from '../sound/hold-sound.js';
import type { Prompt, PromptSounds } from '../sound/prompt-sounds.js';
import type { PacketSink, SourceStream, SourceTrack } from '../source-track.js';
import type { RtpOutput } from './rtp-output.js';

/** A source that is passed through may pause this long before silence is sent in its place. */
const pauseMs = 60;

/** What the phone hears now. */
type Feed =
  | { readonly kind: 'silence' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'prompt'; readonly prompt: Prompt }
  | { readonly kind: 'pass-through'; readonly track: SourceTrack }
  | { readonly kind: 'mix'; readonly mix: Mix };

export interface PhoneEarOptions {
  readonly mixes: Mixes;
  /** Absent: prompts are silent. */
  readonly prompts?: PromptSounds;
  readonly output: RtpOutput;
  readonly now: () => number;
  readonly send: (datagram: Buffer) => void;
}

/**
 * What one phone hears, as one RTP stream: silence, the hold sound, a prompt, a single source passed through as its packets come,
 * or a mix at the tick. Idle until `start`, and while `paused`.
 */
export class PhoneEar implements PacketSink {
  readonly #mixes: Mixes;
  readonly #prompts: PromptSounds | undefined;
  readonly #output: RtpOutput;
  readonly #now: () => number;
  readonly #send: (datagram: Buffer) => void;
  #tracks: readonly SourceTrack[] = [];
  #holdSound = false;
  #prompt: Prompt | null = null;
  #feed: Feed = { kind: 'silence' };
  #law: G711Law | null = null;
  #payloadType = 0;
  #paused = false;
  /** In pass-through: silence is being sent until the source's next packet. */
  #filling = false;
  #holdPosition = 0;
  #promptPosition = 0;

  constructor({ mixes, prompts, output, now, send }: PhoneEarOptions) {
    this.#mixes = mixes;
    this.#prompts = prompts;
    this.#output = output;
    this.#now = now;
    this.#send = send;
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
    if (this.#paused || packet.payloadLength === 0) return;
    const datagram = this.#output.forward(packet, this.#payloadType, arrivalMs);
    if (datagram === null) return;
    this.#filling = false;
    this.#send(datagram);
  }

  onTick(tick: number, nowMs: number): void {
    const law = this.#law;
    if (law === null || this.#paused) return;
    const feed = this.#feed;
    switch (feed.kind) {
      case 'mix':
        return this.#write(feed.mix.payloadAt(tick), nowMs);
      case 'silence':
        return this.#write(silenceIn(law), nowMs);
      case 'hold': {
        const sound = holdSoundIn(law);
        this.#write(sound.subarray(this.#holdPosition, this.#holdPosition + frameSamples), nowMs);
        this.#holdPosition = (this.#holdPosition + frameSamples) % sound.length;
        return;
      }
      case 'prompt':
        return this.#write(this.#promptFrame(feed.prompt, law), nowMs);
      case 'pass-through':
        if (!this.#filling) {
          if (nowMs - this.#output.lastMs <= pauseMs) return;
          this.#filling = true;
          this.#output.skipTo(nowMs);
        }
        return this.#write(silenceIn(law), nowMs);
    }
  }

  /** Lets go of every source. Idempotent. */
  close(): void {
    this.#law = null;
    this.#tracks = [];
    this.#replaceFeed({ kind: 'silence' });
  }

  #promptFrame({ sound, repeatAfterMs }: Prompt, law: G711Law): Uint8Array {
    const payload = this.#prompts?.payload(sound, law);
    if (payload === undefined) return silenceIn(law);
    const position = this.#promptPosition;
    this.#promptPosition += frameSamples;
    if (position < payload.length) return payload.subarray(position, position + frameSamples);
    if (repeatAfterMs !== null && position >= payload.length + repeatAfterMs * 8) this.#promptPosition = 0;
    return silenceIn(law);
  }

  #write(payload: Uint8Array, nowMs: number): void {
    this.#send(this.#output.write(this.#payloadType, payload, nowMs));
  }

  #refeed(): void {
    const law = this.#law!;
    // Whoever hears nothing holds no source: a buffer that nobody reads would be stale by the time of the resumption.
    const tracks = this.#paused ? [] : this.#tracks;
    const [first] = tracks;
    const feed = this.#feed;
    if (first === undefined && this.#prompt !== null) {
      if (feed.kind !== 'prompt' || feed.prompt !== this.#prompt) {
        this.#replaceFeed({ kind: 'prompt', prompt: this.#prompt });
      }
    } else if (first === undefined) {
      const kind = this.#holdSound ? 'hold' : 'silence';
      if (feed.kind !== kind) this.#replaceFeed({ kind });
    } else if (tracks.length === 1 && first.codec.name === law) {
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
    this.#feed = feed;
    if (feed.kind === 'hold') this.#holdPosition = 0;
    else if (feed.kind === 'prompt') this.#promptPosition = 0;
    if (before.kind === 'pass-through') before.track.removeSink(this);
    else if (before.kind === 'mix') this.#mixes.release(before.mix);
  }
}

const silences = new Map<G711Law, Uint8Array>();

function silenceIn(law: G711Law): Uint8Array {
  let payload = silences.get(law);
  if (payload === undefined) {
    payload = new Uint8Array(frameSamples).fill(g711(law).silence);
    silences.set(law, payload);
  }
  return payload;
}

const holdSounds = new Map<G711Law, Uint8Array>();

function holdSoundIn(law: G711Law): Uint8Array {
  let payload = holdSounds.get(law);
  if (payload === undefined) {
    const pcm = holdSound();
    payload = new Uint8Array(pcm.length);
    g711(law).encode(pcm, payload);
    holdSounds.set(law, payload);
  }
  return payload;
}
