import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import { PortAllocator } from '../../src/media/worker/rtp/port-allocator.js';
import { parseRtcp } from '../../src/media/worker/rtp/rtcp.js';
import {
  dominantFrequencyHz,
  levelAt,
  overallLevel,
} from '../../src/media/worker/sound/dominant-frequency.js';
import { PromptSounds } from '../../src/media/worker/sound/prompt-sounds.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import { type Caller, usePhoneLegs } from '../support/phone-legs.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf } from '../support/test-phone.js';

/** An even port that the OS says is free, with the odd one above it. */
async function freePair(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const [one, other] = [createSocket('udp4'), createSocket('udp4')];
    try {
      one.bind(0, '127.0.0.1');
      await once(one, 'listening');
      const { port } = one.address();
      if (port % 2 === 1) continue;
      other.bind(port + 1, '127.0.0.1');
      await once(other, 'listening');
      return port;
    } catch {
      // Somebody has the odd one: try another.
    } finally {
      one.close();
      other.close();
    }
  }
  throw new Error('no pair of ports is free');
}

const range = await takeRtpPorts(400);

describe('phone media', () => {
  const { clock, ports, caller, called, everyoneHearsTheOthers } = usePhoneLegs(range);

  it('lets two phones hear each other and not themselves', async () => {
    const [a, b] = [await called(), await called()];
    everyoneHearsTheOthers();
    a.phone.talk(a.port, 440);
    b.phone.talk(b.port, 1000);
    await Promise.all([a.phone.listen(25), b.phone.listen(25)]);
    const [atA, atB] = await Promise.all([a.phone.listen(50), b.phone.listen(50)]);
    expect(dominantFrequencyHz(atA, 8000)).toBeCloseTo(1000, -1);
    expect(levelAt(atA, 8000, 440)).toBeLessThan(-50);
    expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
    expect(levelAt(atB, 8000, 1000)).toBeLessThan(-50);
    expect(a.facts).toEqual(['connected']);
  });

  it('sends neither RTP nor RTCP to a phone that has yet to be confirmed, and both from then on', async () => {
    const calling = async (sendsOnceConfirmed: boolean) => {
      const one = await caller({ rtcpIntervalMs: 40, sendsOnceConfirmed });
      const offer = one.phone.sdp({ attributes: ['a=sendrecv', 'a=rtcp-mux'] });
      one.port = portOf(await one.leg.answer(offer));
      return one;
    };
    const [waiting, other] = [await calling(true), await calling(false)];
    everyoneHearsTheOthers();
    waiting.phone.talk(waiting.port, 440);
    other.phone.talk(other.port, 1000);
    // A report is looked for once a second.
    await other.phone.until(() => other.phone.heard.length >= 120 && other.phone.rtcp.length >= 1);
    expect([waiting.phone.heard.length, waiting.phone.rtcp.length]).toEqual([0, 0]);
    expect(waiting.leg.statistics().packetsSent).toBe(0);
    expect(waiting.leg.statistics().packetsReceived).toBeGreaterThan(0);
    waiting.leg.confirm?.();
    await waiting.phone.listen(25);
    expect(dominantFrequencyHz(await waiting.phone.listen(50), 8000)).toBeCloseTo(1000, -1);
    await waiting.phone.until(() => waiting.phone.rtcp.length >= 1);
  });

  it('mixes several talkers, in either law, cleanly and for each without himself', async () => {
    const trio = [await called(), await called({}, 'PCMA'), await called()];
    everyoneHearsTheOthers();
    const tones = [400, 700, 1300];
    trio.forEach(({ phone, port }, i) => phone.talk(port, tones[i]!));
    await Promise.all(trio.map(({ phone }) => phone.listen(25)));
    const heard = await Promise.all(trio.map(({ phone }) => phone.listen(50)));
    heard.forEach((pcm, i) => {
      tones.forEach((hz, j) => {
        const level = levelAt(pcm, 8000, hz);
        if (i === j) expect(level).toBeLessThan(-50);
        else expect(level).toBeGreaterThan(-15);
      });
      // Nothing that clicks: what is not one of the tones is quantisation noise.
      expect(levelAt(pcm, 8000, 2111)).toBeLessThan(-50);
    });
  });

  it('passes a single source of the same law through, octet by octet, on one running sequence', async () => {
    const [a, b] = [await called(), await called()];
    b.leg.receive(a.streams(), false);
    await b.phone.listen(3);
    const sent = Array.from({ length: 10 }, (_, n) =>
      Uint8Array.from({ length: 160 }, (_, i) => (i * 7 + n * 31) & 0xff),
    );
    for (const payload of sent) a.phone.send(a.port, payload);
    const isSent = (payload: Buffer): boolean => sent.some((other) => payload.equals(other));
    await b.phone.until(() => b.phone.heard.filter(({ payload }) => isSent(payload)).length === sent.length);
    // The source pauses: silence takes its place, and when it comes back it is taken up again.
    await b.phone.listen(5);
    a.phone.timestamp += 80_000;
    a.phone.send(a.port, sent[0]!);
    await b.phone.until(
      () => b.phone.heard.filter(({ payload }) => isSent(payload)).length === sent.length + 1,
    );
    await b.phone.listen(5);

    const passed = b.phone.heard.filter(({ payload }) => isSent(payload)).map(({ payload }) => payload);
    expect(passed.slice(0, 10).every((payload, i) => payload.equals(sent[i]!))).toBe(true);
    const [first] = b.phone.heard;
    b.phone.heard.forEach((packet, i) => {
      expect(packet.ssrc).toBe(first!.ssrc);
      expect(packet.sequenceNumber).toBe((first!.sequenceNumber + i) & 0xffff);
      if (i === 0) return;
      const step = (packet.timestamp - b.phone.heard[i - 1]!.timestamp) >>> 0;
      expect(step % 160).toBe(0);
      expect(step).toBeGreaterThan(0);
      expect(step).toBeLessThanOrEqual(160 * (10 + clock().statistics().skipped));
    });
  });

  it('keeps one running sequence from silence to hold sound to pass-through to mix', async () => {
    const [a, b, c] = [await called(), await called(), await called()];
    b.phone.talk(b.port, 500);
    c.phone.talk(c.port, 900);
    await a.phone.listen(5);
    a.leg.receive([], true);
    await a.phone.listen(5);
    a.leg.receive(b.streams(), false);
    await a.phone.listen(20);
    a.leg.receive([...b.streams(), ...c.streams()], false);
    await a.phone.listen(20);
    a.leg.receive([], false);
    await a.phone.listen(3);
    const { heard } = a.phone;
    // A tick that a busy machine made the clock skip is a gap in time, not in numbers.
    const longestStep = 160 * (5 + clock().statistics().skipped);
    heard.slice(1).forEach((packet, i) => {
      expect(packet.ssrc).toBe(heard[0]!.ssrc);
      expect(packet.sequenceNumber).toBe((heard[i]!.sequenceNumber + 1) & 0xffff);
      expect((packet.timestamp - heard[i]!.timestamp) >>> 0).toBeLessThanOrEqual(longestStep);
    });
  });

  it('sends silence from the answer on, and the hold sound when asked', async () => {
    const a = await called();
    expect(overallLevel(await a.phone.listen(10))).toBe(-Infinity);
    a.leg.receive([], true);
    const sound = await a.phone.listen(60);
    expect(overallLevel(sound)).toBeGreaterThan(-50);
  });

  describe.each(['PCMU', 'PCMA'] as const)('a prompt in %s', (law) => {
    /** 200 ms. */
    const beep = (frequencyHz: number) => new Tone(frequencyHz).fill(new Int16Array(1600));
    const prompts = new PromptSounds(
      new Map([
        ['pin', beep(600)],
        ['goodbye', beep(1100)],
      ]),
    );
    const levels = async ({ phone }: Caller, packets: number) => {
      const pcm = await phone.listen(packets);
      return { of: (hz: number) => levelAt(pcm, 8000, hz), overall: overallLevel(pcm) };
    };

    it('is heard in place of the hold sound, once, and the hold sound again where it is cleared', async () => {
      const a = await called({ prompts }, law);
      a.leg.receive([], true);
      a.leg.prompt?.({ sound: 'pin', repeatAfterMs: null });
      await a.phone.listen(2);
      expect((await levels(a, 6)).of(600)).toBeGreaterThan(-20);
      await a.phone.listen(4);
      expect((await levels(a, 20)).overall).toBeLessThan(-60);
      a.leg.prompt?.(null);
      await a.phone.listen(1);
      expect((await levels(a, 20)).overall).toBeGreaterThan(-50);
    });

    it('is heard again after its pause, and gives way to another and to quiet at once', async () => {
      const a = await called({ prompts }, law);
      a.leg.receive([], true);
      a.leg.prompt?.({ sound: 'pin', repeatAfterMs: 300 });
      await a.phone.listen(13);
      expect((await levels(a, 8)).overall).toBeLessThan(-60);
      await a.phone.listen(8);
      expect((await levels(a, 4)).of(600)).toBeGreaterThan(-20);
      a.leg.prompt?.({ sound: 'goodbye', repeatAfterMs: null });
      await a.phone.listen(2);
      const goodbye = await levels(a, 5);
      expect(goodbye.of(1100)).toBeGreaterThan(-20);
      expect(goodbye.of(600)).toBeLessThan(-50);
      a.leg.prompt?.({ sound: 'quiet', repeatAfterMs: null });
      await a.phone.listen(2);
      expect((await levels(a, 10)).overall).toBeLessThan(-60);
    });

    it('ends where the phone hears others, or nobody in a session', async () => {
      const [a, b] = [await called({ prompts }, law), await called()];
      b.phone.talk(b.port, 1500);
      a.leg.receive([], true);
      a.leg.prompt?.({ sound: 'pin', repeatAfterMs: 0 });
      await a.phone.listen(5);
      a.leg.receive([], false);
      await a.phone.listen(2);
      expect((await levels(a, 20)).overall).toBeLessThan(-60);
      a.leg.prompt?.({ sound: 'pin', repeatAfterMs: 0 });
      await a.phone.listen(2);
      a.leg.receive(b.streams(), false);
      await a.phone.listen(10);
      const heard = await levels(a, 20);
      expect(heard.of(1500)).toBeGreaterThan(-20);
      expect(heard.of(600)).toBeLessThan(-50);
    });
  });

  it('sends nothing to a phone on hold, keeps its hold music out, and goes on after', async () => {
    const [a, b] = [await called(), await called()];
    everyoneHearsTheOthers();
    a.phone.talk(a.port, 440);
    b.phone.talk(b.port, 1000);
    await b.phone.listen(10);
    const answer = await a.leg.answer(a.phone.sdp({ attributes: ['a=sendonly'] }));
    expect(answer).toContain('a=recvonly');
    await b.phone.listen(10);
    const heardByA = a.phone.heard.length;
    const atB = await b.phone.listen(20);
    expect(overallLevel(atB)).toBeLessThan(-60);
    expect(a.phone.heard.length).toBe(heardByA);
    expect(await a.leg.answer(a.phone.sdp())).toContain('a=sendrecv');
    await Promise.all([a.phone.listen(5), b.phone.listen(5)]);
    const [atA, again] = await Promise.all([a.phone.listen(30), b.phone.listen(30)]);
    expect(dominantFrequencyHz(atA, 8000)).toBeCloseTo(1000, -1);
    expect(dominantFrequencyHz(again, 8000)).toBeCloseTo(440, -1);
    expect(a.phone.heard[heardByA]!.marker).toBe(true);
  });

  it('reports one key press of many retransmissions, and keeps its packets out of the audio', async () => {
    const [a, b] = [await called(), await called()];
    b.leg.receive(a.streams(), false);
    const payload = new Uint8Array(4);
    for (const [duration, end] of [
      [160, false],
      [480, false],
      [800, true],
      [800, true],
      [800, true],
    ] as const) {
      formatTelephoneEvent({ event: 11, end, volume: 10, duration }, payload);
      a.phone.send(a.port, payload, { payloadType: 101, samples: 0 });
    }
    await b.phone.listen(5);
    expect(a.facts).toEqual(['connected', 'key down', 'dtmf # 100']);
    expect(b.phone.heard.every((packet) => packet.payload.length === 160)).toBe(true);
  });

  it('ends when no RTP comes, but not while the phone holds', async () => {
    const settings = { rtpTimeoutBeforeFirstMs: 50, rtpTimeoutMs: 50 };
    const [never, holding] = [await called(settings), await caller(settings)];
    await holding.leg.answer(holding.phone.sdp({ attributes: ['a=sendonly'] }));
    await holding.leg.answer(holding.phone.sdp({ attributes: ['a=inactive'] }));
    const witness = await called();
    await witness.phone.until(() => never.facts.length > 0);
    expect(never.facts).toEqual(['ended media-timeout']);
    await witness.phone.listen(60);
    expect(holding.facts).toEqual([]);
  });

  it('ends at last where nothing at all comes from a phone that holds', async () => {
    const holding = await caller({ rtpTimeoutMs: 50, holdTimeoutMs: 50 });
    await holding.leg.answer(holding.phone.sdp({ attributes: ['a=inactive'] }));
    const witness = await called();
    await witness.phone.until(() => holding.facts.length > 0);
    expect(holding.facts).toEqual(['ended media-timeout']);
  });

  it('frees its ports at once on close, and lets them rest where there are others', async () => {
    const port = await freePair();
    const tight = new PortAllocator({ from: port, to: port + 1, restMs: 60_000 });
    const a = await called({ ports: tight });
    expect(a.port).toBe(port);
    const b = await caller({ ports: tight });
    await expect(b.leg.answer(b.phone.sdp())).rejects.toMatchObject({ code: 'overloaded' });
    a.leg.close();
    a.leg.close();
    expect(tight.available).toBe(0);
    expect((await called({ ports: tight })).port).toBe(port);
    expect(tight.takenUnrested).toBe(1);
  });

  it('passes over ports that a stranger holds', async () => {
    const port = await freePair();
    const blocker = await called({ ports: new PortAllocator({ from: port, to: port + 1 }) });
    expect(blocker.port).toBe(port);
    const a = await called({ ports: new PortAllocator({ from: port, to: port + 41, startAt: 0 }) });
    expect(a.port).toBeGreaterThan(port);
    expect(a.port % 2).toBe(0);
  });

  it('takes no port for an offer that it refuses', async () => {
    const a = await caller();
    await expect(a.leg.answer('v=0\r\nnonsense')).rejects.toMatchObject({ code: 'bad-sdp' });
    await expect(a.leg.answer(a.phone.sdp().replace('RTP/AVP', 'RTP/SAVP'))).rejects.toMatchObject({
      code: 'no-common-codec',
    });
    expect(ports().taken).toBe(0);
  });

  it('makes the offer itself when the INVITE had none', async () => {
    const a = await caller();
    a.port = portOf(await a.leg.offer());
    await expect(a.leg.offer()).rejects.toThrow('outstanding');
    expect(a.phone.heard).toEqual([]);
    await a.leg.accept(a.phone.sdp());
    await a.phone.listen(2);
    expect(a.streams()).toMatchObject([{ alias: 'microphone', video: null }]);
  });

  it('raises the version of its description only when that changes, and keeps its port', async () => {
    const a = await caller();
    const versionOf = (sdp: string): string => /^o=- \d+ (\d+) /m.exec(sdp)![1]!;
    const first = await a.leg.answer(a.phone.sdp());
    expect(await a.leg.answer(a.phone.sdp())).toBe(first);
    const held = await a.leg.answer(a.phone.sdp({ attributes: ['a=inactive'] }));
    expect([versionOf(first), versionOf(held)]).toEqual(['1', '2']);
    await expect(a.leg.answer('v=0\r\n')).rejects.toMatchObject({ code: 'bad-sdp' });
    expect(versionOf(await a.leg.offer())).toBe('3');
    a.leg.rollback();
    expect(portOf(await a.leg.offer())).toBe(portOf(first));
  });

  it('publishes nothing without the permission, and from when it is given', async () => {
    const a = await caller();
    a.leg.setMayPublish(new Set());
    await a.leg.answer(a.phone.sdp());
    expect(a.streams()).toEqual([]);
    a.leg.setMayPublish(new Set(['audio']));
    expect(a.streams()).toHaveLength(1);
    a.leg.setMayPublish(new Set());
    expect(a.streams()).toEqual([]);
  });

  it('reports by RTCP what it sent and received, on the RTP port where that was offered', async () => {
    const a = await caller({ rtcpIntervalMs: 20 });
    const answer = await a.leg.answer(a.phone.sdp({ attributes: ['a=rtcp-mux'] }));
    expect(answer).toContain('a=rtcp-mux');
    a.phone.talk(portOf(answer), 440);
    await a.phone.until(() => a.phone.rtcp.length >= 2);
    const [report, names] = parseRtcp(a.phone.rtcp[1]!)!;
    expect(report).toMatchObject({
      type: 'sender-report',
      reports: [{ ssrc: a.phone.ssrc, packetsLost: 0 }],
    });
    expect(names).toMatchObject({ type: 'source-description' });
  });
});
