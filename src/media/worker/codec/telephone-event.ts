/** Keys as RTP (RFC 4733): read, and made one of each press. */
import type { RtpHeader } from '../rtp/rtp-packet.js';
import { sequenceDistance, timestampDistance } from '../rtp/sequence.js';

/** The keys in the order of their event codes (RFC 4733 §3.2). */
const keys = '0123456789*#ABCD';

export const telephoneEventLength = 4;

export interface TelephoneEvent {
  /** 0–15 are the DTMF keys. */
  event: number;
  /** The end bit: this and its retransmissions close the event. */
  end: boolean;
  /** Power in -dBm0, 0–63. */
  volume: number;
  /** Timestamp units since the event (or segment) began. */
  duration: number;
}

/** The key of an event code, or null when it is not a DTMF key. */
export function keyOfEvent(event: number): string | null {
  return keys[event] ?? null;
}

/** The event code of a key (`a`–`d` too), or null when it is not a DTMF key. */
export function eventOfKey(key: string): number | null {
  const event = key.length === 1 ? keys.indexOf(key.toUpperCase()) : -1;
  return event < 0 ? null : event;
}

/** Reads an RFC 4733 payload (§2.3), the first event where several are packed; null when it is cut. */
export function parseTelephoneEvent(
  buffer: Uint8Array,
  offset = 0,
  length = buffer.length,
): TelephoneEvent | null {
  if (length < telephoneEventLength) return null;
  const flags = buffer[offset + 1]!;
  return {
    event: buffer[offset]!,
    end: flags >= 0x80,
    volume: flags & 0x3f,
    duration: (buffer[offset + 2]! << 8) | buffer[offset + 3]!,
  };
}

/** Writes an RFC 4733 payload at `offset`; returns its length. */
export function formatTelephoneEvent(
  { event, end, volume, duration }: TelephoneEvent,
  into: Uint8Array,
  offset = 0,
): number {
  into[offset] = event;
  into[offset + 1] = (end ? 0x80 : 0) | (volume & 0x3f);
  into[offset + 2] = duration >> 8;
  into[offset + 3] = duration;
  return telephoneEventLength;
}

/** What the header of an event's packet adds to its payload. */
type EventHeader = Readonly<Pick<RtpHeader, 'sequenceNumber' | 'timestamp' | 'marker'>>;

interface Press {
  readonly event: number;
  /** When the current segment began: events longer than 65 535 units go on in another (RFC 4733 §2.5.1.3). */
  timestamp: number;
  durationOfSegment: number;
  durationBefore: number;
  lastPacketMs: number;
  reported: boolean;
}

/** Longest step of the timestamp within one press by senders that wrongly move it along with every packet. */
const movingTimestampMs = 60;

/**
 * Makes one call of `onKey` per key press out of telephone-event packets, at its end. Retransmitted and reordered packets
 * count once, the marker bit is not relied on, and an end that got lost is made up for by `expire`.
 */
export class DtmfDetector {
  readonly #onKey: (key: string, durationMs: number) => void;
  readonly #timeoutMs: number;
  readonly #unitsPerMs: number;
  #press: Press | null = null;
  #lastSequence = -1;

  /**
   * @param timeoutMs Silence after which a press counts as ended. Default 200: four times the usual 50 ms interval.
   * @param clockRateHz The rate the format was negotiated with, which is that of the audio beside it. Default 8000.
   */
  constructor(onKey: (key: string, durationMs: number) => void, timeoutMs = 200, clockRateHz = 8000) {
    this.#onKey = onKey;
    this.#timeoutMs = timeoutMs;
    this.#unitsPerMs = clockRateHz / 1000;
  }

  /** True while a press has begun and neither ended nor expired. */
  get pressed(): boolean {
    return this.#press !== null && !this.#press.reported;
  }

  onPacket(payload: TelephoneEvent, header: EventHeader, nowMs: number): void {
    if (keyOfEvent(payload.event) === null) return;
    const { sequenceNumber, timestamp } = header;
    const behind = this.#lastSequence < 0 ? 1 : sequenceDistance(sequenceNumber, this.#lastSequence);
    // Far behind is a sender that started anew, not a packet that took long.
    if (behind <= 0 && behind > -100) return;
    this.#lastSequence = sequenceNumber;

    const movingLimit = movingTimestampMs * this.#unitsPerMs;
    let press = this.#press;
    if (press === null || !continues(press, payload, header, movingLimit)) {
      if (press !== null) this.#report(press);
      press = {
        event: payload.event,
        timestamp,
        durationOfSegment: 0,
        durationBefore: 0,
        lastPacketMs: nowMs,
        reported: false,
      };
      this.#press = press;
    } else if (timestampDistance(timestamp, press.timestamp) > movingLimit) {
      press.durationBefore += press.durationOfSegment;
      press.durationOfSegment = 0;
    }
    press.timestamp = timestamp;
    press.durationOfSegment = Math.max(press.durationOfSegment, payload.duration);
    press.lastPacketMs = nowMs;
    if (payload.end) this.#report(press);
  }

  /** Ends a press whose packets have stopped coming. Call it now and then while `pressed`. */
  expire(nowMs: number): void {
    if (this.#press !== null && nowMs - this.#press.lastPacketMs >= this.#timeoutMs)
      this.#report(this.#press);
  }

  #report(press: Press): void {
    if (press.reported) return;
    press.reported = true;
    const units = press.durationBefore + press.durationOfSegment;
    this.#onKey(keys[press.event]!, Math.round(units / this.#unitsPerMs));
  }
}

function continues(
  press: Press,
  payload: TelephoneEvent,
  { timestamp, marker }: EventHeader,
  movingLimit: number,
): boolean {
  if (press.event !== payload.event) return false;
  const ahead = timestampDistance(timestamp, press.timestamp);
  if (ahead === 0) {
    // Some gateways never advance the timestamp: a marked packet that begins again from a small duration is a new press.
    return !(press.reported && marker && payload.duration < press.durationOfSegment);
  }
  if (press.reported || marker || ahead < 0) return false;
  const isNextSegment = press.durationOfSegment >= 0xf000 && ahead >= 0xf000 && ahead <= 0x10000;
  const isMovingTimestamp = ahead <= movingLimit && payload.duration > press.durationOfSegment;
  return isNextSegment || isMovingTimestamp;
}
