import fc from 'fast-check';
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
  ])(
    'follows a stream that goes on from %s, once the old address was silent for 100 ms',
    (_what, elsewhere) => {
      const voice = new Stream(1);
      const latch = lockedOn(voice);
      const late = new Stream(1, voice.sequenceNumber - 2);
      expect(voice.talk(latch, elsewhere, 1520, 5)).toEqual([
        ...['stranger', 'stranger', 'stranger', 'locked', 'peer'],
      ]);
      expect(latch.destination).toMatchObject(elsewhere);
      // What was late on the old way takes nothing back.
      expect(late.talk(latch, phone, 1610, 2)).toEqual(['stranger', 'stranger']);
    },
  );

  const elsewhere = { ...phone, port: 61_234 };

  it('follows a stream that goes on from elsewhere after keys that had an SSRC of their own', () => {
    const [voice, keys] = [new Stream(1), new Stream(8, 100)];
    const latch = lockedOn(voice);
    keys.talk(latch, phone, 1500, 12);
    // Nor has anybody else become known by it.
    expect(new Set(new Stream(9, 100).talk(latch, stranger, 1900, 5))).toEqual(new Set(['stranger']));
    expect(voice.talk(latch, elsewhere, 2000, 4)).toEqual(['stranger', 'stranger', 'locked', 'peer']);
    const again = new Stream(8, keys.sequenceNumber);
    expect(again.talk(latch, elsewhere, 2080, 12).at(-1)).toBe('peer');
    expect(latch.destination).toMatchObject(elsewhere);
  });

  it('goes back to a phone whose stream was copied while keys had an SSRC of their own', () => {
    const [voice, keys] = [new Stream(1), new Stream(8, 100)];
    const latch = lockedOn(voice);
    keys.talk(latch, phone, 1500, 12);
    const copy = new Stream(1, voice.sequenceNumber);
    expect(copy.talk(latch, stranger, 2000, 50).at(-1)).toBe('peer');
    for (let n = 0; n < 5; n++) {
      copy.send(latch, stranger, 3000 + n * 20);
      voice.send(latch, phone, 3001 + n * 20);
    }
    expect(latch.destination).toMatchObject(phone);
  });

  it.each<[string, readonly number[]]>([
    ['comes twice', [0, 0, 1, 1, 2, 2, 3, 3]],
    ['comes in swapped pairs', [1, 0, 3, 2, 5, 4, 7, 6]],
  ])('follows a stream that goes on from elsewhere, where each packet %s', (_what, order) => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    const verdicts = order.map((n, index) =>
      new Stream(1, (voice.sequenceNumber + n) & 0xffff).send(latch, elsewhere, 1600 + index * 10),
    );
    expect(verdicts).toContain('locked');
    expect(latch.destination).toMatchObject(elsewhere);
  });

  it('follows a stream whose sequence began anew before', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    voice.sequenceNumber = 20_000;
    voice.talk(latch, phone, 1500, 50);
    expect(voice.talk(latch, { ...phone, port: 61_234 }, 2600, 3).at(-1)).toBe('locked');
  });

  it('follows a stream that goes on from elsewhere after a pause, with packets lost meanwhile, and again', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    voice.sequenceNumber = (voice.sequenceNumber + 700) & 0xffff;
    expect(voice.talk(latch, { ...phone, port: 5 }, 14_000, 3).at(-1)).toBe('locked');
    expect(voice.talk(latch, { ...phone, port: 6 }, 14_060, 6).at(-1)).toBe('peer');
    expect(voice.talk(latch, phone, 14_200, 5).at(-1)).toBe('peer');
    expect(latch.destination).toMatchObject(phone);
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

  it('never leaves the phone for a burst of its own stream, copied and ahead of it', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    for (let ms = 1500; ms < 3000; ms += 20) {
      expect(voice.send(latch, phone, ms)).toBe('peer');
      const copy = new Stream(1, voice.sequenceNumber);
      expect(new Set(copy.talk(latch, stranger, ms + 1, 1))).toEqual(new Set(['stranger']));
      for (let n = 0; n < 10; n++) expect(copy.send(latch, stranger, ms + 2)).toBe('stranger');
    }
  });

  it('goes back to a phone that paused while its stream was copied, and stays', () => {
    const voice = new Stream(1);
    const latch = lockedOn(voice);
    const copy = new Stream(1, voice.sequenceNumber);
    expect(copy.talk(latch, stranger, 1600, 100).filter((verdict) => verdict === 'locked')).toHaveLength(1);
    // It speaks again, beside the other one.
    const verdicts = [0, 1, 2].map((n) => {
      expect(copy.send(latch, stranger, 3600 + n * 20)).toBe('peer');
      return voice.send(latch, phone, 3601 + n * 20);
    });
    expect(verdicts).toEqual(['stranger', 'stranger', 'locked']);
    const ahead = new Stream(1, voice.sequenceNumber);
    expect(new Set(ahead.talk(latch, stranger, 4000, 500))).toEqual(new Set(['stranger']));
    expect(voice.send(latch, phone, 14_000)).toBe('peer');
  });

  it('is not taken by a burst between two packets of a call that has just begun', () => {
    const [latch, voice, other] = [new AddressLatch(), new Stream(1), new Stream(2)];
    latch.signal(behindNat, 0);
    voice.send(latch, phone, 0);
    for (let n = 0; n < 200; n++) expect(other.send(latch, stranger, 1 + n / 20)).toBe('stranger');
    expect(voice.send(latch, phone, 20)).toBe('peer');
  });
});

