/** Keys that a phone leg sends, on the wire. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Mixes } from '../../src/media/worker/mix/mixes.js';
import { createPhoneLeg, type PhoneLeg } from '../../src/media/worker/phone/phone-leg.js';
import { PortAllocator } from '../../src/media/worker/rtp/port-allocator.js';
import { SoundLibrary } from '../../src/media/worker/sound/sound-library.js';
import type { SourceStream } from '../../src/media/worker/source-track.js';
import { keysIn, pressesIn } from '../support/key-presses.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { within } from '../support/wait-for.js';
import { holdSound } from '../../src/media/worker/sound/hold-sound.js';
import { SoundLoop } from '../../src/media/worker/sound/sound-loop.js';

interface Caller {
  readonly phone: TestPhone;
  readonly leg: PhoneLeg;
  readonly streams: () => readonly SourceStream[];
  readonly digits: string[];
  /** Sends the next packet of a phone that talks. */
  voice: (() => void) | null;
  said: number;
}

const ports = new PortAllocator(await takeRtpPorts(200));

describe('keys for a phone', () => {
  let clock: SteppedClock;
  let mixes: Mixes;
  let callers: Caller[];
  let isOver: boolean;
  let ticking: Promise<void>;

  beforeEach(() => {
    clock = new SteppedClock();
    mixes = new Mixes();
    callers = [];
    isOver = false;
    ticking = tick();
  });
  afterEach(async () => {
    isOver = true;
    await ticking;
    for (const { leg, phone } of callers) {
      leg.close();
      phone.close();
    }
    expect(mixes.sourceCount).toBe(0);
    clock.close();
  });

  /** A tick at a time: what was said before it has arrived, and what is sent at it is heard before the next. */
  async function tick(): Promise<void> {
    while (!isOver) {
      for (const caller of callers) {
        if (caller.voice === null) continue;
        caller.voice();
        caller.said += 1;
      }
      await arrived('what phones say', ({ leg, said }) => leg.statistics().packetsReceived >= said);
      clock.step();
      await arrived('what legs send', ({ phone, leg }) => phone.heard.length >= leg.statistics().packetsSent);
    }
  }

  async function arrived(what: string, isAt: (caller: Caller) => boolean): Promise<void> {
    const look = async (): Promise<void> => {
      do await setImmediate();
      while (!isOver && !callers.every(isAt));
    };
    await within(what, look());
  }

  async function called(describe: (own: string) => string = (own) => own): Promise<Caller> {
    const phone = await TestPhone.open();
    const digits: string[] = [];
    let streams: readonly SourceStream[] = [];
    const leg = createPhoneLeg({
      ...{ legId: 'leg', participantId: `p${callers.length}`, mayPublish: new Set(['audio'] as const) },
      ...{ ports, tickClock: clock, mixes },
      endpoints: [{ bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1' }],
      hold: new SoundLoop(holdSound()),
      sounds: new SoundLibrary({ maxSeconds: 60, maxBytes: 10_000_000 }),
      events: {
        onConnected: () => undefined,
        onStreams: (now) => (streams = now),
        onKeyDown: () => undefined,
        onDtmf: (digit) => digits.push(digit),
        onPlayed: () => undefined,
        onHeld: () => undefined,
        onNegotiationNeeded: () => undefined,
        onFault: (error: unknown) => {
          throw error;
        },
        onEnded: () => undefined,
      },
    });
    const made: Caller = { phone, leg, streams: () => streams, digits, voice: null, said: 0 };
    callers.push(made);
    await leg.answer(describe(phone.sdp()));
    return made;
  }

  const in96 = (own: string): string => own.replaceAll('101', '96');

  /** Numbers and times run on without a gap, whatever is sent; a packet a tick. */
  function expectOneStream({ phone }: Caller): void {
    const [first] = phone.heard;
    phone.heard.forEach((packet, i) => {
      expect(packet.ssrc).toBe(first!.ssrc);
      expect(packet.sequenceNumber).toBe((first!.sequenceNumber + i) & 0xffff);
      if (packet.payload.length !== 160 || i === 0) return;
      const before = phone.heard.slice(0, i).findLastIndex(({ payload }) => payload.length === 160);
      // As much time as packets: a jitter buffer sees no gap. A source passed through comes when it comes.
      const step = (packet.timestamp - phone.heard[before]!.timestamp) >>> 0;
      expect(Math.abs(step / 160 - (i - before))).toBeLessThanOrEqual(2);
    });
  }

  it('arrive as they were pressed, by the number the phone chose, while it hears silence otherwise', async () => {
    const a = await called(in96);
    await a.phone.listen(3);
    await a.leg.sendDtmf!('15#D', 100, 80);
    await a.phone.listen(5);
    const presses = pressesIn(a.phone.heard);
    expect(presses.map(({ key, durationMs }) => [key, durationMs])).toEqual(
      [...'15#D'].map((key) => [key, 100]),
    );
    for (const press of presses) {
      expect(press).toMatchObject({ payloadType: 96, packets: 7, markers: 1, ends: 3, isRising: true });
    }
    presses.slice(1).forEach(({ timestamp }, i) => {
      expect((timestamp - presses[i]!.timestamp) >>> 0).toBe(180 * 8);
    });
    expectOneStream(a);
  });

  it('take the place of what is passed through or mixed, which is heard again after', async () => {
    const [a, b, c] = [await called(), await called(), await called()];
    b.voice = b.phone.voice(portOf(await b.leg.answer(b.phone.sdp())), 440);
    c.voice = c.phone.voice(portOf(await c.leg.answer(c.phone.sdp())), 1000);
    a.leg.receive(b.streams(), false);
    await a.phone.listen(20);
    await a.leg.sendDtmf!('12', 160, 80);
    await a.phone.listen(5);
    expectTones(await a.phone.listen(40), { heard: [440], silent: [1000] });
    a.leg.receive([...b.streams(), ...c.streams()], false);
    await a.phone.listen(20);
    await a.leg.sendDtmf!('34', 160, 80);
    await a.phone.listen(5);
    expectTones(await a.phone.listen(40), { heard: [440, 1000] });
    expect(keysIn(a.phone.heard)).toBe('1234');
    expect(b.phone.heard.every(({ payload }) => payload.length === 160)).toBe(true);
    expectOneStream(a);
  });

  it('are heard by another gateway as pressed once each', async () => {
    const [a, b] = [await called(in96), await called()];
    const to = portOf(await b.leg.answer(b.phone.sdp()));
    const all = '0123456789*#ABCD11';
    let passed = 0;
    const pass = (): void => {
      for (; passed < a.phone.heard.length; passed += 1) {
        const { payload, timestamp, sequenceNumber, marker, payloadType, ssrc } = a.phone.heard[passed]!;
        Object.assign(b.phone, { timestamp, sequenceNumber, ssrc });
        b.phone.send(to, payload, { payloadType: payloadType === 96 ? 101 : 0, marker });
      }
    };
    await a.leg.sendDtmf!(all, 40, 40);
    pass();
    await b.phone.listen(10);
    expect(b.digits.join('')).toBe(all);
  });

  it('are refused where the phone takes none, and where it holds; those under way end with the hold', async () => {
    const none = await called((own) =>
      own.replace(' 101', '').replaceAll(/a=(?:rtpmap|fmtp):101.*\r\n/g, ''),
    );
    await expect(none.leg.sendDtmf!('1', 100, 80)).rejects.toMatchObject({ code: 'no-telephone-event' });
    const a = await called();
    const sending = a.leg.sendDtmf!('1'.repeat(50), 100, 80);
    const outcome = expect(sending).rejects.toMatchObject({ code: 'on-hold' });
    await a.phone.until(() => keysIn(a.phone.heard).length === 2);
    await a.leg.answer(a.phone.sdp({ attributes: ['a=sendonly'] }));
    await outcome;
    await expect(a.leg.sendDtmf!('1', 100, 80)).rejects.toMatchObject({ code: 'on-hold' });
    await a.leg.answer(a.phone.sdp());
    await a.leg.sendDtmf!('#', 100, 80);
    await a.phone.listen(3);
    expect(keysIn(a.phone.heard)).toMatch(/^11+#$/);
    expect(keysIn(a.phone.heard).length).toBeLessThan(6);
  });

  it('end with the leg', async () => {
    const a = await called();
    const sending = a.leg.sendDtmf!('123', 5000, 80);
    const outcome = expect(sending).rejects.toThrow('closed');
    await a.phone.until(() => keysIn(a.phone.heard) === '1');
    a.leg.close();
    await outcome;
    await expect(a.leg.sendDtmf!('1', 100, 80)).rejects.toThrow('closed');
  });
});
