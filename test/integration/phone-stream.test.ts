/** How a phone's packets come and where from: bursts, strangers, other ports, RTCP alone. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import { parseRtcp, type RtcpPacket } from '../../src/media/worker/rtp/rtcp.js';
import { dominantFrequencyHz, levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import { GatewayPorts } from '../../src/media/worker/rtp/gateway-ports.js';
import { usePhoneLegs } from '../support/phone-legs.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone, type HeardPacket } from '../support/test-phone.js';
import { waitFor } from '../support/wait-for.js';

const range = await takeRtpPorts(400);

describe("a phone's stream", () => {
  const { ports, caller, called, everyoneHearsTheOthers } = usePhoneLegs(range);

  it.each([
    ['four packets of 20 ms every 80 ms', 20, 4],
    ['packets of 100 ms', 100, 1],
    ['ten packets of 20 ms every 200 ms', 20, 10],
  ])('passes %s on at 8000 timestamp units a second', async (_what, durationMs, inOneBurst) => {
    const [a, b] = [await called(), await called()];
    b.leg.receive(a.streams(), false);
    await b.phone.listen(3);
    const count = 1600 / durationMs;
    const payloadOf = (n: number): Uint8Array => new Uint8Array(durationMs * 8).fill(0x20 + (n % 80));
    let n = 0;
    const beganMs = performance.now();
    const burst = (): void => {
      for (let i = 0; i < inOneBurst; i++) a.phone.send(a.port, payloadOf(n++), { samples: durationMs * 8 });
      const dueMs = beganMs + n * durationMs;
      if (n < count) setTimeout(burst, Math.max(0, dueMs - performance.now()));
    };
    burst();
    const spoken = (): HeardPacket[] => b.phone.heard.filter(({ payload }) => payload[0] !== 0xff);
    await b.phone.until(
      () =>
        spoken()
          .at(-1)
          ?.payload.equals(payloadOf(count - 1)) === true,
    );
    const [first, last] = [spoken()[0]!, spoken().at(-1)!];
    expect(first.payload.equals(payloadOf(0))).toBe(true);
    const said = (count - 1) * durationMs * 8;
    const heard = (last.timestamp - first.timestamp) >>> 0;
    // The last that is heard is the end of what was said last. Longer by no more than a busy machine held it up.
    const passed = Math.max(count * durationMs * 8 - 160, Math.ceil((performance.now() - beganMs) * 8));
    expect(heard).toBeGreaterThanOrEqual(said - 160 * 2);
    expect(heard).toBeLessThanOrEqual(passed + 160 * 2);
  });

  it('drops and counts strangers once it has locked on to the phone', async () => {
    const [a, b] = [await called(), await called()];
    b.leg.receive(a.streams(), false);
    a.phone.talk(a.port, 440);
    await b.phone.listen(10);
    const stranger = await TestPhone.open();
    stranger.talk(a.port, 1500);
    await b.phone.listen(10);
    const atB = await b.phone.listen(30);
    stranger.close();
    expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
    expect(levelAt(atB, 8000, 1500)).toBeLessThan(-50);
    expect(a.leg.statistics().packetsFromStrangers).toBeGreaterThan(10);
    expect(stranger.heard).toEqual([]);
  });

  it('sends to where the phone really is, and follows it when a re-INVITE moves it', async () => {
    const a = await caller();
    a.port = portOf(await a.leg.answer(a.phone.sdp({ address: '127.0.0.99', port: 9 })));
    a.phone.talk(a.port, 440);
    await a.phone.listen(3);
    const moved = await TestPhone.open();
    expect(portOf(await a.leg.answer(moved.sdp()))).toBe(a.port);
    await moved.listen(3);
    moved.close();
  });

  it('follows a phone whose source port changes in mid-call, and hears it on', async () => {
    const [a, b] = [await caller(), await called()];
    a.port = portOf(await a.leg.answer(a.phone.sdp({ address: '127.0.0.99', port: 9 })));
    everyoneHearsTheOthers();
    b.phone.talk(b.port, 1000);
    a.phone.talk(a.port, 440);
    await a.phone.listen(60);
    const moved = await a.phone.rebound();
    try {
      moved.talk(a.port, 440);
      await moved.listen(10);
      const [atMoved, atB] = await Promise.all([moved.listen(30), b.phone.listen(30)]);
      expect(dominantFrequencyHz(atMoved, 8000)).toBeCloseTo(1000, -1);
      expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
    } finally {
      moved.close();
    }
  });

  it('finds a phone behind a NAT though a stranger’s packet was there before its first', async () => {
    const [a, b] = [await caller(), await called()];
    a.port = portOf(await a.leg.answer(a.phone.sdp({ address: '127.0.0.99', port: 9 })));
    everyoneHearsTheOthers();
    const stranger = await TestPhone.open();
    try {
      stranger.send(a.port, new Uint8Array(160));
      await stranger.listen(3);
      a.phone.talk(a.port, 440);
      b.phone.talk(b.port, 1000);
      await a.phone.listen(10);
      const strangerHeard = stranger.heard.length;
      stranger.talk(a.port, 1500);
      const [atA, atB] = await Promise.all([a.phone.listen(40), b.phone.listen(40)]);
      expect(dominantFrequencyHz(atA, 8000)).toBeCloseTo(1000, -1);
      expect(levelAt(atB, 8000, 1500)).toBeLessThan(-50);
      expect(stranger.heard.length).toBe(strangerHeard);
    } finally {
      stranger.close();
    }
  });

  it.each([
    ['on a port of its own', ['a=sendrecv'], 1],
    ['beside RTP', ['a=rtcp-mux'], 0],
    ['beside RTP, where that was not agreed on', [], 0],
  ])('keeps a muted phone whose RTP stops, while it sends RTCP %s', async (_what, attributes, offset) => {
    const a = await caller({ rtpTimeoutMs: 1500, rtpTimeoutBeforeFirstMs: 1500 });
    a.port = portOf(await a.leg.answer(a.phone.sdp({ attributes })));
    a.phone.send(a.port, new Uint8Array(160));
    const report: RtcpPacket = { type: 'receiver-report', ssrc: a.phone.ssrc, reports: [] };
    const reporting = setInterval(() => a.phone.sendRtcp(a.port + offset, [report]), 200);
    try {
      await a.phone.listen(200);
      expect(a.facts).toEqual(['connected']);
    } finally {
      clearInterval(reporting);
    }
    // A goodbye is no life: it ends as any silence does.
    const goodbye: RtcpPacket = { type: 'bye', ssrcs: [a.phone.ssrc] };
    const leaving = setInterval(() => a.phone.sendRtcp(a.port + offset, [report, goodbye]), 200);
    try {
      await waitFor('the leg ends', () => a.facts.length === 2);
    } finally {
      clearInterval(leaving);
    }
    expect(a.facts).toEqual(['connected', 'ended media-timeout']);
  });

  it.each([
    ['the host that its signalling comes from', '127.0.0.1', 1],
    ['elsewhere', '127.0.0.2', 0],
  ])('counts as life before any RTP what RTCP comes from %s', async (_what, signallingAddress, alive) => {
    const a = await caller({ rtpTimeoutBeforeFirstMs: 1500, signallingAddress });
    // Behind a NAT, and muted from the beginning.
    a.port = portOf(await a.leg.answer(a.phone.sdp({ address: '127.0.0.77', port: 4000 })));
    const report: RtcpPacket = { type: 'receiver-report', ssrc: a.phone.ssrc, reports: [] };
    const reporting = setInterval(() => a.phone.sendRtcp(a.port + 1, [report]), 200);
    const other = await called();
    try {
      await other.phone.listen(150);
      expect(a.facts).toEqual(alive === 1 ? [] : ['ended media-timeout']);
    } finally {
      clearInterval(reporting);
    }
  });

  it.each([
    ['an RTP port of ours', 25_000, []],
    ['our SIP port', 5060, []],
    ['an RTCP port of ours', 40_000, ['a=rtcp:25001']],
  ])('refuses a description that names %s, in an offer and in an answer', async (_what, port, attributes) => {
    const gatewayPorts = new GatewayPorts({
      addresses: ['127.0.0.1'],
      media: { from: 20_000, to: 29_999 },
      own: { from: 20_000, to: 20_999 },
      others: [{ from: 5060, to: 5060 }],
      holds: () => false,
      askOwner: () => Promise.resolve(true),
    });
    const [a, b] = [await caller({ gatewayPorts }), await caller({ gatewayPorts })];
    const sdp = a.phone.sdp({ port, attributes });
    await expect(a.leg.answer(sdp)).rejects.toMatchObject({ code: 'bad-sdp' });
    await b.leg.offer();
    await expect(b.leg.accept(sdp)).rejects.toMatchObject({ code: 'bad-sdp' });
    // Not the same port of somebody else.
    await a.leg.answer(a.phone.sdp({ port, attributes, address: '127.0.0.2' }));
  });

  it.each([
    ['passed through', 1],
    ['mixed', 2],
  ])(
    'leaves no gap in the numbers where key presses were, and reports none as lost: %s',
    async (_how, talkers) => {
      const [b, ...others] = [await called(), await called(), await called()];
      const [a] = others;
      b.leg.receive(
        others.slice(0, talkers).flatMap(({ streams }) => streams()),
        false,
      );
      a.phone.talk(a.port, 440);
      await b.phone.listen(10);
      const event = new Uint8Array(4);
      for (const [key, round] of [1, 2].entries()) {
        a.phone.hush();
        for (let n = 1; n <= 12; n++) {
          formatTelephoneEvent(
            { event: key, end: n > 9, volume: 10, duration: Math.min(n, 10) * 160 },
            event,
          );
          a.phone.send(a.port, event, { payloadType: 101, samples: 0, marker: n === 1 });
        }
        a.phone.timestamp += 12 * 160;
        a.phone.talk(a.port, 440);
        await waitFor('the key', () => a.facts.filter((fact) => fact.startsWith('dtmf ')).length === round);
        await b.phone.listen(10);
      }
      const { heard } = b.phone;
      heard.slice(1).forEach(({ sequenceNumber }, i) => {
        expect((sequenceNumber - heard[i]!.sequenceNumber) & 0xffff).toBe(1);
      });
      expect(heard.every(({ payload }) => payload.length === 160)).toBe(true);
      expect(a.leg.statistics().packetsLost).toBe(0);
    },
  );

  it.each([
    ['on a port of its own', ['a=rtcp:@']],
    ['beside RTP', ['a=rtcp-mux']],
  ])('ends with an RTCP BYE: %s', async (_what, attributes) => {
    const a = await caller();
    const rtcp = attributes.map((line) => line.replace('@', String(a.phone.port)));
    await a.leg.answer(a.phone.sdp({ attributes: rtcp }));
    await a.phone.listen(3);
    a.leg.close();
    await a.phone.until(() => a.phone.rtcp.length > 0);
    const [report, , goodbye] = parseRtcp(a.phone.rtcp.at(-1)!)!;
    expect(report).toMatchObject({ type: 'sender-report' });
    expect(goodbye).toEqual({ type: 'bye', ssrcs: [a.phone.heard[0]!.ssrc] });
  });

  describe('in IPv6', () => {
    const endpoints = [
      { bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1' },
      { bindAddress: '::1', advertisedAddress: '::1' },
    ] as const;
    const hasIpv6 = Object.values(networkInterfaces()).some((found) =>
      found?.some(({ address }) => address === '::1'),
    );

    it.skipIf(!hasIpv6)('is answered in IPv6, and hears and is heard there', async () => {
      const [a, b] = [await caller({ endpoints }), await called()];
      const phone = await TestPhone.open('PCMU', '::1');
      try {
        const answer = await a.leg.answer(phone.sdp({ address: '0:0:0:0:0:0:0:1' }));
        expect(answer).toMatch(/^o=- \d+ 1 IN IP6 ::1\r$/m);
        expect(answer).toContain('c=IN IP6 ::1\r\n');
        everyoneHearsTheOthers();
        b.phone.talk(b.port, 1000);
        phone.talk(portOf(answer), 440);
        await Promise.all([phone.listen(20), b.phone.listen(20)]);
        const [atPhone, atB] = await Promise.all([phone.listen(30), b.phone.listen(30)]);
        expect(dominantFrequencyHz(atPhone, 8000)).toBeCloseTo(1000, -1);
        expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
        // A hold in the old way says nothing of the family; a change of it is refused.
        expect(await a.leg.answer(phone.sdp({ address: '0.0.0.0' }))).toContain('c=IN IP6 ::1');
        await expect(a.leg.answer(b.phone.sdp())).rejects.toMatchObject({ code: 'no-common-codec' });
      } finally {
        phone.close();
      }
    });

    it('is refused where the gateway has no such address, before a port is taken', async () => {
      const a = await caller();
      await expect(a.leg.answer(a.phone.sdp({ address: '2001:db8::7' }))).rejects.toMatchObject({
        code: 'no-common-codec',
        message: 'the media is in IP6, where the gateway has no address',
      });
      expect(ports().taken).toBe(0);
    });
  });
});
