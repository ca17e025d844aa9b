/** The sums of sources that legs hear, each made once a tick. */
import { g711, type G711Law } from '../codec/g711.js';
import type { SourceTrack } from '../source-track.js';
import { Mixer } from './mixer.js';
import { canDecode, frameSamples, PcmSources, type PcmSource, type PcmSourceOptions } from './pcm-source.js';

/** The sum of some sources, mixed, and encoded where that is asked for, once per tick for however many legs hear just these. */
export class Mix {
  readonly key: string;
  readonly tracks: readonly SourceTrack[];
  readonly #sources: readonly PcmSource[];
  readonly #mixer = new Mixer(frameSamples);
  readonly #pcm = new Int16Array(frameSamples);
  readonly #law: G711Law;
  readonly #payload = new Uint8Array(frameSamples);
  #tick = -1;
  #encodedTick = -1;

  constructor(key: string, tracks: readonly SourceTrack[], sources: readonly PcmSource[], law: G711Law) {
    this.key = key;
    this.tracks = tracks;
    this.#sources = sources;
    this.#law = law;
  }

  /** This tick's sum as G.711, valid until the next tick. */
  payloadAt(tick: number): Uint8Array {
    const pcm = this.pcmAt(tick);
    if (tick === this.#encodedTick) return this.#payload;
    this.#encodedTick = tick;
    g711(this.#law).encode(pcm, this.#payload);
    return this.#payload;
  }

  /** This tick's sum, valid until the next tick. */
  pcmAt(tick: number): Int16Array {
    if (tick === this.#tick) return this.#pcm;
    this.#tick = tick;
    this.#mixer.clear();
    for (const source of this.#sources) {
      const frame = source.frameAt(tick);
      if (frame !== null) this.#mixer.add(frame);
    }
    this.#mixer.limit(this.#pcm);
    return this.#pcm;
  }
}

/** The worker's mixes: legs that hear the same sources in the same law share one. Keys and holders end with the legs. */
export class Mixes {
  readonly #sources: PcmSources;
  readonly #mixes = new Map<string, { readonly mix: Mix; holders: number }>();
  /** Tracks have no identity of their own that outlives a stream id: number them. */
  readonly #trackNumbers = new WeakMap<SourceTrack, number>();
  #nextTrackNumber = 1;

  constructor(options: PcmSourceOptions = {}) {
    this.#sources = new PcmSources(options);
  }

  get size(): number {
    return this.#mixes.size;
  }

  get sourceCount(): number {
    return this.#sources.size;
  }

  /** The mix of those of `tracks` that can be decoded, to be given back by `release`. */
  acquire(tracks: readonly SourceTrack[], law: G711Law): Mix {
    const audible = tracks.filter(canDecode);
    const numbers = audible.map((track) => this.#numberOf(track)).sort((a, b) => a - b);
    const key = `${law} ${numbers.join(' ')}`;
    let entry = this.#mixes.get(key);
    if (entry === undefined) {
      const sources = audible.map((track) => this.#sources.acquire(track));
      entry = { mix: new Mix(key, audible, sources, law), holders: 0 };
      this.#mixes.set(key, entry);
    }
    entry.holders++;
    return entry.mix;
  }

  release(mix: Mix): void {
    const entry = this.#mixes.get(mix.key);
    if (entry?.mix !== mix || --entry.holders > 0) return;
    this.#mixes.delete(mix.key);
    for (const track of mix.tracks) this.#sources.release(track);
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
