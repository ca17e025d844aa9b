/** What a phone was told of keys by telephone events (RFC 4733). */
import { keyOfEvent, parseTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import type { HeardPacket } from './test-phone.js';

export interface HeardPress {
  readonly key: string;
  readonly durationMs: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly packets: number;
  readonly markers: number;
  readonly ends: number;
  /** Never falls from one packet to the next. */
  readonly isRising: boolean;
}

/** The presses among the packets, by their timestamps. */
export function pressesIn(heard: readonly HeardPacket[]): HeardPress[] {
  const byTimestamp = new Map<number, HeardPacket[]>();
  for (const packet of heard) {
    if (packet.payload.length !== 4) continue;
    const press = byTimestamp.get(packet.timestamp) ?? [];
    byTimestamp.set(packet.timestamp, press);
    press.push(packet);
  }
  return [...byTimestamp].map(([timestamp, packets]) => {
    const events = packets.map(({ payload }) => parseTelephoneEvent(payload)!);
    const durations = events.map(({ duration }) => duration);
    return {
      key: keyOfEvent(events[0]!.event) ?? '?',
      durationMs: Math.max(...durations) / 8,
      timestamp,
      payloadType: packets[0]!.payloadType,
      packets: packets.length,
      markers: packets.filter(({ marker }) => marker).length,
      ends: events.filter(({ end }) => end).length,
      isRising: durations.every((duration, index) => index === 0 || duration >= durations[index - 1]!),
    };
  });
}

export const keysIn = (heard: readonly HeardPacket[]): string =>
  pressesIn(heard)
    .map(({ key }) => key)
    .join('');
