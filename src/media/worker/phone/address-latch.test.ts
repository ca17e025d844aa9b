import { describe, expect, it } from 'vitest';
import type { MediaAddress } from '../../../sdp/media-address.js';
import { AddressLatch, type LatchVerdict } from './address-latch.js';

const phone = { address: '198.51.100.7', port: 4000 };
const stranger = { address: '203.0.113.1', port: 9 };
const behindNat = { address: '10.0.0.5', port: 4000 };

/** Packets of one stream, 20 ms apart, from wherever it is at the moment. */
class Stream {
  sequenceNumber: number;
  constructor(
    readonly ssrc: number,
    first = 65_530,
  ) {
    this.sequenceNumber = first;
  }

  send(latch: AddressLatch, from: MediaAddress, nowMs: number): LatchVerdict {
    const { ssrc, sequenceNumber } = this;
    this.sequenceNumber = (sequenceNumber + 1) & 0xffff;
    return latch.onPacket({ ssrc, sequenceNumber }, from, nowMs);
  }

  /** From `fromMs` on; the verdicts. */
  talk(latch: AddressLatch, from: MediaAddress, fromMs: number, packets: number): LatchVerdict[] {
    return Array.from({ length: packets }, (_, n) => this.send(latch, from, fromMs + n * 20));
  }
}

/** A phone behind a NAT, locked on to for a second and a half from 0 on. */
function lockedOn(voice: Stream): AddressLatch {
  const latch = new AddressLatch();
  latch.signal(behindNat, 0);
  voice.talk(latch, phone, 0, 75);
  expect(latch.destination).toMatchObject(phone);
  return latch;
}

