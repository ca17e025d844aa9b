import { describe, expect, it } from 'vitest';
import { parseRtcp, type RtcpPacket } from '../../src/media/worker/rtp/rtcp.js';
import { dominantFrequencyHz, levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import {
  answerLines,
  offerLines,
  srtpIn,
  type AgreedSrtp,
} from '../../src/media/worker/srtp/srtp-negotiation.js';
import { SrtpSealer } from '../../src/media/worker/srtp/srtp-sealer.js';
import { SrtpSession } from '../../src/media/worker/srtp/srtp-session.js';
import { srtpSuites, type SrtpSuite } from '../../src/media/worker/srtp/srtp-suite.js';
import type { Attribute } from '../../src/sdp/session-description.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';
import { type Caller, usePhoneLegs } from '../support/phone-legs.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf } from '../support/test-phone.js';

const range = await takeRtpPorts(200);
const [usual] = srtpSuites as readonly [SrtpSuite];

const written = (attributes: readonly Attribute[]): string[] =>
  attributes.map(({ name, value }) => `a=${name}:${value}`);

/** What a description of ours agrees on. */
function agreedIn(description: string): AgreedSrtp {
  const [media] = parseSessionDescription(description).media;
  return srtpIn(media!, 'allow')!;
}

describe('a phone with SRTP', () => {
  const { called, caller, everyoneHearsTheOthers } = usePhoneLegs(range);

  /** Offers one suite, with keys of the session; these are used from the answer on. */
  async function offers(one: Caller, keys: SrtpSession, suite = usual, more: readonly string[] = []) {
    const attributes = ['a=sendrecv', 'a=rtcp-mux', ...written(offerLines([suite], keys)), ...more];
    const answer = await one.leg.answer(one.phone.sdp({ attributes, protocol: 'RTP/SAVP' }));
    one.port = portOf(answer);
    return agreedIn(answer);
  }

  async function encrypted(suite = usual, settings: Parameters<typeof caller>[0] = {}): Promise<Caller> {
    const one = await caller(settings);
    one.phone.srtp.onAgreement(await offers(one, one.phone.srtp, suite), 0);
    return one;
  }

  const heardBy = async ({ phone }: Caller): Promise<Int16Array> => {
    await phone.listen(25);
    return phone.listen(40);
  };

  it.each(srtpSuites.map((suite) => [suite.name, suite] as const))(
    'and %s hears one without, and is heard',
    async (_, suite) => {
      const [a, b] = [await encrypted(suite), await called()];
      everyoneHearsTheOthers();
      a.phone.talk(a.port, 440);
      b.phone.talk(b.port, 1000);
      const [atA, atB] = await Promise.all([heardBy(a), heardBy(b)]);
      expect(dominantFrequencyHz(atA, 8000)).toBeCloseTo(1000, -1);
      expect(levelAt(atA, 8000, 440)).toBeLessThan(-45);
      expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
      expect(a.phone.srtp.packetsForged + a.phone.srtp.packetsReplayed).toBe(0);
      expect(a.leg.statistics()).toMatchObject({ encryption: 'sdes', packetsNotGenuine: 0, packetsLost: 0 });
      expect(b.leg.statistics()).toMatchObject({ encryption: 'none', packetsNotGenuine: 0 });
    },
  );

  it('takes an offer of ours, with the suite that it likes best', async () => {
    const one = await caller({ srtp: 'require' });
    const offer = await one.leg.offer();
    one.port = portOf(offer);
    const suite = srtpSuites[2]!;
    const [media] = parseSessionDescription(offer).media;
    const line = { attributes: media!.attributes.filter(({ value }) => value?.includes(suite.name)) };
    const agreed = srtpIn(line, 'allow')!;
    const attributes = ['a=sendrecv', ...written(answerLines(agreed, one.phone.srtp))];
    await one.leg.accept(one.phone.sdp({ attributes, protocol: 'RTP/SAVP' }));
    one.phone.srtp.onAgreement(agreed, 0);
    const other = await called();
    everyoneHearsTheOthers();
    one.phone.talk(one.port, 440);
    expect(dominantFrequencyHz(await heardBy(other), 8000)).toBeCloseTo(440, -1);
    await one.phone.listen(10);
  });

  it('is not heard under another key, nor without one: that is counted, and takes no lock', async () => {
    const [a, b] = [await encrypted(), await called()];
    everyoneHearsTheOthers();
    const stranger = await caller();
    stranger.phone.ssrc = a.phone.ssrc;
    stranger.phone.talk(a.port, 700);
    const liar = await caller();
    liar.phone.srtp.onAgreement({ ...(await offers(await caller(), new SrtpSession())) }, 0);
    liar.phone.talk(a.port, 1300);
    const atB = await heardBy(b);
    expect([levelAt(atB, 8000, 700), levelAt(atB, 8000, 1300)].every((level) => level < -60)).toBe(true);
    expect(a.facts).toEqual([]);
    expect(a.leg.statistics().packetsNotGenuine).toBeGreaterThan(50);
    expect(a.leg.statistics()).toMatchObject({ packetsReceived: 0, packetsFromStrangers: 0 });
    a.phone.talk(a.port, 440);
    expect(dominantFrequencyHz(await heardBy(b), 8000)).toBeCloseTo(440, -1);
  });

  it('is heard once where somebody sends its packets again', async () => {
    const a = await encrypted();
    const sealer = new SrtpSealer(a.phone.srtp.keyFor(usual));
    const packet = Buffer.alloc(172, 0x55);
    packet.set([0x80, 0, 0, 1]);
    const sealed = Buffer.from(sealer.sealRtp(packet)!);
    for (let copy = 0; copy < 5; copy++) a.phone.sendBytes(a.port, sealed);
    await expect.poll(() => a.leg.statistics().packetsNotGenuine).toBe(4);
    expect(a.leg.statistics().packetsReceived).toBe(1);
  });

  it('goes on under a new key without a gap, and what comes late under the old one is heard', async () => {
    const [a, b] = [await encrypted(), await called()];
    everyoneHearsTheOthers();
    const say = a.phone.voice(a.port, 440);
    for (let count = 0; count < 3; count++) say();
    await expect.poll(() => a.leg.statistics().packetsReceived).toBe(3);
    const renewed = new SrtpSession();
    const agreed = await offers(a, renewed);
    say();
    await expect.poll(() => a.leg.statistics().packetsReceived).toBe(4);
    // Our own key stays, so what we send is opened as before; what the phone sends has the new one.
    const sealer = new SrtpSealer(renewed.keyFor(agreed.suite));
    a.phone.srtp.sealRtp = (packet) => sealer.sealRtp(packet);
    for (let count = 0; count < 30; count++) say();
    await expect.poll(() => a.leg.statistics().packetsReceived).toBe(34);
    expect(a.leg.statistics()).toMatchObject({ packetsNotGenuine: 0, packetsLost: 0 });
    await b.phone.until(() => b.phone.heard.length > 40);
    await a.phone.listen(10);
    expect(a.phone.srtp.packetsForged).toBe(0);
  });

  it('keeps what was counted where a re-INVITE repeats its key', async () => {
    const a = await encrypted();
    const say = a.phone.voice(a.port, 440);
    a.phone.sequenceNumber = 65_535;
    for (let count = 0; count < 3; count++) say();
    await offers(a, a.phone.srtp);
    for (let count = 0; count < 3; count++) say();
    await expect.poll(() => a.leg.statistics().packetsReceived).toBe(6);
    expect(a.leg.statistics().packetsNotGenuine).toBe(0);
  });

  it('is reported to, and reports, by SRTCP', async () => {
    const a = await encrypted(usual, { rtcpIntervalMs: 40 });
    a.leg.receive([], true);
    a.phone.talk(a.port, 440);
    await a.phone.until(() => a.phone.rtcp.length > 0);
    expect(parseRtcp(a.phone.rtcp[0]!)).not.toBeNull();
    const report: RtcpPacket = {
      type: 'sender-report',
      ...{ ssrc: a.phone.ssrc, ntpSeconds: 0x1234, ntpFraction: 0x5678_0000 },
      ...{ rtpTimestamp: 1, packetCount: 1, octetCount: 160, reports: [] },
    };
    a.phone.sendRtcp(a.port, [report]);
    const echoed = () =>
      a.phone.rtcp
        .flatMap((packet) => parseRtcp(packet) ?? [])
        .flatMap((packet) => ('reports' in packet ? packet.reports : []))
        .some(({ lastSenderReport }) => lastSenderReport === 0x1234_5678);
    await a.phone.until(echoed);
    a.leg.close();
    await a.phone.until(() =>
      a.phone.rtcp.some((packet) => parseRtcp(packet)?.some(({ type }) => type === 'bye') === true),
    );
    expect(a.phone.srtp.packetsForged).toBe(0);
  });

  it('is kept from hearing of itself by nobody who forges its goodbye', async () => {
    const a = await encrypted();
    a.phone.talk(a.port, 440);
    await expect.poll(() => a.leg.statistics().packetsReceived).toBeGreaterThan(3);
    const before = a.leg.statistics().packetsNotGenuine!;
    a.phone.sendBytes(a.port, Buffer.from('81cb000111223344', 'hex'));
    await expect.poll(() => a.leg.statistics().packetsNotGenuine).toBe(before + 1);
  });

  it.each([
    ['off', 'RTP/SAVP', 'SRTP is switched off'],
    ['require', 'RTP/AVP', 'must be encrypted'],
  ] as const)('%s: is refused with %s', async (srtp, protocol, why) => {
    const one = await caller({ srtp });
    const crypto = protocol === 'RTP/SAVP' ? written(offerLines([usual], one.phone.srtp)) : [];
    const offer = one.phone.sdp({ attributes: ['a=sendrecv', ...crypto], protocol });
    await expect(one.leg.answer(offer)).rejects.toThrow(why);
  });
});
