import { describe, expect, it } from 'vitest';
import { formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import {
  dominantFrequencyHz,
  levelAt,
  overallLevel,
} from '../../src/media/worker/sound/dominant-frequency.js';
import type { PhoneCodecName } from '../../src/sdp/phone-codecs.js';
import { type Caller, usePhoneLegs } from '../support/phone-legs.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf } from '../support/test-phone.js';

const codecs: readonly PhoneCodecName[] = ['PCMU', 'PCMA', 'G722', 'opus'];
const range = await takeRtpPorts(400);
const pairs = codecs.flatMap((a, at) => codecs.slice(at).map((b) => [a, b] as const));

describe('phones of different codecs', () => {
  const { called, caller, everyoneHearsTheOthers } = usePhoneLegs(range);
  const heardBy = async ({ phone }: Caller): Promise<Int16Array> => {
    await phone.listen(25);
    return phone.listen(40);
  };

  it.each(pairs)('%s hears %s, and the other way', async (one, other) => {
    const [a, b] = [await called({}, one), await called({}, other)];
    everyoneHearsTheOthers();
    a.phone.talk(a.port, 440);
    b.phone.talk(b.port, 1000);
    const [atA, atB] = await Promise.all([heardBy(a), heardBy(b)]);
    expect(dominantFrequencyHz(atA, a.phone.rateHz)).toBeCloseTo(1000, -1);
    expect(levelAt(atA, a.phone.rateHz, 440)).toBeLessThan(-45);
    expect(dominantFrequencyHz(atB, b.phone.rateHz)).toBeCloseTo(440, -1);
    expect(levelAt(atB, b.phone.rateHz, 1000)).toBeLessThan(-45);
  });

  it.each(codecs)('three with %s among them hear both others', async (codec) => {
    const [a, b, c] = [await called({}, codec), await called({}, 'opus'), await called({}, 'PCMU')];
    everyoneHearsTheOthers();
    a.phone.talk(a.port, 440, 4000);
    b.phone.talk(b.port, 1000, 4000);
    c.phone.talk(c.port, 1600, 4000);
    const [atA, atB, atC] = await Promise.all([heardBy(a), heardBy(b), heardBy(c)]);
    const levels = (pcm: Int16Array, { phone }: Caller) =>
      [440, 1000, 1600].map((hz) => levelAt(pcm, phone.rateHz, hz) > -30);
    expect(levels(atA, a)).toEqual([false, true, true]);
    expect(levels(atB, b)).toEqual([true, false, true]);
    expect(levels(atC, c)).toEqual([true, true, false]);
  });

  it('two of Opus, and two of G.722, hear what a telephone cannot carry', async () => {
    for (const codec of ['opus', 'G722'] as const) {
      const [a, b] = [await called({}, codec), await called({}, codec)];
      a.leg.receive(b.streams(), false);
      b.phone.talk(b.port, 5500);
      expect(dominantFrequencyHz(await heardBy(a), a.phone.rateHz)).toBeCloseTo(5500, -2);
      // In a mix of three it is the same.
      const c = await called({}, 'PCMU');
      c.phone.talk(c.port, 440, 100);
      a.leg.receive([...b.streams(), ...c.streams()], false);
      expect(levelAt(await heardBy(a), a.phone.rateHz, 5500)).toBeGreaterThan(-25);
      b.phone.hush();
    }
  });

  it.each(['G722', 'opus'] as const)(
    'one of %s hears the hold sound, then silence, without a gap',
    async (codec) => {
      const a = await called({}, codec);
      a.leg.receive([], true);
      const held = await a.phone.listen(40);
      expect(overallLevel(held)).toBeGreaterThan(-45);
      a.leg.receive([], false);
      await a.phone.listen(30);
      expect(overallLevel(await a.phone.listen(20))).toBeLessThan(-55);
      const numbers = a.phone.heard.map(({ sequenceNumber }) => sequenceNumber);
      expect(numbers.every((n, i) => i === 0 || n === ((numbers[i - 1]! + 1) & 0xffff))).toBe(true);
      const times = a.phone.heard.map(({ timestamp }) => timestamp);
      const step = codec === 'opus' ? 960 : 160;
      expect(times.every((t, i) => i === 0 || (t - times[i - 1]!) >>> 0 === step)).toBe(true);
    },
  );

  it('keys at the clock of Opus are pressed once each, both ways', async () => {
    const a = await called({}, 'opus');
    const press = (event: number): void => {
      const { timestamp } = a.phone;
      for (const [step, end] of [1, 2, 3, 4, 5].map((n) => [n, n === 5] as const))
        for (let copy = 0; copy < (end ? 3 : 1); copy++) {
          const payload = new Uint8Array(4);
          formatTelephoneEvent({ event, end, volume: 10, duration: step * 960 }, payload);
          a.phone.timestamp = timestamp;
          a.phone.send(a.port, payload, { payloadType: 101 });
        }
      a.phone.timestamp = (timestamp + 20 * 960) >>> 0;
    };
    press(5);
    press(11);
    const keys = () => a.facts.filter((fact) => fact.startsWith('dtmf'));
    a.phone.talk(a.port, 440);
    await a.phone.until(() => keys().length === 2);
    expect(keys()).toEqual(['dtmf 5 100', 'dtmf # 100']);

    // Longer than 16 bits say at 48 kHz: three segments (RFC 4733 §2.5.1.3).
    a.phone.heard.length = 0;
    await a.leg.sendDtmf?.('7', 3000, 40);
    const sent = () => a.phone.heard.filter(({ payloadType }) => payloadType === 101);
    const ends = () => sent().filter(({ payload }) => payload[1]! >= 0x80);
    await a.phone.until(() => ends().length === 3);
    const events = sent();
    const segments = new Map<number, number>();
    for (const { timestamp, payload } of events) segments.set(timestamp, payload.readUInt16BE(2));
    const durations = [...segments.values()];
    expect(durations).toHaveLength(3);
    expect(durations.reduce((sum, units) => sum + units, 0)).toBe(3000 * 48);
    const [first, second] = [...segments.keys()];
    expect((second! - first!) >>> 0).toBe(durations[0]);
    expect(events.filter(({ marker }) => marker)).toHaveLength(1);
  });

  it('a re-INVITE goes from one codec to another, with a stream of its own where the clock is another', async () => {
    const [a, b] = [await called({}, 'PCMU'), await called({}, 'PCMU')];
    everyoneHearsTheOthers();
    b.phone.talk(b.port, 1000);
    await a.phone.listen(10);
    const before = a.phone.heard.at(-1)!;
    a.port = portOf(
      await a.leg.answer(
        a.phone
          .sdp()
          .replace('RTP/AVP 0 101', 'RTP/AVP 111 101')
          .replace('PCMU/8000', 'PCMU/8000\r\na=rtpmap:111 opus/48000/2'),
      ),
    );
    await a.phone.until(() => a.phone.heard.at(-1)!.payloadType === 111);
    await a.phone.listen(5);
    const after = a.phone.heard.at(-1)!;
    expect(after.ssrc).not.toBe(before.ssrc);
    expect(a.streams().map(({ audio }) => audio?.codec.name)).toEqual(['opus']);
    await a.leg.answer(a.phone.sdp());
    await a.phone.until(() => a.phone.heard.at(-1)!.payloadType === 0);
    expect(dominantFrequencyHz(await a.phone.listen(20), 8000)).toBeCloseTo(1000, -1);
  });

  it('one that says what our offer allows in another codec than it named first is heard in that', async () => {
    const a = await caller({}, 'G722');
    a.port = portOf(await a.leg.offer());
    await a.leg.accept(a.phone.sdp().replace('RTP/AVP 9 101', 'RTP/AVP 0 9 101'));
    const b = await called({}, 'PCMU');
    expect(a.streams()[0]?.audio?.codec.name).toBe('PCMU');
    a.phone.talk(a.port, 440);
    await b.phone.until(() => a.streams()[0]?.audio?.codec.name === 'G722' || b.phone.heard.length > 100);
    everyoneHearsTheOthers();
    expect(dominantFrequencyHz(await heardBy(b), 8000)).toBeCloseTo(440, -1);
  });
});
