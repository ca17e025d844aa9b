import { describe, expect, it } from 'vitest';
import { CounterModeTransform } from './counter-mode.js';
import { GaloisCounterTransform } from './galois-counter-mode.js';
import { sessionKeysOf, type SrtpSessionKeys } from './key-derivation.js';
import { srtpSuiteOf } from './srtp-suite.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const counterSuite = srtpSuiteOf('AES_CM_128_HMAC_SHA1_80')!;

describe('RFC 3711', () => {
  it('appendix B.2: makes the key stream of AES in counter mode', () => {
    const keys = {
      key: hex('2B7E151628AED2A6ABF7158809CF4F3C'),
      authenticationKey: Buffer.alloc(20),
      salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
    };
    const transform = new CounterModeTransform(counterSuite, { rtp: keys, rtcp: keys });
    // A payload of zeros shows the key stream.
    const sealed = transform.sealRtp(Buffer.alloc(12 + 48), {
      ...{ ssrc: 0, rollOver: 0, sequenceNumber: 0 },
      headerLength: 12,
    });
    expect(sealed.subarray(12, 60).toString('hex')).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    );
  });

  it('appendix B.3: derives the session keys', () => {
    const keyAndSalt = hex('E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6');
    const { key, authenticationKey, salt } = sessionKeysOf({ suite: counterSuite, keyAndSalt }).rtp;
    expect(key).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
    expect(authenticationKey).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'));
  });
});

describe('RFC 7714', () => {
  const salt = hex('517569642070726f2071756f');
  const key128 = hex('000102030405060708090a0b0c0d0e0f');
  const key256 = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const under = (key: Buffer): GaloisCounterTransform => {
    const keys = { key, authenticationKey: Buffer.alloc(0), salt };
    const both: SrtpSessionKeys = { rtp: keys, rtcp: keys };
    return new GaloisCounterTransform(both);
  };

  const rtp = `8040f17b8041f8d35501a0b2${Buffer.from('Gallia est omnis divisa in partes tres').toString('hex')}`;
  const place = { ssrc: 0x5501a0b2, rollOver: 0, sequenceNumber: 0xf17b, headerLength: 12 };

  it.each([
    [
      '§16.1, with AEAD_AES_128_GCM',
      key128,
      `8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
       899d7f27beb16a9152cf765ee4390cce`,
    ],
    [
      '§16.2, with AEAD_AES_256_GCM',
      key256,
      `8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
       7aa3db36dfffd6b0f9bb7878d7a76c13`,
    ],
  ])('%s: encrypts, tags and opens RTP', (_, key, srtp) => {
    const transform = under(key);
    expect(transform.sealRtp(hex(rtp), place)).toEqual(hex(srtp));
    const packet = hex(srtp);
    expect(transform.openRtp(packet, packet.length - 16, place)).toBe(true);
    expect(packet.subarray(0, packet.length - 16)).toEqual(hex(rtp));
  });

  const rtcp = `81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61
    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef`;
  const mars = 0x4d617273;

  it.each([
    [
      '§17.1, with AEAD_AES_128_GCM',
      key128,
      `81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded
       0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4`,
    ],
    [
      '§17.2, with AEAD_AES_256_GCM',
      key256,
      `81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047
       6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4`,
    ],
  ])('%s: encrypts, tags and opens RTCP', (_, key, srtcp) => {
    const transform = under(key);
    expect(transform.sealRtcp(hex(rtcp), mars, 0x5d4)).toEqual(hex(srtcp));
    const packet = hex(srtcp);
    const length = transform.openRtcp(packet, mars, 0);
    expect(packet.subarray(0, length)).toEqual(hex(rtcp));
  });

  it('§17.3: opens RTCP that is tagged and not encrypted', () => {
    const packet = hex(`${rtcp} 841dd9683dd78ec92ae58790125f62b3 000005d4`);
    const length = under(key128).openRtcp(packet, mars, 0);
    expect(packet.subarray(0, length)).toEqual(hex(rtcp));
  });
});
