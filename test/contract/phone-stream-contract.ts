/** How a phone's packets come, from where, and what of them: bursts, keys, other ports, RTCP alone, whichever edge hears them. */
import { describe, expect, it } from 'vitest';
import type { MediaLeg } from '../../src/domain/media-plane.js';
import { parseRtcp, type RtcpPacket } from '../../src/media/worker/rtp/rtcp.js';
import type { EdgeCaller, EdgeCalls } from '../support/freeswitch-edge.js';
import { pressOddly, type OddPhone } from '../support/odd-keys.js';
import { portOf, TestPhone, type HeardPacket } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';

/** The edge of the test that runs. */
export interface EdgeAtHand {
  readonly calls: EdgeCalls;
  /** Opens another, with this silence for the end of a leg, in the place of the one that is open. */
  reopen(options: { readonly rtpTimeoutMs: number }): Promise<void>;
}

/** Why an edge does a thing otherwise than our own, in words for the report; absent where it does it. */
export interface EdgeLimits {
  readonly movedPort?: string;
  readonly rtcpBye?: string;
  readonly comfortNoise?: string;
  /** How long the RTCP of a phone that says nothing may be on its way. */
  readonly slowestRtcpMs: number;
}

const packetMs = 20;
const samplesPerMs = 8;

export function phoneStreamContract(atHand: EdgeAtHand, limits: EdgeLimits): void {
  const portAt = (leg: MediaLeg): number => portOf(leg.connection('main').localDescription);

  /** What is heard in 600 ms, once the sound has settled. */
  async function hear(phone: TestPhone): Promise<Int16Array> {
    await phone.listen(15);
    return phone.listen(30);
  }

  /** Two phones that hear each other and say nothing. */
  async function quietPair(law?: 'PCMU' | 'PCMA'): Promise<[EdgeCaller, EdgeCaller]> {
    const talk = async (): Promise<EdgeCaller> => {
      const caller = await atHand.calls.talking(440, law === undefined ? {} : { law });
      caller.phone.hush();
      return caller;
    };
    const both: [EdgeCaller, EdgeCaller] = [await talk(), await talk()];
    await atHand.calls.join(...both);
    await both[1].phone.listen(15);
    return both;
  }

  const saidMs = 1600;
  /**
   * One says 1600 ms, in bursts of so many packets. Rejects unless it is as long by the RTP time of the other, or longer by no more
   * than a busy machine held it up.
   */
  async function expectOwnTime(
    [a, b]: readonly [EdgeCaller, EdgeCaller],
    { durationMs, inOneBurst }: { readonly durationMs: number; readonly inOneBurst: number },
  ): Promise<void> {
    const from = b.phone.heard.length;
    const samples = durationMs * samplesPerMs;
    const octetOf = (n: number): number => 0x20 + (n % 80);
    const count = saidMs / durationMs;
    const beganMs = performance.now();
    let n = 0;
    const burst = (): void => {
      for (let i = 0; i < inOneBurst; i += 1)
        a.phone.send(portAt(a.leg), new Uint8Array(samples).fill(octetOf(n++)), { samples });
      const dueMs = beganMs + n * durationMs;
      if (n < count) setTimeout(burst, Math.max(0, dueMs - performance.now()));
    };
    burst();
    const spoken = (): HeardPacket[] =>
      b.phone.heard.slice(from).filter(({ payload: [octet = 0] }) => octet >= 0x20 && octet < 0x70);
    await b.phone.until(() => spoken().at(-1)?.payload[0] === octetOf(count - 1));
    const [first, last] = [spoken()[0]!, spoken().at(-1)!];
    expect(first.payload[0]).toBe(octetOf(0));
    const heardMs = (((last.timestamp - first.timestamp) >>> 0) + last.payload.length) / samplesPerMs;
    const passedMs = performance.now() - beganMs + inOneBurst * durationMs;
    expect(heardMs).toBeGreaterThanOrEqual(saidMs - 2 * packetMs);
    expect(heardMs).toBeLessThanOrEqual(Math.max(saidMs, passedMs) + 2 * packetMs);
  }

  describe('what one phone says', () => {
    it('is heard at its own time, in bursts and in long packets, too', async () => {
      const bursts = [
        { durationMs: 20, inOneBurst: 4 },
        { durationMs: 80, inOneBurst: 1 },
        { durationMs: 100, inOneBurst: 1 },
        { durationMs: 20, inOneBurst: 10 },
      ];
      const pairs: [EdgeCaller, EdgeCaller][] = [];
      for (const _ of bursts) pairs.push(await quietPair());
      await Promise.all(bursts.map((burst, i) => expectOwnTime(pairs[i]!, burst)));
    });

    it('comes in packets no longer than the listener’s maxptime', async () => {
      const [a, b] = [
        await atHand.calls.talking(440),
        await atHand.calls.open({ offer: (own) => `${own}a=maxptime:10\r\n` }),
      ];
      b.phone.talk(portAt(b.leg), 1000);
      await b.owner.until(({ connected }) => connected === 1);
      await atHand.calls.join(a, b);
      expectTones(await hear(b.phone), { heard: [440], silent: [1000] });
      for (const { payload } of b.phone.heard) expect(payload.length).toBeLessThanOrEqual(10 * samplesPerMs);
    });

    it('has no gap in its numbers where keys were pressed, and no key in it', async () => {
      const [a, b] = await quietPair();
      const from = b.phone.heard.length;
      await pressOddly(a.phone, portAt(a.leg), '12');
      await a.owner.until(({ digits }) => digits.length === 2);
      const heard = b.phone.heard.slice(from);
      heard.slice(1).forEach(({ sequenceNumber }, i) => {
        expect((sequenceNumber - heard[i]!.sequenceNumber) & 0xffff).toBe(1);
      });
      expect(heard.every(({ payload }) => payload.length > 4)).toBe(true);
      expect((await a.leg.statistics())?.packetsLost).toBe(0);
    });
  });

  describe('each press of a key is told once', () => {
    const moving =
      (everyPackets = 1) =>
      (packet: { timestamp: number }, index: number) => ({
        timestamp: packet.timestamp + index * everyPackets * packetMs * samplesPerMs,
      });
    const senders: readonly (readonly [what: string, keys: string, phone: OddPhone])[] = [
      ['by RFC 4733', '1123', {}],
      ['where the timestamp moves in every packet', '1123', { odd: moving() }],
      [
        'where it moves in the updates, and the end names the beginning',
        '1123',
        { odd: (packet, index) => (packet.end ? {} : moving()(packet, index)) },
      ],
      [
        'where it moves in the three end packets',
        '1123',
        { odd: (packet, index) => (packet.end ? moving()(packet, index) : {}) },
      ],
      [
        'where it moves in end packets that go on growing',
        '1123',
        {
          odd: (packet, index) => ({
            duration: (index + 1) * packetMs * samplesPerMs,
            ...(packet.end ? moving()(packet, index) : {}),
          }),
        },
      ],
      ['where the duration stands still', '1123', { odd: () => ({ duration: 160 }) }],
      ['where every packet has the marker', '1123', { odd: () => ({ marker: true }) }],
      ['where no packet has the end bit', '1123', { odd: () => ({ end: false }), pausePackets: 40 }],
      ['where the end alone is sent', '1123', { updates: 0 }],
      [
        'where the timestamp never moves and no packet has the marker, 300 ms apart',
        '112',
        { odd: () => ({ timestamp: 4242, marker: false }), pausePackets: 7 },
      ],
      [
        'where the SSRC changes with each press, and its sequence falls behind the last',
        '1123',
        {
          between: (phone, press) => {
            phone.ssrc = (phone.ssrc + press) >>> 0;
            phone.sequenceNumber -= 30;
          },
        },
      ],
      [
        'where the sequence begins anew with each press',
        '1123',
        {
          between: (phone) => {
            phone.ssrc = (phone.ssrc + 1) >>> 0;
            phone.sequenceNumber = 0;
          },
        },
      ],
    ];

    it('however its events are sent', async () => {
      const callers: EdgeCaller[] = [];
      for (const _ of senders) callers.push(await atHand.calls.talking(440));
      await Promise.all(
        senders.map(([, keys, phone], i) =>
          pressOddly(callers[i]!.phone, portAt(callers[i]!.leg), keys, phone),
        ),
      );
      await callers[0]!.phone.listen(40);
      const told = senders.map(([what], i) => [what, callers[i]!.owner.digits.join('')]);
      expect(told).toEqual(senders.map(([what, keys]) => [what, keys]));
    });

    it.each([
      ['updates are 300 ms apart', { everyPackets: 15, updates: 4, ends: 3 }, 1500],
      ['the duration is told whole', { updates: 74, ends: 3 }, 1500],
    ])('with its whole duration where %s', async (_what, phone, durationMs) => {
      const [a] = await quietPair();
      await pressOddly(a.phone, portAt(a.leg), '5', phone);
      await a.owner.until(({ digits }) => digits.length > 0);
      await a.phone.listen(40);
      expect(a.owner.digits).toEqual(['5']);
      expect(Math.abs(a.owner.durationsMs[0]! - durationMs)).toBeLessThanOrEqual(2 * packetMs);
    });

    it('when it is let go, not as long again after', async () => {
      const [a] = await quietPair();
      await pressOddly(a.phone, portAt(a.leg), '5', { updates: 74, ends: 3, pausePackets: 0 });
      // 1.5 s were pressed, and all that may pass now is the way.
      await a.phone.listen(25);
      expect(a.owner.digits).toEqual(['5']);
    });

    it('in the other law, too', async () => {
      const [a] = await quietPair('PCMA');
      await pressOddly(a.phone, portAt(a.leg), '159#');
      await a.owner.until(({ digits }) => digits.length >= 4);
      await a.phone.listen(25);
      expect(a.owner.digits.join('')).toBe('159#');
    });

    it('after the phone has gone over to the other law', async () => {
      const [a, b] = await quietPair();
      const phone = await TestPhone.open('PCMA');
      try {
        const answer = await a.leg.connection('main').answer(phone.sdp());
        expect(answer).toContain('a=rtpmap:8 PCMA/8000');
        phone.talk(portOf(answer), 700);
        await atHand.calls.join(a, b);
        expectTones(await hear(b.phone), { heard: [700] });
        await pressOddly(phone, portOf(answer), '42#');
        await a.owner.until(({ digits }) => digits.length >= 3);
        await phone.listen(25);
        expect(a.owner.digits.join('')).toBe('42#');
      } finally {
        phone.close();
      }
    });
  });

  describe('a phone that says nothing', () => {
    it('stays while it sends RTCP, and a goodbye is no life', async () => {
      await atHand.reopen({ rtpTimeoutMs: limits.slowestRtcpMs + 1500 });
      const a = await atHand.calls.talking(440);
      a.phone.hush();
      const report: RtcpPacket = { type: 'receiver-report', ssrc: a.phone.ssrc, reports: [] };
      const reporting = setInterval(() => a.phone.sendRtcp(portAt(a.leg) + 1, [report]), 200);
      try {
        await a.phone.listen((2 * (limits.slowestRtcpMs + 1500)) / packetMs);
        expect(a.owner.ended).toEqual([]);
      } finally {
        clearInterval(reporting);
      }
      const goodbye: RtcpPacket = { type: 'bye', ssrcs: [a.phone.ssrc] };
      const leaving = setInterval(() => a.phone.sendRtcp(portAt(a.leg) + 1, [report, goodbye]), 200);
      try {
        await a.owner.until(({ ended }) => ended.length > 0);
      } finally {
        clearInterval(leaving);
      }
      expect(a.owner.ended).toEqual(['media-timeout']);
    }, 120_000);

    it('stays while it sends comfort noise', async ({ skip }) => {
      skip(limits.comfortNoise !== undefined, limits.comfortNoise);
      await atHand.reopen({ rtpTimeoutMs: 2500 });
      const a = await atHand.calls.talking(440);
      a.phone.hush();
      for (let n = 0; n < 16; n += 1) {
        a.phone.send(portAt(a.leg), Uint8Array.of(60), { payloadType: 13, samples: 1600 });
        await a.phone.listen(10);
      }
      expect(a.owner.ended).toEqual([]);
    });

    it('hears goodbye by RTCP when its call ends', async ({ skip }) => {
      skip(limits.rtcpBye !== undefined, limits.rtcpBye);
      const a = await atHand.calls.talking(440, {
        offer: (own) => `${own}a=rtcp:${String(portOf(own))}\r\n`,
      });
      await a.phone.listen(5);
      await a.leg.close();
      await a.phone.until(() => a.phone.rtcp.length > 0);
      const packets = parseRtcp(a.phone.rtcp.at(-1)!) ?? [];
      expect(packets.some(({ type }) => type === 'bye')).toBe(true);
    });
  });

  it.each([
    ['another stream, from the midst of other numbers', 0x5a5a_5a5a, 61_000, 3_000_000_000],
    ['the same stream with other numbers, behind', 0, -5000, -9_000_000],
    ['the same stream with other numbers, ahead', 0, 5000, 9_000_000],
  ])('hears on a phone that begins anew as %s', async (_what, ssrc, sequence, timestamp) => {
    const [a, b] = [await atHand.calls.talking(440), await atHand.calls.talking(1000)];
    await atHand.calls.join(a, b);
    await hear(b.phone);
    a.phone.ssrc = (a.phone.ssrc ^ ssrc) >>> 0;
    a.phone.sequenceNumber = (a.phone.sequenceNumber + sequence) & 0xffff;
    a.phone.timestamp = (a.phone.timestamp + timestamp) >>> 0;
    const [atA, atB] = await Promise.all([hear(a.phone), hear(b.phone)]);
    expectTones(atB, { heard: [440], silent: [1000] });
    expectTones(atA, { heard: [1000], silent: [440] });
    await pressOddly(a.phone, portAt(a.leg), '7');
    await a.owner.until(({ digits }) => digits.length > 0);
    expect(a.owner.digits).toEqual(['7']);
  });

  describe('a phone', () => {
    /** It names an address where nobody is. */
    const behindNat = (own: string): string =>
      own.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 127.0.0.99').replace(/m=audio \d+/, 'm=audio 9');

    it('whose source port changes in mid-call goes on there', async ({ skip }) => {
      skip(limits.movedPort !== undefined, limits.movedPort);
      const [a, b] = [
        await atHand.calls.talking(440, { offer: behindNat }),
        await atHand.calls.talking(1000),
      ];
      await atHand.calls.join(a, b);
      await hear(a.phone);
      const moved = await a.phone.rebound();
      try {
        moved.talk(portAt(a.leg), 440);
        await moved.listen(10);
        const [atMoved, atB] = await Promise.all([hear(moved), hear(b.phone)]);
        expectTones(atMoved, { heard: [1000], silent: [440] });
        expectTones(atB, { heard: [440], silent: [1000] });
      } finally {
        moved.close();
      }
    });

    it('behind a NAT is found though a stranger’s packet was there before its first', async () => {
      const a = await atHand.calls.open({ offer: behindNat });
      const b = await atHand.calls.talking(1000);
      const stranger = await TestPhone.open();
      try {
        stranger.send(portAt(a.leg), new Uint8Array(160).fill(0xff));
        await b.phone.listen(10);
        a.phone.talk(portAt(a.leg), 440);
        await a.phone.listen(20);
        stranger.talk(portAt(a.leg), 1500);
        await atHand.calls.join(a, b);
        const strangerHeard = stranger.heard.length;
        const [atA, atB] = await Promise.all([hear(a.phone), hear(b.phone)]);
        expectTones(atA, { heard: [1000], silent: [440] });
        expectTones(atB, { heard: [440], silent: [1500, 1000] });
        expect(stranger.heard.length).toBe(strangerHeard);
      } finally {
        stranger.close();
      }
    });

    it('is the only one that is heard where a stranger sends beside it', async () => {
      const [a, b] = [await atHand.calls.talking(440), await atHand.calls.talking(1000)];
      await atHand.calls.join(a, b);
      const stranger = await TestPhone.open();
      try {
        stranger.talk(portAt(a.leg), 1500);
        await b.phone.listen(20);
        const [atA, atB] = await Promise.all([hear(a.phone), hear(b.phone)]);
        expectTones(atB, { heard: [440], silent: [1500] });
        expectTones(atA, { heard: [1000], silent: [440] });
        expect(stranger.heard).toEqual([]);
      } finally {
        stranger.close();
      }
    });
  });
}
