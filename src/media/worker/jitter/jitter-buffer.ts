/** Puts packets in order and gives each its turn. */
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { SequenceExtender, sequenceDistance } from '../rtp/sequence.js';

export interface JitterBufferOptions {
  /** Samples that a payload holds; 0 when it holds none and is to be dropped. */
  readonly samplesOf: (payload: Uint8Array, offset: number, length: number) => number;
  /** Samples that may wait at most; beyond, the oldest go. Default 960 (120 ms at 8 kHz). */
  readonly maxSamples?: number;
}

export interface JitterBufferStatistics {
  readonly received: number;
  /** Came after their turn. */
  readonly late: number;
  readonly duplicate: number;
  /** Never came in their turn. */
  readonly lost: number;
  /** Dropped because more than the maximum was waiting. */
  readonly overflow: number;
  /** Times that the sequence was taken up anew: another SSRC, a jump. */
  readonly resyncs: number;
}

/** What the next turn holds: a packet, one that is missing while later ones wait, or nothing. */
export type NextPacket = 'packet' | 'missing' | 'empty';

interface Slot {
  /** Extended sequence number of what is, or was last, in the slot. */
  sequence: number;
  occupied: boolean;
  payload: Uint8Array;
  length: number;
  samples: number;
}

/** Power of two; 120 ms of 5 ms packets and as much again for reordering. */
const slotCount = 32;
/** Longer than any packet of sound on an Ethernet: not worth a slot's memory. */
const maxPayloadLength = 1500;
/** A packet that is this far behind is of a sequence that began anew, once the next one confirms it (RFC 3550 §A.1). */
const maxMisorder = 100;

/**
 * Puts the packets of one source into their order. Goes by sequence numbers alone, so jumps of the timestamp (silence that
 * was not sent, restarted clocks) cost nothing. How long to wait is the reader's business: it takes what is next when it
 * needs it. Payloads are copied into slots that are reused.
 */
export class JitterBuffer {
  readonly #samplesOf: JitterBufferOptions['samplesOf'];
  readonly #maxSamples: number;
  readonly #slots: Slot[] = [];
  readonly #sequence = new SequenceExtender();
  #ssrc = 0;
  /** Extended sequence number whose turn is next; -1 before the first packet. */
  #next = -1;
  #waiting = 0;
  #waitingSamples = 0;
  #suspectedRestart = -1;

  #received = 0;
  #late = 0;
  #duplicate = 0;
  #lost = 0;
  #overflow = 0;
  #resyncs = 0;

  constructor({ samplesOf, maxSamples = 960 }: JitterBufferOptions) {
    this.#samplesOf = samplesOf;
    this.#maxSamples = maxSamples;
    for (let i = 0; i < slotCount; i++) {
      this.#slots.push({ sequence: -1, occupied: false, payload: nothing, length: 0, samples: 0 });
    }
  }

  /** Samples in the packets that wait. */
  get samples(): number {
    return this.#waitingSamples;
  }

  statistics(): JitterBufferStatistics {
    return {
      received: this.#received,
      late: this.#late,
      duplicate: this.#duplicate,
      lost: this.#lost,
      overflow: this.#overflow,
      resyncs: this.#resyncs,
    };
  }

  /** Takes a copy of the packet's payload. */
  insert(packet: RtpPacket): void {
    const samples = this.#samplesOf(packet.buffer, packet.payloadOffset, packet.payloadLength);
    if (samples === 0 || packet.payloadLength > maxPayloadLength) return;
    this.#received++;
    if (this.#next < 0) {
      this.#startAt(packet);
    } else if (packet.ssrc !== this.#ssrc) {
      this.#resync(packet);
    } else {
      const ahead = sequenceDistance(packet.sequenceNumber, this.#next & 0xffff);
      if (ahead >= slotCount) this.#resync(packet);
      else if (ahead < 0 && !this.#acceptBehind(packet, ahead)) return;
    }
    const sequence = this.#sequence.extend(packet.sequenceNumber);
    const slot = this.#slots[sequence & (slotCount - 1)]!;
    if (slot.occupied) {
      this.#duplicate++;
      return;
    }
    if (slot.payload.length < packet.payloadLength) slot.payload = allocate(packet.payloadLength);
    const { buffer, payloadOffset, payloadLength } = packet;
    buffer.copy(slot.payload, 0, payloadOffset, payloadOffset + payloadLength);
    slot.sequence = sequence;
    slot.length = payloadLength;
    slot.samples = samples;
    slot.occupied = true;
    this.#waiting++;
    this.#waitingSamples += samples;
    while (this.#waitingSamples > this.#maxSamples && this.#waiting > 1) {
      if (this.peek() === 'packet') {
        this.#release(this.#slot());
        this.#overflow++;
      } else {
        this.skip();
      }
    }
  }

  /** What is next in turn. */
  peek(): NextPacket {
    if (this.#waiting === 0) return 'empty';
    return this.#slot().occupied ? 'packet' : 'missing';
  }

  /** Payload of the packet that is next, valid until the next insert; only after `peek` said `packet`. */
  get nextPayload(): Uint8Array {
    return this.#slot().payload;
  }

  get nextLength(): number {
    return this.#slot().length;
  }

  get nextSamples(): number {
    return this.#slot().samples;
  }

  /** Ends the turn of the packet that is next; only after `peek` said `packet`. */
  take(): void {
    this.#release(this.#slot());
  }

  /** Gives up on the packet that is missing; only after `peek` said `missing`. */
  skip(): void {
    this.#lost++;
    this.#next++;
  }

  #slot(): Slot {
    return this.#slots[this.#next & (slotCount - 1)]!;
  }

  #release(slot: Slot): void {
    slot.occupied = false;
    this.#waiting--;
    this.#waitingSamples -= slot.samples;
    this.#next++;
  }

  #startAt(packet: RtpPacket): void {
    for (const slot of this.#slots) {
      slot.occupied = false;
      slot.sequence = -1;
    }
    this.#waiting = 0;
    this.#waitingSamples = 0;
    this.#suspectedRestart = -1;
    this.#ssrc = packet.ssrc;
    this.#sequence.reset();
    this.#next = this.#sequence.extend(packet.sequenceNumber);
  }

  #resync(packet: RtpPacket): void {
    this.#resyncs++;
    this.#startAt(packet);
  }

  /** A packet before its turn's time has passed is late, unless it turns out to begin a new sequence. */
  #acceptBehind(packet: RtpPacket, ahead: number): boolean {
    if (ahead < -maxMisorder) {
      const confirmed = packet.sequenceNumber === this.#suspectedRestart;
      this.#suspectedRestart = (packet.sequenceNumber + 1) & 0xffff;
      if (!confirmed) {
        this.#late++;
        return false;
      }
      this.#resync(packet);
      return true;
    }
    const sequence = this.#next + ahead;
    if (this.#slots[sequence & (slotCount - 1)]!.sequence === sequence) this.#duplicate++;
    else this.#late++;
    return false;
  }
}

const nothing = new Uint8Array(0);

/** Whole 32s, so that a varying bit rate does not allocate again and again. Not from Node's pool, which would pin 8 kB. */
function allocate(length: number): Uint8Array {
  return new Uint8Array((length + 31) & ~31);
}
