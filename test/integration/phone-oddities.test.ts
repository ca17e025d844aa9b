/** Phones that do what is rare: muted ones that send something else than audio, keys under another number, moves of several kinds. */
import { describe, expect, it } from 'vitest';
import { parseRtcp } from '../../src/media/worker/rtp/rtcp.js';
import { dominantFrequencyHz, levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import { pressOddly } from '../support/odd-keys.js';
import { usePhoneLegs } from '../support/phone-legs.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { waitFor } from '../support/wait-for.js';

const range = await takeRtpPorts(400);
const { caller, called, everyoneHearsTheOthers } = usePhoneLegs(range);

const octets = (...values: number[]): Uint8Array => Uint8Array.from(values);
/** A receiver report in 8 octets, as its first packet has to be one but for RFC 5506. */
const emptyReport = [0x80, 201, 0, 1, 0, 0, 0, 9];
const stun = Buffer.concat([Buffer.from('001100002112a442', 'hex'), Buffer.alloc(12, 7)]);

describe('a phone that is muted', () => {
  /** What it sends, and whether to the port of RTP or to that of RTCP. */
  const signs: readonly (readonly [what: string, bytes: Uint8Array, offset: number])[] = [
    ['nothing at all, as a datagram', octets(), 0],
    ['one octet', octets(0), 0],
    ['a line end', octets(13, 10), 0],
    ['STUN', stun, 0],
    ['STUN to the port of RTCP', stun, 1],
    ['RTP of version 0', new Uint8Array(12), 0],
    ['RTP of a format that nobody agreed on', Buffer.from(`80fe${'00'.repeat(10)}`, 'hex'), 0],
    ['comfort noise', Buffer.from(`800d${'00'.repeat(10)}40`, 'hex'), 0],
    ['a source description alone', octets(0x81, 202, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0), 1],
    ['a source description alone, beside RTP', octets(0x81, 202, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0), 0],
    ['an empty report of reduced size', octets(...emptyReport), 1],
    ['an extended report', octets(0x80, 207, 0, 1, 0, 0, 0, 9), 1],
    ['a report, and what no one knows behind it', octets(...emptyReport, 0x80, 204, 0, 1, 0, 0, 0, 9), 1],
  ];

  it('stays as long as it sends anything; what a stranger sends is nothing', async () => {
    // Longer than a busy machine keeps the process from sending.
    const settings = { rtpTimeoutMs: 5000, rtpTimeoutBeforeFirstMs: 5000 };
    const stranger = await TestPhone.open('PCMU', '127.0.0.2', '127.0.0.1');
    const all = await Promise.all(
      signs.map(async ([what, bytes, offset]) => {
        const [alive, dead] = [await called(settings), await called(settings)];
        for (const { phone, port } of [alive, dead]) phone.send(port, new Uint8Array(160));
        return { what, bytes, offset, alive, dead };
      }),
    );
    const sending = setInterval(() => {
      for (const { bytes, offset, alive, dead } of all) {
        alive.phone.sendBytes(alive.port + offset, bytes);
        stranger.sendBytes(dead.port + offset, bytes);
      }
    }, 200);
    try {
      const gone = (which: 'alive' | 'dead') =>
        all.filter((one) => one[which].facts.includes('ended media-timeout'));
      await waitFor('the legs end that hear strangers', () => gone('dead').length === all.length);
      expect(gone('alive').map(({ what }) => what)).toEqual([]);
      for (const { what, alive, dead } of all) {
        expect(alive.leg.statistics().packetsFromStrangers, what).toBe(0);
        expect(dead.leg.statistics().packetsFromStrangers, what).toBeGreaterThan(3);
      }
    } finally {
      clearInterval(sending);
      stranger.close();
    }
    await waitFor('the legs end', () => all.every(({ alive }) => alive.facts.length === 2));
  });

  it('is gone where nothing comes but datagrams from another port of its host, which anybody may forge', async () => {
    const settings = { rtpTimeoutMs: 1500, rtpTimeoutBeforeFirstMs: 1500 };
    const [a, forger] = [await called(settings), await TestPhone.open()];
    for (let n = 0; n < 3; n += 1) a.phone.send(a.port, new Uint8Array(160));
    a.phone.sendBytes(a.port + 1, octets(...emptyReport));
    await a.phone.listen(5);
    const sending = setInterval(() => {
      for (const [, bytes, offset] of signs) forger.sendBytes(a.port + offset, bytes);
    }, 100);
    try {
      await waitFor('the leg ends', () => a.facts.includes('ended media-timeout'));
    } finally {
      clearInterval(sending);
      forger.close();
    }
  });

  it('and moves to another port meanwhile is heard there when it speaks again', async () => {
    const [a, b] = [await caller(), await called()];
    a.port = portOf(await a.leg.answer(a.phone.sdp({ address: '127.0.0.99', port: 9 })));
    everyoneHearsTheOthers();
    b.phone.talk(b.port, 1000);
    a.phone.talk(a.port, 440);
    await a.phone.listen(30);
    const moved = await a.phone.rebound();
    const attacker = await TestPhone.open();
    try {
      // The NAT forgets the phone while it sends nothing but to be alive; the attacker is there all the time.
      attacker.talk(a.port, 1500);
      for (let n = 0; n < 10; n++) {
        moved.sendBytes(a.port, octets());
        await b.phone.listen(5);
      }
      moved.talk(a.port, 440);
      await moved.listen(10);
      await areInTheCall(moved, b.phone, attacker);
    } finally {
      moved.close();
      attacker.close();
    }
  });
});

describe('a phone that takes up a call that it held', () => {
  it.each(['sendonly', 'inactive'])(
    'as %s is heard at another port and as another stream, while somebody else sends there, too',
    async (direction) => {
      const [a, b] = [await caller(), await called()];
      const behindNat = (attributes: string[]) => a.phone.sdp({ address: '127.0.0.99', port: 9, attributes });
      a.port = portOf(await a.leg.answer(behindNat(['a=sendrecv'])));
      everyoneHearsTheOthers();
      b.phone.talk(b.port, 1000);
      a.phone.talk(a.port, 440);
      await a.phone.listen(30);
      a.phone.hush();
      await a.leg.answer(behindNat([`a=${direction}`]));
      await b.phone.listen(20);
      const moved = await TestPhone.open();
      const attacker = await TestPhone.open('PCMU', '127.0.0.4', '127.0.0.1');
      try {
        attacker.talk(a.port, 1500);
        await a.leg.answer(behindNat(['a=sendrecv']));
        moved.talk(a.port, 440);
        await moved.listen(10);
        await areInTheCall(moved, b.phone, attacker);
      } finally {
        moved.close();
        attacker.close();
      }
    },
  );
});

describe('a phone that a re-INVITE moves', () => {
  it('to another host, another port and another SSRC is heard there, whoever is there before it', async () => {
    const [a, b] = [await called(), await called()];
    everyoneHearsTheOthers();
    a.phone.talk(a.port, 440);
    await b.phone.listen(20);
    const moved = await TestPhone.open('PCMU', '127.0.0.3', '127.0.0.1');
    const attacker = await TestPhone.open('PCMU', '127.0.0.4', '127.0.0.1');
    try {
      a.phone.hush();
      expect(portOf(await a.leg.answer(moved.sdp()))).toBe(a.port);
      attacker.talk(a.port, 1500);
      await attacker.listen(3);
      moved.talk(a.port, 700);
      await moved.listen(10);
      const heard = attacker.heard.length;
      const atB = await b.phone.listen(30);
      expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(700, -1);
      expect(levelAt(atB, 8000, 1500)).toBeLessThan(-50);
      await moved.listen(10);
      expect(attacker.heard.length).toBe(heard);
    } finally {
      moved.close();
      attacker.close();
    }
  });
});

describe('a phone whose keys have another number after a re-INVITE', () => {
  it.each([
    ['the new one', 96],
    ['the old one, as some never change it', 101],
  ])('is heard where it sends them under %s', async (_which, payloadType) => {
    const a = await called();
    await pressOddly(a.phone, a.port, '1');
    const description = a.phone.sdp().replaceAll('101', '96');
    expect(await a.leg.answer(description)).toContain('a=rtpmap:96 telephone-event/8000');
    await pressOddly(a.phone, a.port, '12', { payloadType });
    await waitFor('the keys', () => a.facts.filter((fact) => fact.startsWith('dtmf')).length === 3);
    expect(a.facts.filter((fact) => fact.startsWith('dtmf')).map((fact) => fact[5])).toEqual(['1', '1', '2']);
  });
});

describe('a phone’s sender report', () => {
  it('counts the packets and octets of keys that were pressed for it', async () => {
    const a = await caller({ rtcpIntervalMs: 500 });
    a.port = portOf(await a.leg.answer(a.phone.sdp({ attributes: ['a=rtcp-mux', 'a=maxptime:10'] })));
    await a.leg.sendDtmf!('19', 100, 40);
    const before = a.phone.rtcp.length;
    await a.phone.until(() => a.phone.rtcp.length > before);
    const reported = parseRtcp(a.phone.rtcp.at(-1)!)![0];
    if (reported?.type !== 'sender-report') throw new Error('no sender report');
    const upTo = a.phone.heard.slice(0, reported.packetCount);
    expect(reported.octetCount).toBe(upTo.reduce((sum, { payload }) => sum + payload.length, 0));
    expect(upTo.filter((packet) => packet.payloadType === 101)).toHaveLength(14);
    expect(Math.max(...upTo.map(({ payload }) => payload.length))).toBe(80);
    upTo.slice(1).forEach(({ sequenceNumber }, i) => {
      expect((sequenceNumber - upTo[i]!.sequenceNumber) & 0xffff).toBe(1);
    });
  });
});

/** The phone that moved hears the other (1,000 Hz) and is heard (440 Hz); the attacker (1,500 Hz) neither. */
async function areInTheCall(moved: TestPhone, other: TestPhone, attacker: TestPhone): Promise<void> {
  const [atMoved, atOther] = await Promise.all([moved.listen(30), other.listen(30)]);
  expect(dominantFrequencyHz(atMoved, 8000)).toBeCloseTo(1000, -1);
  expect(dominantFrequencyHz(atOther, 8000)).toBeCloseTo(440, -1);
  expect(levelAt(atOther, 8000, 1500)).toBeLessThan(-50);
  expect(attacker.heard).toEqual([]);
}
