import { describe, expect, it } from 'vitest';
import { eventOfKey, formatTelephoneEvent, keyOfEvent, parseTelephoneEvent } from './telephone-event.js';

describe('telephone events', () => {
  it('are read and written as RFC 4733 lays them out', () => {
    const payload = new Uint8Array(4);
    formatTelephoneEvent({ event: 11, end: true, volume: 10, duration: 0x0320 }, payload);
    expect([...payload]).toEqual([11, 0x8a, 0x03, 0x20]);
    expect(parseTelephoneEvent(payload)).toEqual({ event: 11, end: true, volume: 10, duration: 800 });
    expect(parseTelephoneEvent(payload, 0, 3)).toBeNull();
  });

  it('stand for the sixteen keys', () => {
    expect(Array.from({ length: 17 }, (_, event) => keyOfEvent(event) ?? '-').join('')).toBe(
      '0123456789*#ABCD-',
    );
    expect([eventOfKey('#'), eventOfKey('d'), eventOfKey('x'), eventOfKey('')]).toEqual([11, 15, null, null]);
  });
});
