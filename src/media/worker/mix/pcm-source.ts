/** One source of a mix: its jitter buffer and decoder. */
import { JitterBuffer, type JitterBufferStatistics } from '../jitter/jitter-buffer.js';
import { concealmentHistoryMs, LossConcealment } from '../jitter/loss-concealment.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { tickSamples, type SampleRate } from '../sound/sample-rate.js';
import type { PacketSink, SourceTrack } from '../source-track.js';
import { createPayloadDecoder, type PayloadDecoder } from './payload-decoder.js';

export interface PcmSourceOptions {
  /** The rate of what is handed out. Default 8000. */
  readonly rateHz?: SampleRate;
  /** Sound kept waiting on purpose, in milliseconds. Default 0: what the tick's phase leaves is the slack. */
  readonly targetMs?: number;
  /** Sound that may wait at most, in milliseconds. Default 120. */
  readonly maxMs?: number;
}

export interface PcmSourceStatistics extends JitterBufferStatistics {
  readonly concealedSamples: number;
  /** 20 ms frames taken out to shorten the delay. */
  readonly shortened: number;
}

/** After so many ticks (2 s) one frame of waiting sound that was never needed may go; n frames go n times as fast. */
const shortenAfterTicks = 100;

/**
 * One source as the samples of each tick for all that mix it: jitter buffer, decoder and concealment. The delay grows when a
 * packet comes after its turn (the gap is concealed, the packet still played) and shrinks by a cross-faded frame when
 * more than the target has waited unneeded for a while.
 */
export class PcmSource implements PacketSink {
  readonly #track: SourceTrack;
  readonly #decoder: PayloadDecoder;
  readonly #buffer: JitterBuffer;
  readonly #concealment: LossConcealment;
  readonly #frameSamples: number;
  readonly #samplesPerMs: number;
  readonly #historyLength: number;
  /** Made-up sound that is remembered to stand for lost packets: 1 s. Beyond, the sender has paused. */
  readonly #maxCredit: number;
  readonly #targetSamples: number;
  /** Sound that was played (what concealment looks back on), the current frame, then what is decoded ahead. */
  readonly #pcm: Int16Array;
  readonly #frame: Int16Array;
  /** Samples from the start of the frame on: between ticks what is decoded ahead, within a tick the frame too. */
  #ahead = 0;
  #tick = -1;
  #current: Int16Array | null = null;
  /** Ticks still to wait at the start for the target to fill; -1 while no packet has come. */
  #prefillTicks = -1;
  /** Samples of made-up sound that stand for packets not yet known to be lost. */
  #credit = 0;
  #lastPacketSamples: number;
  #leastWaiting = Infinity;
  #ticksMeasured = 0;
  #concealedSamples = 0;
  #shortened = 0;

