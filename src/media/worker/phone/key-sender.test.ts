import { beforeEach, describe, expect, it } from 'vitest';
import { DtmfDetector } from '../codec/dtmf-detector.js';
import { parseTelephoneEvent } from '../codec/telephone-event.js';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { KeySender } from './key-sender.js';
import { RtpOutput } from './rtp-output.js';

interface Sent {
  readonly tick: number;
  /** Relative to the first packet. */
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadType: number;
  /** Null: audio. */
  readonly event: { readonly event: number; readonly end: boolean; readonly duration: number } | null;
}

describe('KeySender', () => {
  let output: RtpOutput;
  let sender: KeySender;
  let sent: Sent[];
  let first: RtpPacket | null;
  let ticks: number;
  let heard: string[];
  let detector: DtmfDetector;

  beforeEach(() => {
    output = new RtpOutput(note);
    sent = [];
    first = null;
    ticks = 0;
    heard = [];
    detector = new DtmfDetector({
      onKeyDown: () => undefined,
      onKey: (key, durationMs) => heard.push(`${key} ${durationMs}`),
    });
    sender = new KeySender(output);
  });

  function note(datagram: Buffer): void {
    const packet = new RtpPacket();
    RtpPacket.parse(Buffer.from(datagram), packet);
    first ??= packet;
    const { sequenceNumber, timestamp, marker, payloadType } = packet;
    const event = payloadType === 0 ? null : parseTelephoneEvent(packet.payload);
    if (event !== null) detector.onPacket(event, packet, ticks * 20);
    sent.push({
      tick: ticks,
      sequence: (sequenceNumber - first.sequenceNumber) & 0xffff,
      timestamp: (timestamp - first.timestamp) >>> 0,
      ...{ marker, payloadType },
      event: event && { event: event.event, end: event.end, duration: event.duration },
    });
  }

  /** Ticks as a leg has them: an event, or else 20 ms of audio. */
  function run(count: number): void {
    for (let i = 0; i < count; i++) {
      ticks++;
      if (!sender.onTick({ payloadType: 96, clockRateHz: 8000 }, ticks * 20))
        output.write(0, new Uint8Array(160), ticks * 20);
    }
  }

  const events = (): Sent[] => sent.filter(({ event }) => event !== null);

  it('sends a press as RFC 4733 §2.5 has it: one timestamp, rising durations, the end three times', async () => {
    run(2);
    const pressed = sender.press('5', 100, 80);
    run(9);
    await pressed;
    run(1);
    expect(events().map(({ event }) => event)).toEqual([
      { event: 5, end: false, duration: 160 },
      { event: 5, end: false, duration: 320 },
      { event: 5, end: false, duration: 480 },
      { event: 5, end: false, duration: 640 },
      { event: 5, end: true, duration: 800 },
      { event: 5, end: true, duration: 800 },
      { event: 5, end: true, duration: 800 },
    ]);
    expect(events().map(({ marker }) => marker)).toEqual([true, false, false, false, false, false, false]);
    expect(new Set(events().map(({ timestamp }) => timestamp))).toEqual(new Set([320]));
    expect(new Set(events().map(({ payloadType }) => payloadType))).toEqual(new Set([96]));
    expect(heard).toEqual(['5 100']);
  });

  it('goes on with the numbers and the time of the audio, one packet a tick', async () => {
    run(2);
    const pressed = sender.press('5', 100, 80);
    run(9);
    await pressed;
    run(1);
    expect(sent.map(({ sequence }) => sequence)).toEqual([...sent.keys()]);
    expect(sent.map(({ tick }) => tick)).toEqual([...sent.keys()].map((index) => index + 1));
    const audio = sent.filter(({ event }) => event === null);
    expect(audio.map(({ timestamp }) => timestamp)).toEqual([0, 160, 9 * 160, 10 * 160, 11 * 160]);
    // The audio after an event begins a talkspurt.
    expect(audio.map(({ marker }) => marker)).toEqual([true, false, true, false, false]);
  });

  it('tells apart keys at the shortest duration and gap, the same one twice too', async () => {
    const pressed = sender.press('110*#ABCDd', 40, 40);
    run(40);
    await pressed;
    expect(heard).toEqual('110*#ABCDD'.split('').map((key) => `${key} 40`));
    const begins = events().filter(({ marker }) => marker);
    expect(begins.map(({ tick }) => tick)).toEqual([...begins.keys()].map((index) => 1 + index * 4));
    expect(begins.map(({ timestamp }) => timestamp)).toEqual([...begins.keys()].map((index) => index * 640));
  });

  it('says the exact duration where it is no multiple of 20 ms, and the longest there is', async () => {
    const pressed = sender.press('1', 50, 45);
    const long = sender.press('2', 5000, 40);
    run(6 + 252);
    await Promise.all([pressed, long]);
    expect(heard).toEqual(['1 50', '2 5000']);
  });

  it('sends audio for a second at a comma', async () => {
    const pressed = sender.press('1,2', 100, 40);
    run(7 + 50 + 7);
    await pressed;
    const begins = events().filter(({ marker }) => marker);
    expect(begins.map(({ tick }) => tick)).toEqual([1, 58]);
    expect(sent.filter(({ event }) => event === null)).toHaveLength(50);
  });

  it('sends one request after the other', async () => {
    const order: number[] = [];
    const all = [1, 2].map((n) => sender.press(`${n}${n}`, 40, 40).then(() => order.push(n)));
    run(16);
    await Promise.all(all);
    expect(order).toEqual([1, 2]);
    expect(heard.map((key) => key[0])).toEqual(['1', '1', '2', '2']);
  });

  it('refuses what would take more than a minute, with what waits', async () => {
    const waiting = sender.press('1'.repeat(11), 5000, 40);
    await expect(sender.press('2', 5000, 40)).rejects.toMatchObject({ code: 'too-many-keys' });
    run(252);
    const next = sender.press('2', 5000, 40);
    run(11 * 252);
    await Promise.all([waiting, next]);
    expect(heard).toHaveLength(12);
    await expect(sender.press(','.repeat(61), 100, 40)).rejects.toMatchObject({ code: 'too-many-keys' });
    await expect(sender.press('1'.repeat(1e6), 40, 40)).rejects.toMatchObject({ code: 'too-many-keys' });
    expect(sender.isBusy).toBe(false);
  });

  it.each([
    ['E', 100, 40],
    ['1 2', 100, 40],
    ['1', 39, 40],
    ['1', 5001, 40],
    ['1', 100.5, 40],
    ['1', NaN, 40],
    ['1', 100, 39],
  ])('sends nothing of %j with %d and %d ms', async (keys, durationMs, gapMs) => {
    await expect(sender.press(keys, durationMs, gapMs)).rejects.toThrow(RangeError);
    run(3);
    expect(events()).toHaveLength(0);
  });

  it('forgets all keys where it fails, and begins anew', async () => {
    const lost = [sender.press('12', 100, 40), sender.press('3', 100, 40)];
    run(3);
    const error = new Error('the phone holds the call');
    sender.fail(error);
    for (const press of lost) await expect(press).rejects.toBe(error);
    run(1);
    const next = sender.press('4', 40, 40);
    run(4);
    await next;
    expect(heard.at(-1)).toBe('4 40');
    expect(events().at(-5)?.tick).toBe(3);
  });
});
