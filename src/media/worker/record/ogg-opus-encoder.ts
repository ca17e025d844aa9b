/** Recordings as Ogg/Opus (RFC 7845). */
import { OpusEncoder } from '../codec/opus.js';
import { tickSamples } from '../sound/sample-rate.js';
import { formatOggPage, markLastPage, maxOggSegments, oggOverhead, oggSegments } from './ogg-page.js';
import type { Completion, OctetSink, Patch, RecordingEncoder } from './recording-encoder.js';
import { recordedRateHz } from './recording.js';

/** Speech of 8 kHz gains nothing audible above this. */
const bitrateBps = 16_000;
/** Above 5 it costs half as much again and sounds the same at this rate. */
const complexity = 5;
/** Granules count samples of 48 kHz, whatever was encoded (RFC 7845 §4). */
const granulesPerSample = 6;
const frameGranules = tickSamples(recordedRateHz) * granulesPerSample;
const granulesPerMs = 48;
/** RFC 7845 §3 advises pages of one second at most; a cut file loses no more than its last page. */
const packetsPerPage = 50;
/** The longest frame of Opus (RFC 6716 §3.2.1) and the octet before it. */
const maxPacketBytes = 1276;

interface WrittenPage {
  readonly start: number;
  readonly bytes: Buffer;
  readonly granule: number;
}

/** Opus in Ogg (RFC 7845). */
export class OggOpusEncoder implements RecordingEncoder {
  /** A packet, and the one at the end that brings out what the encoder holds back. */
  readonly maxGrowth = 2 * (maxPacketBytes + oggSegments(maxPacketBytes));
  readonly #sink: OctetSink;
  readonly #serial: number;
  readonly #encoder = new OpusEncoder({ bitrateBps, complexity });
  /** What a decoder throws away at the start. */
  readonly #preSkip: number;
  #sequence = 0;
  #packets: Uint8Array[] = [];
  #pendingBytes = 0;
  #segments = 0;
  #frames = 0;
  #encoded = 0;
  /** Those that may not all be on the disk, and one before them. */
  #pages: WrittenPage[] = [];
  #isEnded = false;

  constructor(sink: OctetSink, serial: number) {
    this.#sink = sink;
    this.#serial = serial;
    this.#preSkip = this.#encoder.lookaheadSamples * granulesPerSample;
    this.#writePage([this.#head()], 0, { isFirst: true });
    this.#writePage([tags()], 0);
  }

  get endedLength(): number {
    return this.#sink.length + oggOverhead(0) + this.#pendingBytes;
  }

  add(frame: Int16Array): void {
    this.#frames++;
    this.#encode(frame);
    const isFull = this.#segments + 3 * oggSegments(maxPacketBytes) > maxOggSegments;
    if (this.#packets.length >= packetsPerPage || isFull) this.#flush();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const silence = new Int16Array(tickSamples(recordedRateHz));
    const granule = this.#preSkip + this.#frames * frameGranules;
    while (this.#encoded * frameGranules < granule) this.#encode(silence);
    // Only this much of the last packets is sound (RFC 7845 §4.4).
    this.#writePage(this.#takePackets(), granule, { isLast: true });
  }

  refresh(): null {
    return null;
  }

  onWritten(length: number): void {
    while (this.#pages.length > 1 && endOf(this.#pages[1]!) <= length) this.#pages.shift();
  }

  completeAt(written: number): Completion {
    const page = this.#pages.findLast((one) => endOf(one) <= written);
    if (page === undefined) return { length: written, durationMs: 0, patch: null };
    return {
      length: endOf(page),
      durationMs: Math.max(0, Math.floor((page.granule - this.#preSkip) / granulesPerMs)),
      patch: this.#isEnded && page === this.#pages.at(-1) ? null : lastOf(page),
    };
  }

  #encode(frame: Int16Array): void {
    // The encoder may hand out memory that it uses again.
    const packet = Uint8Array.from(this.#encoder.encode(frame));
    this.#encoded++;
    this.#packets.push(packet);
    const segments = oggSegments(packet.length);
    this.#segments += segments;
    this.#pendingBytes += packet.length + segments;
  }

  #flush(): void {
    this.#writePage(this.#takePackets(), this.#encoded * frameGranules);
  }

  #takePackets(): Uint8Array[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#pendingBytes = 0;
    this.#segments = 0;
    return packets;
  }

  #writePage(
    packets: readonly Uint8Array[],
    granule: number,
    { isFirst = false, isLast = false } = {},
  ): void {
    const page = { serial: this.#serial, sequence: this.#sequence++, granule, isFirst, isLast };
    const bytes = formatOggPage(page, packets);
    this.#pages.push({ start: this.#sink.length, bytes, granule });
    this.#sink.append(bytes);
  }

  /** RFC 7845 §5.1. */
  #head(): Buffer {
    const head = Buffer.alloc(19);
    head.write('OpusHead', 0, 'latin1');
    head[8] = 1;
    head[9] = 1;
    head.writeUInt16LE(this.#preSkip, 10);
    head.writeUInt32LE(recordedRateHz, 12);
    return head;
  }
}

const endOf = ({ start, bytes }: WrittenPage): number => start + bytes.length;

function lastOf({ start, bytes }: WrittenPage): Patch {
  const last = Buffer.from(bytes);
  markLastPage(last);
  return { position: start, bytes: last };
}

/** Who encoded, and no comments (RFC 7845 §5.2). */
function tags(): Buffer {
  const vendor = Buffer.from('landbridge');
  const text = Buffer.alloc(8 + 4 + vendor.length + 4);
  text.write('OpusTags', 0, 'latin1');
  text.writeUInt32LE(vendor.length, 8);
  vendor.copy(text, 12);
  return text;
}