  /** Listens to `track` until `close`. Throws TypeError when its codec cannot be decoded: see `canDecode`. */
  constructor(track: SourceTrack, { rateHz = 8000, targetMs = 0, maxMs = 120 }: PcmSourceOptions = {}) {
    const decoder = createPayloadDecoder(track.codec, rateHz);
    if (decoder === null) throw new TypeError(`no decoder for ${track.codec.name}`);
    this.#track = track;
    this.#decoder = decoder;
    const samplesPerMs = rateHz / 1000;
    const frameSamples = tickSamples(rateHz);
    const historyLength = historyFrames * frameSamples;
    this.#samplesPerMs = samplesPerMs;
    this.#frameSamples = frameSamples;
    this.#historyLength = historyLength;
    this.#maxCredit = rateHz;
    this.#lastPacketSamples = frameSamples;
    this.#concealment = new LossConcealment(rateHz);
    this.#targetSamples = targetMs * samplesPerMs;
    this.#buffer = new JitterBuffer({
      samplesOf: (payload, offset, length) => decoder.samplesOf(payload, offset, length),
      maxSamples: maxMs * samplesPerMs,
    });
    // Ahead of the frame there may be the rest of one packet plus another.
    this.#pcm = new Int16Array(historyLength + frameSamples + longestAheadMs * samplesPerMs);
    this.#frame = this.#pcm.subarray(historyLength, historyLength + frameSamples);
    track.addSink(this);
  }

  onPacket(packet: RtpPacket): void {
    this.#buffer.insert(packet);
  }

  /** The samples of this tick, valid until the next, or null for silence. The same for every caller within a tick. */
  frameAt(tick: number): Int16Array | null {
    if (tick !== this.#tick) {
      this.#tick = tick;
      this.#current = this.#next();
    }
    return this.#current;
  }

  statistics(): PcmSourceStatistics {
    return {
      ...this.#buffer.statistics(),
      concealedSamples: this.#concealedSamples,
      shortened: this.#shortened,
    };
  }

  /** Sound that waits now, in milliseconds. */
  get delayMs(): number {
    return (this.#ahead + this.#buffer.samples) / this.#samplesPerMs;
  }

  close(): void {
    this.#track.removeSink(this);
  }

  #next(): Int16Array | null {
    if (!this.#started()) return null;
    this.#advance();
    while (this.#ahead < this.#frameSamples && this.#decodeNext());
    if (this.#ahead < this.#frameSamples && !this.#fillUp()) return null;
    this.#shortenIfUnneeded();
    this.#ahead -= this.#frameSamples;
    return this.#frame;
  }

  #started(): boolean {
    if (this.#prefillTicks === 0) return true;
    if (this.#buffer.samples === 0) return false;
    if (this.#prefillTicks < 0) this.#prefillTicks = Math.ceil(this.#targetSamples / this.#frameSamples);
    else this.#prefillTicks--;
    return this.#prefillTicks === 0;
  }

  /** Moves the frame that was played into the history, and what was decoded ahead into the frame's place. */
  #advance(): void {
    this.#pcm.copyWithin(0, this.#frameSamples, this.#historyLength + this.#frameSamples + this.#ahead);
  }

  /** Appends one packet, or what stands for a lost one; false when there is neither. */
  #decodeNext(): boolean {
    const at = this.#historyLength + this.#ahead;
    switch (this.#buffer.peek()) {
      case 'empty':
        return false;
      case 'missing':
        this.#buffer.skip();
        this.#makeUpForLost(at);
        return true;
      case 'packet': {
        const { nextPayload, nextLength } = this.#buffer;
        const count = this.#decoder.decode(nextPayload, nextLength, this.#pcm, at);
        this.#buffer.take();
        if (count > 0) {
          this.#concealment.resume(this.#pcm, at, count);
          this.#lastPacketSamples = count;
          this.#credit = 0;
        }
        this.#ahead += count;
        return true;
      }
    }
  }

  #makeUpForLost(at: number): void {
    // What was made up while waiting has already stood for it.
    if (this.#credit >= this.#lastPacketSamples) {
      this.#credit -= this.#lastPacketSamples;
      return;
    }
    const byCodec = this.#concealment.active ? 0 : this.#decoder.conceal(this.#pcm, at);
    if (byCodec === 0) {
      this.#concealment.conceal(this.#pcm, at, this.#lastPacketSamples);
    }
    const made = byCodec || this.#lastPacketSamples;
    this.#concealedSamples += made;
    this.#ahead += made;
  }

  /** Nothing waits: makes up the rest of the frame; false once that would be silence. */
  #fillUp(): boolean {
    const at = this.#historyLength + this.#ahead;
    const missing = this.#frameSamples - this.#ahead;
    this.#credit = Math.min(this.#credit + missing, this.#maxCredit);
    this.#ticksMeasured = 0;
    this.#leastWaiting = Infinity;
    const silentAlready = this.#concealment.faded && this.#ahead === 0;
    this.#concealment.conceal(this.#pcm, at, missing);
    this.#ahead = this.#frameSamples;
    if (!silentAlready) {
      this.#concealedSamples += missing;
      return true;
    }
    this.#ahead = 0;
    this.#frame.fill(0);
    return false;
  }

  #shortenIfUnneeded(): void {
    const waiting = this.#ahead - this.#frameSamples + this.#buffer.samples - this.#targetSamples;
    if (waiting < this.#leastWaiting) this.#leastWaiting = waiting;
    const frames = Math.floor(this.#leastWaiting / this.#frameSamples);
    if (frames < 1) {
      if (++this.#ticksMeasured >= shortenAfterTicks) this.#measureAnew();
      return;
    }
    if (++this.#ticksMeasured * frames < shortenAfterTicks) return;
    this.#measureAnew();
    while (this.#ahead < 2 * this.#frameSamples) if (!this.#decodeNext()) return;
    this.#crossFade();
    this.#shortened++;
  }

  #measureAnew(): void {
    this.#ticksMeasured = 0;
    this.#leastWaiting = Infinity;
  }

  /** Makes one frame of this and the next: out of the first, into the second. */
  #crossFade(): void {
    const start = this.#historyLength;
    for (let i = 0; i < this.#frameSamples; i++) {
      const share = (i + 0.5) / this.#frameSamples;
      const mixed = this.#pcm[start + i]! * (1 - share) + this.#pcm[start + this.#frameSamples + i]! * share;
      this.#pcm[start + i] = Math.round(mixed);
    }
    this.#pcm.copyWithin(start + this.#frameSamples, start + 2 * this.#frameSamples, start + this.#ahead);
    this.#ahead -= this.#frameSamples;
  }
}

/** Less than two frames and the longest packet that is decoded, 182 ms of G.711 (of Opus 120 ms). */
const longestAheadMs = 240;
/** Whole frames, at least what concealment looks back on. */
const historyFrames = Math.ceil(concealmentHistoryMs / 20);

/** Whether a track can be mixed. */
export function canDecode(track: SourceTrack): boolean {
  return track.kind === 'audio' && ['PCMU', 'PCMA', 'G722', 'opus'].includes(track.codec.name);
}

interface HeldSource {
  readonly source: PcmSource;
  holders: number;
}

/** The worker's PcmSources: one per track and rate, for as long as at least one mix wants it. */
export class PcmSources {
  readonly #options: Omit<PcmSourceOptions, 'rateHz'>;
  readonly #sources = new Map<SampleRate, Map<SourceTrack, HeldSource>>();

  constructor(options: Omit<PcmSourceOptions, 'rateHz'> = {}) {
    this.#options = options;
  }

  get size(): number {
    return [...this.#sources.values()].reduce((sum, { size }) => sum + size, 0);
  }

  acquire(track: SourceTrack, rateHz: SampleRate): PcmSource {
    const ofRate = this.#sources.get(rateHz) ?? new Map<SourceTrack, HeldSource>();
    this.#sources.set(rateHz, ofRate);
    let entry = ofRate.get(track);
    if (entry === undefined) {
      entry = { source: new PcmSource(track, { ...this.#options, rateHz }), holders: 0 };
      ofRate.set(track, entry);
    }
    entry.holders++;
    return entry.source;
  }

  release(track: SourceTrack, rateHz: SampleRate): void {
    const ofRate = this.#sources.get(rateHz);
    const entry = ofRate?.get(track);
    if (entry === undefined || --entry.holders > 0) return;
    ofRate?.delete(track);
    entry.source.close();
  }
}
