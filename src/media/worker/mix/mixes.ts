/** The sums of sources that legs hear, each made once a tick. */
import { g711, type G711Law } from '../codec/g711.js';
import { tickSamples, type SampleRate } from '../sound/sample-rate.js';
import type { SourceTrack } from '../source-track.js';
import { Mixer } from './mixer.js';
import { canDecode, PcmSources, type PcmSource, type PcmSourceOptions } from './pcm-source.js';

export interface MixOptions {
  readonly key: string;
  readonly rateHz: SampleRate;
  readonly tracks: readonly SourceTrack[];
  readonly sources: readonly PcmSource[];
}

/** The sum of some sources at one rate, mixed, and encoded where that is asked for, once per tick for however many legs hear just these. */
export class Mix {
  readonly key: string;
  readonly rateHz: SampleRate;
  readonly tracks: readonly SourceTrack[];
  readonly #sources: readonly PcmSource[];
  readonly #mixer: Mixer;
  readonly #pcm: Int16Array;
  readonly #encoded: Record<G711Law, { tick: number; payload: Uint8Array } | null> = {
    PCMU: null,
    PCMA: null,
  };
  #tick = -1;
  #isSilent = true;

  constructor({ key, rateHz, tracks, sources }: MixOptions) {
    this.key = key;
    this.rateHz = rateHz;
    this.tracks = tracks;
    this.#sources = sources;
    this.#mixer = new Mixer(tickSamples(rateHz));
    this.#pcm = new Int16Array(tickSamples(rateHz));
  }

  /** This tick's sum as G.711, of a mix at 8 kHz; valid until the next tick. */
  payloadAt(tick: number, law: G711Law): Uint8Array {
    const pcm = this.pcmAt(tick);
    const encoded = (this.#encoded[law] ??= { tick: -1, payload: new Uint8Array(this.#pcm.length) });
    if (encoded.tick === tick) return encoded.payload;
    encoded.tick = tick;
    g711(law).encode(pcm, encoded.payload);
    return encoded.payload;
  }

  /** Nobody of those in it is heard in this tick. */
  isSilentAt(tick: number): boolean {
    this.pcmAt(tick);
    return this.#isSilent;
  }

  /** This tick's sum, valid until the next tick. */
  pcmAt(tick: number): Int16Array {
    if (tick === this.#tick) return this.#pcm;
    this.#tick = tick;
    this.#mixer.clear();
    this.#isSilent = true;
    for (const source of this.#sources) {
      const frame = source.frameAt(tick);
      if (frame === null) continue;
      this.#isSilent = false;
      this.#mixer.add(frame);
    }
    this.#mixer.limit(this.#pcm);
    return this.#pcm;
  }
}

/** The worker's mixes: legs that hear the same sources at the same rate share one. Keys and holders end with the legs. */
export class Mixes {
  readonly #sources: PcmSources;
  readonly #mixes = new Map<string, { readonly mix: Mix; holders: number }>();
  /** Tracks have no identity of their own that outlives a stream id: number them. */
  readonly #trackNumbers = new WeakMap<SourceTrack, number>();
  #nextTrackNumber = 1;

  constructor(options: Omit<PcmSourceOptions, 'rateHz'> = {}) {
    this.#sources = new PcmSources(options);
  }

  get size(): number {
    return this.#mixes.size;
  }

  get sourceCount(): number {
    return this.#sources.size;
  }

  /** The mix of those of `tracks` that can be decoded, to be given back by `release`. */
  acquire(tracks: readonly SourceTrack[], rateHz: SampleRate): Mix {
    const audible = tracks.filter(canDecode);
    const numbers = audible.map((track) => this.#numberOf(track)).sort((a, b) => a - b);
    const key = `${rateHz} ${numbers.join(' ')}`;
    let entry = this.#mixes.get(key);
    if (entry === undefined) {
      const sources = audible.map((track) => this.#sources.acquire(track, rateHz));
      entry = { mix: new Mix({ key, rateHz, tracks: audible, sources }), holders: 0 };
      this.#mixes.set(key, entry);
    }
    entry.holders++;
    return entry.mix;
  }

  release(mix: Mix): void {
    const entry = this.#mixes.get(mix.key);
    if (entry?.mix !== mix || --entry.holders > 0) return;
    this.#mixes.delete(mix.key);
    for (const track of mix.tracks) this.#sources.release(track, mix.rateHz);
  }

  #numberOf(track: SourceTrack): number {
    let number = this.#trackNumbers.get(track);
    if (number === undefined) {
      number = this.#nextTrackNumber++;
      this.#trackNumbers.set(track, number);
    }
    return number;
  }
}
