import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Srtp } from '../../../../test/support/srtp.js';
import { SrtpOpener } from './srtp-opener.js';
import { SrtpSealer } from './srtp-sealer.js';
import { masterLength, srtpSuiteOf, srtpSuites, type SrtpMasterKey } from './srtp-suite.js';

const payload = Buffer.from('what she said, twenty milliseconds of it');
const newKey = (suite = srtpSuites[0]!): SrtpMasterKey => ({
  suite,
  keyAndSalt: randomBytes(masterLength(suite)),
});

interface RtpFields {
  readonly ssrc?: number;
  readonly first?: number;
  readonly extra?: Buffer;
  readonly body?: Buffer;
}

function rtp(sequenceNumber: number, fields: RtpFields = {}): Buffer {
  const { ssrc = 0xdecafbad, first = 0x80, extra = Buffer.alloc(0), body = payload } = fields;
  const header = Buffer.from([first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(sequenceNumber % 0x10000, 2);
  header.writeUInt32BE((sequenceNumber * 160) >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, extra, body]);
}

const rtcp = Buffer.from('80c9000111223344', 'hex');
const report = Buffer.concat([rtcp, Buffer.from('81ca00021122334401026869', 'hex')]);

describe.each(srtpSuites.map((suite) => [suite.name, suite] as const))('%s', (_, suite) => {
  let key: SrtpMasterKey;
  let sealer: SrtpSealer;
  let opener: SrtpOpener;
  /** What goes over the network: a copy, as the buffers are used again. */
  const seal = (packet: Buffer): Buffer => Buffer.from(sealer.sealRtp(packet)!);
  const sealReport = (packet: Buffer): Buffer => Buffer.from(sealer.sealRtcp(packet)!);

  beforeEach(() => {
    key = newKey(suite);
    sealer = new SrtpSealer(key);
    opener = new SrtpOpener({ key });
  });

  it('opens what it sealed, with any header and payload', () => {
    let sequenceNumber = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1400 }),
        fc.nat(3),
        fc.option(fc.nat(5)),
        (octets, contributors, words) => {
          const extension =
            words === null ? [] : [Buffer.from([0xbe, 0xde, 0, words]), randomBytes(words * 4)];
          const extra = Buffer.concat([randomBytes(contributors * 4), ...extension]);
          const first = 0x80 | contributors | (words === null ? 0 : 0x10);
          const packet = rtp(sequenceNumber++, { first, extra, body: Buffer.from(octets) });
          const sealed = seal(packet);
          expect(sealed.length).toBe(packet.length + suite.rtpTagLength);
          const clear = 12 + extra.length;
          expect(sealed.subarray(0, clear)).toEqual(packet.subarray(0, clear));
          if (octets.length > 8) expect(sealed.includes(packet.subarray(clear))).toBe(false);
          expect(opener.openRtp(sealed)).toEqual(packet);
        },
      ),
    );
  });

  it('opens RTCP, each with an index of its own', () => {
    const [one, other] = [sealReport(report), sealReport(report)];
    expect(one).not.toEqual(other);
    expect(one.includes(report.subarray(8))).toBe(false);
    expect(opener.openRtcp(other)).toEqual(report);
    expect(opener.openRtcp(one)).toEqual(report);
    expect(opener.openRtcp(sealReport(rtcp))).toEqual(rtcp);
  });

  it('refuses what was changed on its way, wherever it was', () => {
    const sealed = seal(rtp(1));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(opener.openRtp(changed), `octet ${at}`).toBe('forged');
    }
    expect(opener.openRtp(sealed)).toEqual(rtp(1));
    const sealedReport = sealReport(report);
    for (let at = 0; at < sealedReport.length; at++) {
      const changed = Buffer.from(sealedReport);
      changed[at]! ^= 1;
      expect(opener.openRtcp(changed), `octet ${at}`).toBe('forged');
    }
    expect(opener.openRtcp(sealedReport)).toEqual(report);
  });

  it('refuses what was cut off, plain RTP, and what is anything', () => {
    const sealed = seal(rtp(1));
    for (let length = 0; length < sealed.length; length++)
      expect(opener.openRtp(sealed.subarray(0, length)), `${length} octets`).toBe('forged');
    const sealedReport = sealReport(report);
    for (let length = 0; length < sealedReport.length; length++)
      expect(opener.openRtcp(sealedReport.subarray(0, length)), `${length} octets`).toBe('forged');
    expect(opener.openRtp(rtp(2))).toBe('forged');
    expect(opener.openRtcp(report)).toBe('forged');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (octets) => {
        const anything = Buffer.from(octets);
        expect(opener.openRtp(anything)).toBe('forged');
        expect(opener.openRtcp(anything)).toBe('forged');
        if (anything.length > 0) anything[0] = 0x9f;
        expect(opener.openRtp(anything)).toBe('forged');
        expect(opener.openRtcp(anything)).toBe('forged');
      }),
    );
  });

  it('refuses what was sealed with another key', () => {
    const stranger = new SrtpOpener({ key: newKey(suite) });
    expect(stranger.openRtp(seal(rtp(1)))).toBe('forged');
    expect(stranger.openRtcp(sealReport(report))).toBe('forged');
  });

  it('takes each packet once', () => {
    const sealed = seal(rtp(1));
    const sealedReport = sealReport(report);
    expect(opener.openRtp(Buffer.from(sealed))).toEqual(rtp(1));
    expect(opener.openRtp(Buffer.from(sealed))).toBe('replayed');
    expect(opener.openRtcp(Buffer.from(sealedReport))).toEqual(report);
    expect(opener.openRtcp(Buffer.from(sealedReport))).toBe('replayed');
  });

  it('seals each packet once', () => {
    expect(sealer.sealRtp(rtp(1))).not.toBeNull();
    expect(sealer.sealRtp(rtp(1, { body: Buffer.from('something else') }))).toBeNull();
  });

  it('opens packets in any order around the wrap, and after it', () => {
    const sealed = [65_530, 65_531, 65_534, 65_535, 65_536, 65_537, 65_540].map((index) => seal(rtp(index)));
    const order = [0, 4, 3, 6, 1, 5, 2];
    for (const at of order) expect(opener.openRtp(sealed[at]!), `packet ${at}`).toBeInstanceOf(Buffer);
    for (let index = 65_541; index < 65_541 + 3 * 65_536; index += 1000)
      expect(opener.openRtp(seal(rtp(index))), String(index)).toBeInstanceOf(Buffer);
  });

  it('opens a stream whose packets in front of the wrap were all lost', () => {
    seal(rtp(65_535));
    expect(opener.openRtp(seal(rtp(65_536)))).toEqual(rtp(65_536));
  });

  it('keeps the sources apart', () => {
    for (const ssrc of [1, 2, 3]) expect(opener.openRtp(seal(rtp(9, { ssrc })))).toEqual(rtp(9, { ssrc }));
  });

  it('opens on after very many sources', () => {
    for (let ssrc = 1; ssrc <= 200; ssrc++)
      expect(opener.openRtp(seal(rtp(9, { ssrc }))), String(ssrc)).toBeInstanceOf(Buffer);
  });

  it('forgets those that fell silent before the one that goes on', () => {
    let index = 0;
    for (; index <= 3 * 65_536; index += 10_000) opener.openRtp(seal(rtp(index)));
    for (let ssrc = 1000; ssrc < 1200; ssrc++, index++) {
      opener.openRtp(seal(rtp(9, { ssrc })));
      expect(opener.openRtp(seal(rtp(index))), String(ssrc)).toBeInstanceOf(Buffer);
    }
  });

  it.each([
    ['begins them anew', 0],
    ['goes on with them', 2],
  ])('takes a new key of a far end that %s', (_, rollOver) => {
    for (let index = 0; index <= 2 * 65_536; index += 10_000) opener.openRtp(seal(rtp(index)));
    const next = newKey(suite);
    opener = new SrtpOpener({ key: next, before: opener });
    sealer = new SrtpSealer(next);
    // Up to where it is, every few thousand packets.
    for (let index = 0; index < rollOver * 65_536; index += 10_000) seal(rtp(index));
    const packet = rtp(rollOver * 65_536 + 100);
    expect(opener.openRtp(seal(packet))).toEqual(packet);
  });

  it('takes out the name of the key, where it is written', () => {
    const mki = Buffer.from('00000001', 'hex');
    const named = new SrtpOpener({ key, mki });
    const withName = (sealed: Buffer, tagLength: number): Buffer => {
      const at = suite.mode === 'gcm' ? sealed.length : sealed.length - tagLength;
      return Buffer.concat([sealed.subarray(0, at), mki, sealed.subarray(at)]);
    };
    expect(named.openRtp(withName(seal(rtp(1)), suite.rtpTagLength))).toEqual(rtp(1));
    expect(named.openRtcp(withName(sealReport(report), suite.rtcpTagLength))).toEqual(report);
    expect(named.openRtp(seal(rtp(2)))).toEqual(rtp(2));
    expect(named.openRtcp(sealReport(report))).toEqual(report);
  });
});