describe('AddressLatch, of who is nearer to what signalling says,', () => {
  const signalling = '198.51.100.7';
  /** The phone's SDP names an address of its own network. */
  const begun = () => {
    const latch = new AddressLatch(signalling);
    latch.signal(behindNat, 0);
    return latch;
  };
  /** Both send every 20 ms; the verdicts of the second. */
  function beside(latch: AddressLatch, one: Turn, other: Turn, [fromMs, toMs]: [number, number]) {
    const verdicts: LatchVerdict[] = [];
    for (let ms = fromMs; ms < toMs; ms += 20) {
      one.stream.send(latch, one.from, ms);
      verdicts.push(other.stream.send(latch, other.from, ms + 1));
    }
    return verdicts;
  }
  interface Turn {
    readonly stream: Stream;
    readonly from: MediaAddress;
  }

  it.each([
    ['from where the signalling comes', phone],
    ['from another port of the host that the SDP names', { ...behindNat, port: 4002 }],
  ])('leaves a stranger that sends steadily since before the phone, for one that sends %s', (_what, from) => {
    const latch = begun();
    const other = { stream: new Stream(2), from: stranger };
    other.stream.talk(latch, stranger, 0, 100);
    expect(latch.destination).toMatchObject(stranger);
    const voice = { stream: new Stream(1), from };
    const verdicts = beside(latch, other, voice, [2000, 4000]);
    expect(verdicts.slice(0, 4)).toEqual(['stranger', 'stranger', 'locked', 'peer']);
    expect(new Set(verdicts.slice(3))).toEqual(new Set(['peer']));
    // Nor by what it can find out of the phone's stream.
    const copy = { stream: new Stream(1, voice.stream.sequenceNumber + 1), from: stranger };
    expect(new Set(beside(latch, voice, copy, [4000, 6000]))).toEqual(new Set(['stranger']));
    expect(latch.destination).toMatchObject(from);
  });

  it('leaves it at the first packet from the very address that the SDP names', () => {
    const latch = new AddressLatch(signalling);
    const named = { address: '192.0.2.40', port: 4000 };
    latch.signal(named, 0);
    new Stream(2).talk(latch, stranger, 0, 100);
    expect(new Stream(1).send(latch, named, 2001)).toBe('locked');
  });

  it('keeps to a carrier whose media comes from a third host', () => {
    const latch = begun();
    const voice = { stream: new Stream(1), from: stranger };
    voice.stream.talk(latch, stranger, 0, 20);
    const third = { stream: new Stream(2), from: { address: '203.0.113.200', port: 7 } };
    expect(new Set(beside(latch, voice, third, [400, 20_000]))).toEqual(new Set(['stranger']));
    expect(latch.destination).toMatchObject(stranger);
  });

  it('goes back to it where no more than three packets came from the signalling’s host', () => {
    const latch = begun();
    const voice = new Stream(1);
    voice.talk(latch, stranger, 0, 20);
    expect(new Stream(2).talk(latch, phone, 401, 3).at(-1)).toBe('locked');
    expect(voice.talk(latch, stranger, 460, 40).at(-1)).toBe('peer');
  });

  it('does not take single packets from the signalling’s host for a stream', () => {
    const latch = begun();
    const voice = { stream: new Stream(1), from: stranger };
    for (let n = 0; n < 100; n++) {
      voice.stream.send(latch, stranger, n * 20);
      expect(new Stream(n + 2).send(latch, phone, n * 20 + 1)).toBe('stranger');
    }
  });

  it('lets nobody take its lock from a far one after ten seconds, however near', () => {
    const latch = begun();
    const voice = { stream: new Stream(1), from: stranger };
    voice.stream.talk(latch, stranger, 0, 500);
    const other = { stream: new Stream(2), from: phone };
    expect(new Set(beside(latch, voice, other, [10_000, 15_000]))).toEqual(new Set(['stranger']));
  });

  it('never leaves a phone behind a NAT for a stranger at another port of the same host', () => {
    const latch = begun();
    const voice = { stream: new Stream(1), from: phone };
    const neighbour = { ...phone, port: 9 };
    expect(new Set(beside(latch, voice, { stream: new Stream(2), from: neighbour }, [0, 3000]))).toEqual(
      new Set(['stranger']),
    );
    const copy = { stream: new Stream(1, voice.stream.sequenceNumber + 1), from: neighbour };
    expect(new Set(beside(latch, voice, copy, [3000, 6000]))).toEqual(new Set(['stranger']));
  });

  it('never leaves the very address that the SDP names for one at the signalling’s host', () => {
    const latch = new AddressLatch(signalling);
    latch.signal({ address: '192.0.2.40', port: 4000 }, 0);
    const voice = { stream: new Stream(1), from: { address: '192.0.2.40', port: 4000 } };
    expect(new Set(beside(latch, voice, { stream: new Stream(2), from: phone }, [0, 3000]))).toEqual(
      new Set(['stranger']),
    );
  });

  it('is not kept from the phone by others that send beside it from everywhere', () => {
    const latch = begun();
    new Stream(9).send(latch, stranger, 0);
    const voice = new Stream(1);
    let locked = 0;
    for (let ms = 1000; locked === 0 && ms < 2000; ms += 20) {
      for (let n = 0; n < 5; n++) new Stream(n + 20).send(latch, { address: `203.0.113.${n}`, port: ms }, ms);
      if (voice.send(latch, phone, ms + 1) === 'locked') locked = ms;
    }
    expect(locked).toBe(1040);
  });

  it('knows before the first packet whose RTCP is the phone’s', () => {
    const latch = begun();
    expect([signalling, behindNat.address, stranger.address].map((host) => latch.isHostOfPeer(host))).toEqual(
      [true, true, false],
    );
    new Stream(1).send(latch, stranger, 0);
    expect([signalling, stranger.address].map((host) => latch.isHostOfPeer(host))).toEqual([false, true]);
  });

  it('stays with a phone that sends, whatever others send that are no nearer', () => {
    const others = [
      { ...phone, port: 9 },
      { ...behindNat, port: 9 },
      { address: '203.0.113.1', port: 9 },
      { address: '203.0.113.2', port: 9 },
    ];
    const packet = fc.record({
      from: fc.constantFrom(...others),
      // The phone's own stream or another, behind it, with it, or ahead of it.
      isCopy: fc.boolean(),
      offset: fc.integer({ min: -3, max: 60 }),
    });
    fc.assert(
      fc.property(
        // The phone's packets are up to 60 ms late.
        fc.array(fc.record({ lateMs: fc.nat(60), others: fc.array(packet, { maxLength: 6 }) }), {
          minLength: 60,
          maxLength: 120,
        }),
        (ticks) => {
          const latch = begun();
          const voice = new Stream(1);
          let lastMs = 0;
          ticks.forEach((tick, n) => {
            const nowMs = Math.max(lastMs, n * 20 + tick.lateMs);
            for (const { from, isCopy, offset } of n === 0 ? [] : tick.others) {
              const sequenceNumber = (voice.sequenceNumber + offset) & 0xffff;
              latch.onPacket({ ssrc: isCopy ? 1 : 2, sequenceNumber }, from, nowMs);
            }
            voice.send(latch, phone, nowMs);
            lastMs = nowMs;
            expect(latch.destination).toMatchObject(phone);
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a phone that takes up a call that it held', () => {
  const neighbour = { ...phone, port: 4711 };

  /** A minute after its last packet. */
  function resumed(): AddressLatch {
    const latch = lockedOn(new Stream(1));
    latch.signal(behindNat, 60_000);
    latch.resume(60_000);
    return latch;
  }

  it('is found at another port of its host, as another stream, though others are there first', () => {
    const latch = resumed();
    expect(new Set(new Stream(3).talk(latch, stranger, 60_001, 25))).toEqual(new Set(['stranger']));
    expect(new Stream(2).talk(latch, neighbour, 60_500, 12)).toContain('locked');
    expect(latch.destination).toMatchObject(neighbour);
    expect(new Set(new Stream(3).talk(latch, stranger, 60_800, 500))).toEqual(new Set(['stranger']));
  });

  it('is found at the host that the SDP names', () => {
    expect(new Stream(2).talk(resumed(), { ...behindNat, port: 9 }, 60_500, 12)).toContain('locked');
  });

  it.each([
    ['has gone on at its old port, however early another was there', 60_100, 60_001],
    ['was silent for longer than anybody takes to begin', 71_000, 70_001],
  ])('and %s keeps its place', (_what, phoneMs, otherMs) => {
    const [latch, other] = [resumed(), new Stream(2)];
    other.talk(latch, neighbour, otherMs, 5);
    expect(new Stream(9).send(latch, phone, phoneMs)).toBe('peer');
    expect(new Set(other.talk(latch, neighbour, phoneMs + 400, 500))).toEqual(new Set(['stranger']));
  });

  it('is not taken for a burst of another one’s', () => {
    expect(new Set(new Stream(2).talk(resumed(), neighbour, 60_001, 9))).toEqual(new Set(['stranger']));
  });
});