describe('AddressLatch', () => {
  it('sends to the signalled address until packets come from another, then there', () => {
    const latch = new AddressLatch();
    expect(latch.destination).toBeNull();
    latch.signal(behindNat, 0);
    expect(latch.destination).toEqual(behindNat);
    expect(new Stream(1).send(latch, phone, 1)).toBe('locked');
    expect(latch.destination).toMatchObject(phone);
  });

  it('knows the locked address from strangers, by address and by port', () => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    voice.send(latch, phone, 0);
    expect(voice.send(latch, phone, 1)).toBe('peer');
    expect(other.send(latch, { ...phone, port: 4002 }, 1)).toBe('stranger');
    expect(other.send(latch, { ...phone, address: stranger.address }, 1)).toBe('stranger');
    expect(latch.destination).toMatchObject(phone);
  });

  it('leaves a stranger that came first for the address that the SDP names, and never again', () => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    latch.signal(phone, 0);
    expect(other.send(latch, stranger, 1)).toBe('locked');
    expect(voice.send(latch, phone, 2)).toBe('locked');
    expect(other.send(latch, stranger, 3)).toBe('stranger');
    expect(voice.send(latch, phone, 4)).toBe('peer');
    expect(new Set(other.talk(latch, stranger, 1000, 100))).toEqual(new Set(['stranger']));
    expect(latch.destination).toMatchObject(phone);
  });

  it('stays locked when a re-INVITE repeats the address, or names the one locked on to', () => {
    const latch = new AddressLatch();
    latch.signal(behindNat, 0);
    new Stream(1).send(latch, phone, 1);
    latch.signal(behindNat, 2);
    latch.signal(phone, 3);
    expect(latch.locked).toBe(true);
  });

  it('follows a re-INVITE, and is not caught by what still comes from the old address', () => {
    const [latch, voice] = [new AddressLatch(), new Stream(1)];
    latch.signal(phone, 0);
    voice.send(latch, phone, 1);
    const moved = { address: '198.51.100.8', port: 5000 };
    latch.signal(moved, 1000);
    expect(latch.destination).toEqual(moved);
    expect(voice.send(latch, phone, 1010)).toBe('peer');
    expect(latch.destination).toEqual(moved);
    expect(voice.send(latch, moved, 1020)).toBe('locked');
    expect(voice.send(latch, phone, 2999)).toBe('peer');
    expect(voice.send(latch, phone, 3001)).toBe('stranger');
  });

  it.each([
    ['one packet', 1],
    ['nine packets', 9],
  ])('leaves a stranger that was there for %s before a phone behind a NAT began', (_what, packets) => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    latch.signal(behindNat, 0);
    other.talk(latch, stranger, 0, packets);
    const verdicts = voice.talk(latch, phone, 3000, 20);
    expect(verdicts.indexOf('locked')).toBe(10);
    expect(verdicts.at(-1)).toBe('peer');
    expect(latch.destination).toMatchObject(phone);
    expect(new Set(other.talk(latch, stranger, 3400, 100))).toEqual(new Set(['stranger']));
  });

  it('does not take a stranger that probes once a second for the phone', () => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    latch.signal(behindNat, 0);
    other.send(latch, stranger, 0);
    for (let second = 1; second < 5; second++) {
      voice.talk(latch, phone, second * 1000, 49);
      other.send(latch, stranger, second * 1000 + 990);
    }
    expect(latch.destination).toMatchObject(phone);
  });

  it.each([
    ['another port', { ...phone, port: 61_234 }],
    ['another host', { address: '198.51.100.99', port: 4000 }],
  ])('follows a stream that goes on from %s, once three packets of it came', (_what, elsewhere) => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    expect(voice.talk(latch, elsewhere, 1520, 4)).toEqual(['stranger', 'stranger', 'locked', 'peer']);
    expect(latch.destination).toMatchObject(elsewhere);
    // What still comes from the old address takes nothing back.
    expect(voice.send(latch, phone, 1610)).toBe('stranger');
  });

  it('follows a stream that goes on from elsewhere after a pause, with packets lost meanwhile, and again', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    voice.sequenceNumber = (voice.sequenceNumber + 700) & 0xffff;
    expect(voice.talk(latch, { ...phone, port: 5 }, 14_000, 3).at(-1)).toBe('locked');
    expect(voice.talk(latch, { ...phone, port: 6 }, 14_060, 3).at(-1)).toBe('locked');
  });

  it.each([
    ['beside the phone', 20],
    ['beside the phone, five packets for one', 4],
  ])('never leaves the phone for a stranger that sends %s', (_what, everyMs) => {
    const [voice, other] = [new Stream(1), new Stream(2)];
    const latch = lockedOn(voice);
    for (let ms = 1500; ms < 20_000; ms += everyMs) {
      if (ms % 20 === 0) expect(voice.send(latch, phone, ms)).toBe('peer');
      expect(other.send(latch, stranger, ms + 1)).toBe('stranger');
    }
  });

  it('never leaves a phone that has fallen silent for another stream, nor for one that guessed its SSRC only', () => {
    const [voice, other, guess] = [new Stream(1), new Stream(2), new Stream(1, 20_000)];
    const latch = lockedOn(voice);
    expect(new Set(other.talk(latch, stranger, 1500, 500))).toEqual(new Set(['stranger']));
    expect(new Set(guess.talk(latch, stranger, 11_500, 500))).toEqual(new Set(['stranger']));
    expect(voice.send(latch, phone, 22_000)).toBe('peer');
  });

  it('never leaves the phone for a copy of its own stream that is sent beside it', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    for (let ms = 1500; ms < 3000; ms += 20) {
      expect(new Stream(1, voice.sequenceNumber).send(latch, stranger, ms)).toBe('stranger');
      expect(voice.send(latch, phone, ms + 1)).toBe('peer');
    }
  });

  it('is not taken by a burst between two packets of a call that has just begun', () => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    latch.signal(behindNat, 0);
    voice.send(latch, phone, 0);
    for (let n = 0; n < 200; n++) expect(other.send(latch, stranger, 1 + n / 20)).toBe('stranger');
    expect(voice.send(latch, phone, 20)).toBe('peer');
  });
});
