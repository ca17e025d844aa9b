import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import type { MediaLeg } from '../../src/domain/media-plane.js';
import { g711 } from '../../src/media/worker/codec/g711.js';
import { OpusDecoder, OpusEncoder } from '../../src/media/worker/codec/opus.js';
import { RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import { overallLevel } from '../../src/media/worker/sound/dominant-frequency.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import type { EdgeCalls } from '../support/freeswitch-edge.js';
import {
  channelsOf,
  expectNoChannels,
  hear,
  press,
  useEdge,
  type EdgeForTests,
} from '../support/freeswitch-edge.js';
import { describeWithFreeSwitch, type FreeSwitchForTests } from '../support/freeswitch.js';
import { Srtp } from '../support/srtp.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';

const key = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';
const opusOffer = (own: string): string =>
  own
    .replace(/RTP\/AVP .*/, 'RTP/AVP 107 101')
    .replace(/a=rtpmap:0 .*/, 'a=rtpmap:107 opus/48000/2\r\na=fmtp:107 useinbandfec=1; x-unknown=<>');

describeWithFreeSwitch('phones through FreeSWITCH', () => {
  const used = useEdge();
  let freeSwitch: FreeSwitchForTests;
  let edge: EdgeForTests;
  let calls: EdgeCalls;
  beforeEach(() => {
    ({ freeSwitch, edge, calls } = used);
  });

  it('lets phones hear each other and not themselves, in either law', async () => {
    const [a, b] = [await calls.talking(440), await calls.talking(1000, { law: 'PCMA' })];
    await calls.join(a, b);
    const [atA, atB] = await Promise.all([hear(a), hear(b)]);
    expectTones(atA, { heard: [1000], silent: [440] });
    expectTones(atB, { heard: [440], silent: [1000] });
    expect(edge.plane.statistics()).toMatchObject([{ isAlive: true, legs: 2, lastError: null }]);
    expect(edge.plane.isReady).toBe(true);
    expect((await a.leg.statistics())!.packetsReceived).toBeGreaterThan(50);
    expect(await channelsOf(freeSwitch)).toHaveLength(4);
  });

  it('tells each key press once', async () => {
    const a = await calls.talking(440);
    for (const event of [5, 11, 5]) await press(a, event);
    await a.owner.until(({ digits }) => digits.length >= 3);
    await a.phone.listen(25);
    expect(a.owner.digits).toEqual(['5', '#', '5']);
  });

  it('sends nothing to a phone on hold, keeps its hold music out, plays none, and goes on after', async () => {
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await calls.join(a, b);
    expectTones(await hear(b), { heard: [440] });
    expect(await a.leg.connection('main').answer(a.phone.sdp({ attributes: ['a=sendonly'] }))).toContain(
      'a=recvonly',
    );
    await b.phone.listen(15);
    const heardByA = a.phone.heard.length;
    expect(overallLevel(await b.phone.listen(50))).toBeLessThan(-60);
    expect(a.phone.heard.length - heardByA).toBeLessThan(2);
    const resumed = await a.leg.connection('main').answer(a.phone.sdp());
    expect(resumed).toContain('a=sendrecv');
    expect(portOf(resumed)).toBe(portOf(a.leg.connection('main').localDescription));
    expectTones(await hear(b), { heard: [440] });
    expectTones(await hear(a), { heard: [1000] });
  });

  it('takes the old way to hold too', async () => {
    const a = await calls.talking(440);
    const held = await a.leg.connection('main').answer(a.phone.sdp({ address: '0.0.0.0' }));
    expect(held).toContain('a=inactive');
    expect(await a.leg.connection('main').answer(a.phone.sdp())).toContain('a=sendrecv');
    await a.leg.receive({ main: [] }, true);
    expect(overallLevel(await hear(a))).toBeGreaterThan(-50);
  });

  it('follows a phone that moves, and one that changes its codec', async () => {
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await calls.join(a, b);
    a.phone.hush();
    const moved = await TestPhone.open('PCMA');
    const answer = await a.leg.connection('main').answer(moved.sdp());
    expect(answer).toContain('a=rtpmap:8 PCMA/8000');
    moved.talk(portOf(answer), 700);
    // Its voice is in another law, and another stream.
    await calls.join(a, b);
    await moved.listen(20);
    expectTones(await moved.listen(50), { heard: [1000], silent: [440] });
    expectTones(await hear(b), { heard: [700], silent: [440] });
    moved.close();
  });

  it('makes the offer where the INVITE had none', async () => {
    const a = await calls.open({ offer: null });
    const offer = a.leg.connection('main').localDescription;
    expect(offer).toContain('a=rtpmap:0 PCMU/8000');
    expect(offer).toContain('a=rtpmap:111 opus/48000/2');
    await a.leg.connection('main').accept(a.phone.sdp());
    a.phone.talk(portOf(offer), 440);
    await a.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    const b = await calls.talking(1000);
    await calls.join(a, b);
    expectTones(await hear(a), { heard: [1000], silent: [440] });
    expectTones(await hear(b), { heard: [440], silent: [1000] });
  });

  it('makes an offer within a call, and forgets one', async () => {
    const a = await calls.talking(440);
    const offer = await a.leg.connection('main').offer();
    expect(portOf(offer)).toBe(portOf(a.leg.connection('main').localDescription));
    // FreeSWITCH leaves this call untouched, so no codec can come that it would have to turn into another.
    expect(offer).toMatch(/m=audio \d+ RTP\/AVP 0 8 101\r/);
    await expect(a.leg.connection('main').offer()).rejects.toThrow('outstanding');
    await a.leg.connection('main').rollback();
    await a.leg.connection('main').offer();
    await a.leg.connection('main').accept(a.phone.sdp({ attributes: ['a=sendonly'] }));
    expect(await a.leg.connection('main').answer(a.phone.sdp())).toContain('a=sendrecv');
  });

  it('turns Opus into what the worker hears, and back', async () => {
    const a = await calls.open({ offer: opusOffer });
    expect(a.leg.connection('main').localDescription).toContain('a=rtpmap:107 opus/48000/2');
    expect(a.leg.connection('main').localDescription).not.toContain('x-unknown');
    const b = await calls.talking(1000);
    const encoder = new OpusEncoder({ bitrateBps: 24_000, complexity: 5 });
    const tone = new Tone(440);
    const pcm = new Int16Array(160);
    const talk = setInterval(() => {
      const packet = encoder.encode(tone.fill(pcm));
      a.phone.send(portOf(a.leg.connection('main').localDescription), packet, {
        payloadType: 107,
        samples: 960,
      });
    }, 20);
    try {
      await a.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
      await calls.join(a, b);
      expectTones(await hear(b), { heard: [440], silent: [1000] });
      await a.phone.until(() => a.phone.heard.length > 100);
      const decoder = new OpusDecoder();
      const decoded = a.phone.heard.slice(-50).map(({ payload }) => {
        const block = new Int16Array(960);
        return block.subarray(0, decoder.decode(payload, block));
      });
      expect(a.phone.heard.at(-1)!.payloadType).toBe(107);
      clearInterval(talk);
      for (const event of [5, 11, 5]) await press(a, event);
      await a.owner.until(({ digits }) => digits.length >= 3);
      await a.phone.listen(25);
      expect(a.owner.digits).toEqual(['5', '#', '5']);
      expectTones(Int16Array.from(decoded.flatMap((block) => [...block])), { heard: [1000], silent: [440] });
    } finally {
      clearInterval(talk);
    }
  });

  it('turns G.722 into what the worker hears, and back', async ({ skip }) => {
    const codecs = await freeSwitch.api('show codec');
    skip(!/G\.722/.test(codecs), 'this FreeSWITCH has no G.722 (mod_spandsp)');
    const a = await calls.open({
      offer: (own) => own.replace('AVP 0', 'AVP 9').replace(/a=rtpmap:0 .*/, ''),
    });
    expect(a.leg.connection('main').localDescription).toContain('a=rtpmap:9 G722/8000');
    const [b, c] = [await calls.talking(1000), await calls.talking(440)];
    // What it hears it says again, so that FreeSWITCH encodes and decodes it.
    let said = 0;
    const echo = setInterval(() => {
      const next = a.phone.heard[said] ?? a.phone.heard.at(-1);
      said += 1;
      const payload = next?.payload ?? new Uint8Array(160);
      a.phone.send(portOf(a.leg.connection('main').localDescription), payload, { payloadType: 9 });
    }, 20);
    try {
      await a.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
      await a.leg.receive({ main: b.owner.streams.map(({ streamId }) => streamId) }, false);
      await c.leg.receive({ main: a.owner.streams.map(({ streamId }) => streamId) }, false);
      await c.phone.listen(60);
      expectTones(await hear(c), { heard: [1000], silent: [440] });
      expect(a.phone.heard.at(-1)!.payloadType).toBe(9);
    } finally {
      clearInterval(echo);
    }
  });

  it('speaks SRTP with a carrier that wants it', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const secure = (own: string): string =>
      own.replace(/m=audio \d+ RTP\/AVP/, `m=audio ${socket.address().port} RTP/SAVP`) +
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^31\r\n`;
    const a = await calls.open({ offer: secure });
    const answer = a.leg.connection('main').localDescription;
    expect(answer).toMatch(/m=audio \d+ RTP\/SAVP 0 101/);
    const [, ownKey = ''] = /^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(\S{40})\r$/m.exec(answer) ?? [];
    expect(ownKey).not.toBe(key);
    const [outgoing, incoming] = [new Srtp(key), new Srtp(ownKey)];
    const heard: Int16Array[] = [];
    socket.on('message', (message) => {
      const plain = incoming.unprotect(message);
      const pcm = new Int16Array(160);
      if (plain?.length === 172) g711('PCMU').decode(plain, 12, 160, pcm);
      heard.push(pcm);
    });
    // FreeSWITCH takes only what the key has made, RTCP too.
    for (const length of [4, 8, 60, 1400])
      socket.send(Buffer.alloc(length, 0xc8).fill(0x81, 0, 1), portOf(answer) + 1, '127.0.0.1');
    const tone = new Tone(440);
    const [pcm, packet] = [new Int16Array(160), Buffer.alloc(172)];
    let sequence = 1;
    const talk = setInterval(() => {
      RtpPacket.writeHeader(packet, {
        payloadType: 0,
        marker: false,
        sequenceNumber: sequence,
        timestamp: sequence * 160,
        ssrc: 4711,
      });
      g711('PCMU').encode(tone.fill(pcm), packet.subarray(12));
      sequence += 1;
      socket.send(outgoing.protect(packet), portOf(answer), '127.0.0.1');
    }, 20);
    try {
      await a.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
      const b = await calls.talking(1000);
      await calls.join(a, b);
      expectTones(await hear(b), { heard: [440], silent: [1000] });
      expectTones(Int16Array.from(heard.slice(-40).flatMap((block) => [...block])), {
        heard: [1000],
        silent: [440],
      });
    } finally {
      clearInterval(talk);
      socket.close();
    }
  });

  it('refuses every other section in its place', async () => {
    const { leg } = await calls.open({
      offer: (own) =>
        own.replace(/m=audio/, 'm=video 9 RTP/AVP 96\r\na=mid:v\r\nm=audio') +
        'm=image 9 udptl t38\r\nm=audio 9 RTP/AVP 0\r\n',
    });
    const sections = [...leg.connection('main').localDescription.matchAll(/^m=.*$/gm)].map(([line]) => line);
    expect(sections).toHaveLength(4);
    expect(sections[0]).toBe('m=video 0 RTP/AVP 96');
    expect(sections[1]).toMatch(/^m=audio [1-9]\d* RTP\/AVP 0 101$/);
    expect(sections.slice(2)).toEqual(['m=image 0 udptl t38', 'm=audio 0 RTP/AVP 0']);
  });

  it('keeps from FreeSWITCH what it dies of', async () => {
    const a = await calls.talking(440, {
      offer: (own) =>
        `${own}a=fingerprint:foo AB:CD\r\na=setup:actpass\r\na=x-lots:${'%n'.repeat(2000)}\r\na=crypto:1 X inline:\r\n`,
    });
    await a.leg.connection('main').answer(`${a.phone.sdp()}a=fingerprint:foo AB:CD\r\n`);
    await a.leg.receive({ main: [] }, true);
    expect(overallLevel(await hear(a))).toBeGreaterThan(-50);
  });

  it('goes on whatever comes where a phone’s RTCP is to come', async () => {
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await calls.join(a, b);
    const to = portOf(a.leg.connection('main').localDescription) + 1;
    for (let type = 191; type <= 210; type += 1) {
      for (const [count, words, length] of [
        [31, 0, 4],
        [31, 6, 8],
        [31, 0xffff, 1400],
        [0, 1, 8],
        [1, 12, 1400],
      ] as const) {
        const packet = new Uint8Array(length).fill(0xa5);
        packet.set([0x80 | count, type, words >> 8, words & 0xff]);
        a.phone.sendBytes(to, packet);
      }
      // It reads one for each packet of sound.
      await a.phone.listen(5);
    }
    expectTones(await hear(a), { heard: [1000], silent: [440] });
    expectTones(await hear(b), { heard: [440], silent: [1000] });
  });

  it('refuses what it cannot do, with nothing left open', async () => {
    await expect(calls.open({ offer: 'v=0\r\nnonsense' })).rejects.toMatchObject({ code: 'bad-sdp' });
    const speex = (own: string) => own.replace('PCMU/8000', 'speex/8000').replace('AVP 0', 'AVP 97');
    await expect(calls.open({ offer: speex })).rejects.toMatchObject({ code: 'no-common-codec' });
    const keyless = (own: string) => own.replace('RTP/AVP', 'RTP/SAVP');
    await expect(calls.open({ offer: keyless })).rejects.toMatchObject({ code: 'no-common-codec' });
    expect(edge.plane.statistics()).toMatchObject([{ legs: 0 }]);
    const a = await calls.talking(440);
    await expect(a.leg.connection('main').answer(speex(a.phone.sdp()))).rejects.toMatchObject({
      code: 'no-common-codec',
    });
    await a.leg.receive({ main: [] }, true);
    expect(overallLevel(await hear(a))).toBeGreaterThan(-50);
  });

  it('leaves browsers and devices to the workers', async () => {
    const device = await edge.plane.openLeg({
      ...{ legId: 'device', participantId: 'd', sessionId: 's', kind: 'browser' },
      connections: [{ name: 'publish', flow: 'publish' }],
      ...{ mayPublish: ['AUDIO'], listener: calls.callers[0]?.owner ?? (await calls.open()).owner },
    });
    expect(device.kind).toBe('browser');
    expect(edge.plane.statistics()).toMatchObject([{ legs: 1 }]);
    await device.close();
  });

  it('closes twice like once, also at once, and leaves no channel', async () => {
    const legs: MediaLeg[] = await Promise.all(
      Array.from({ length: 10 }, async () => (await calls.open()).leg),
    );
    const first = legs.map((leg) => leg.close());
    expect(await Promise.all(legs.map((leg) => leg.close()))).toEqual(await Promise.all(first));
    // FreeSWITCH's own table comes late to both: it may not even have begun with these channels.
    await waitFor('the legs are gone', () => edge.plane.statistics()[0]!.legs === 0);
    await expectNoChannels(freeSwitch);
    await expect(legs[0]!.connection('main').answer('v=0')).rejects.toMatchObject({ code: 'overloaded' });
    expect(calls.callers.flatMap(({ owner }) => owner.ended)).toEqual([]);
    expect(edge.plane.statistics()).toMatchObject([{ legs: 0 }]);
  });
});
