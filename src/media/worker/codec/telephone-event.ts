/** Keys as RTP (RFC 4733): the payload, read and written. */

/** The keys in the order of their event codes (RFC 4733 §3.2). */
const keys = '0123456789*#ABCD';

export const telephoneEventLength = 4;
/** More events in one packet are none. */
const maxPacked = 16;

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

/**
 * Reads all events of a payload (RFC 4733 §2.5.1.5): each but the last is over, and the next follows on it. What stands behind
 * the first and cannot be that, such as padding, is left alone. Empty where the payload is cut.
 */
export function parseTelephoneEvents(buffer: Uint8Array, offset: number, length: number): TelephoneEvent[] {
  const first = parseTelephoneEvent(buffer, offset, length);
  if (first === null) return [];
  const events = [first];
  for (let at = telephoneEventLength; at < length; at += telephoneEventLength) {
    const event = parseTelephoneEvent(buffer, offset + at, length - at);
    const follows = event !== null && event.duration > 0 && keyOfEvent(event.event) !== null;
    if (!follows || events.at(-1)?.end !== true || events.length === maxPacked) return [first];
    events.push(event);
  }
  return events;
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
