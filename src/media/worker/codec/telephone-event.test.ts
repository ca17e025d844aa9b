import { describe, expect, it } from 'vitest';
import {
  eventOfKey,
  formatTelephoneEvent,
  keyOfEvent,
  parseTelephoneEvent,
  parseTelephoneEvents,
} from './telephone-event.js';

describe('telephone events', () => {
  it('are read and written as RFC 4733 lays them out', () => {
    const payload = new Uint8Array(4);
    formatTelephoneEvent({ event: 11, end: true, volume: 10, duration: 0x0320 }, payload);
    expect([...payload]).toEqual([11, 0x8a, 0x03, 0x20]);
    expect(parseTelephoneEvent(payload)).toEqual({ event: 11, end: true, volume: 10, duration: 800 });
    expect(parseTelephoneEvent(payload, 0, 3)).toBeNull();
  });

  it('are several in one packet where each is over and the next follows', () => {
    const [one, two] = [
      [1, 0x8a, 0x03, 0x20],
      [2, 0x0a, 0x00, 0xa0],
    ] as const;
    const read = (...octets: readonly number[]) =>
      parseTelephoneEvents(Uint8Array.from([9, ...octets]), 1, octets.length).map(({ event }) => event);
    expect(read(...one, ...two)).toEqual([1, 2]);
    expect(read(...one, ...one, ...two)).toEqual([1, 1, 2]);
    // Padding of senders who do not say that it is, the octets of something else, the first not over, too many.
    expect(read(...one, 0, 0, 0, 0)).toEqual([1]);
    expect(read(...one, ...two.slice(0, 3))).toEqual([1]);
    expect(read(...one, 77, 0x8a, 0x03, 0x20)).toEqual([1]);
    expect(read(...two, ...one)).toEqual([2]);
    expect(read(...Array.from({ length: 17 }, () => one).flat())).toEqual([1]);
    expect(read(...one.slice(0, 3))).toEqual([]);
  });

  it('stand for the sixteen keys', () => {
    expect(Array.from({ length: 17 }, (_, event) => keyOfEvent(event) ?? '-').join('')).toBe(
      '0123456789*#ABCD-',
    );
    expect([eventOfKey('#'), eventOfKey('d'), eventOfKey('x'), eventOfKey('')]).toEqual([11, 15, null, null]);
  });
});