describe('what is sealed', () => {
  it('is what another implementation opens, and the other way round, across the wrap', () => {
    const key = newKey(srtpSuiteOf('AES_CM_128_HMAC_SHA1_80')!);
    const other = key.keyAndSalt.toString('base64');
    const [sealer, opener] = [new SrtpSealer(key), new SrtpOpener({ key })];
    const [otherSealer, otherOpener] = [new Srtp(other), new Srtp(other)];
    for (let index = 65_500; index < 65_600; index++) {
      expect(otherOpener.unprotect(Buffer.from(sealer.sealRtp(rtp(index))!))).toEqual(rtp(index));
      expect(opener.openRtp(otherSealer.protect(rtp(index)))).toEqual(rtp(index));
    }
  });

  it('is nothing that is no RTP or longer than a datagram of a phone', () => {
    const sealer = new SrtpSealer(newKey());
    expect(sealer.sealRtp(Buffer.alloc(11, 0x80))).toBeNull();
    expect(sealer.sealRtp(rtp(1, { first: 0x9f }))).toBeNull();
    expect(sealer.sealRtp(rtp(1, { body: Buffer.alloc(2000) }))).toBeNull();
    expect(sealer.sealRtcp(Buffer.alloc(4))).toBeNull();
    expect(sealer.sealRtcp(Buffer.alloc(2000))).toBeNull();
  });

  it('is of no more sources than are kept, none of which is forgotten', () => {
    const sealer = new SrtpSealer(newKey());
    for (let ssrc = 0; ssrc < 256; ssrc++) expect(sealer.sealRtp(rtp(1, { ssrc }))).not.toBeNull();
    expect(sealer.sealRtp(rtp(1, { ssrc: 256 }))).toBeNull();
    expect(sealer.sealRtp(rtp(1, { ssrc: 0 }))).toBeNull();
    expect(sealer.sealRtp(rtp(2, { ssrc: 0 }))).not.toBeNull();
  });
});
