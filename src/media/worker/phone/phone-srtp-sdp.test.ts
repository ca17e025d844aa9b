import { describe, expect, it } from 'vitest';
import type { SrtpPolicy } from '../srtp/srtp-negotiation.js';
import { SrtpSession } from '../srtp/srtp-session.js';
import {
  formatAnswer,
  formatOffer,
  negotiateAnswer,
  negotiateOffer,
  type CodecPreferences,
  type PhoneAgreement,
} from './phone-sdp.js';

const local = { address: '192.0.2.1', rtpPort: 20_000, sessionId: '42', srtpKeys: new SrtpSession() };
const policy = (srtp: SrtpPolicy): CodecPreferences => ({ codecs: ['PCMU', 'PCMA'], order: 'offerer', srtp });

const sdp = (...lines: readonly string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0', ...lines].join('\r\n') +
  '\r\n';
const inline = (octets: number): string => `inline:${Buffer.alloc(octets, 7).toString('base64')}`;
const line = (tag: number, suite: string, octets = 30): string =>
  `a=crypto:${tag} ${suite} ${inline(octets)}`;
const usual = line(1, 'AES_CM_128_HMAC_SHA1_80');

const savp = sdp('m=audio 4000 RTP/SAVP 0', usual);
const avp = sdp('m=audio 4000 RTP/AVP 0');
const beside = sdp('m=audio 4000 RTP/AVP 0', usual);

const agreed = (offer: string, srtp: SrtpPolicy, previous: PhoneAgreement | null = null) =>
  negotiateOffer(offer, policy(srtp), previous);
const answerTo = (offer: string, srtp: SrtpPolicy): string => formatAnswer(agreed(offer, srtp), local, 1);
const lines = (text: string, pattern: RegExp): string[] =>
  text.split('\r\n').filter((one) => pattern.test(one));
const mLines = (text: string): string[] => lines(text, /^m=/);
const keys = (text: string): string[] =>
  lines(text, /^a=crypto/).map((one) => one.replace(/inline:\S+/, 'inline:…'));

describe('SRTP with keys in an offer (RFC 4568)', () => {
  it('is answered with one key of our own, under the tag that was taken', () => {
    const answer = answerTo(savp, 'allow');
    expect(mLines(answer)).toEqual(['m=audio 20000 RTP/SAVP 0']);
    expect(keys(answer)).toEqual(['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…']);
    expect(answer).not.toContain(inline(30));
  });

  it.each<[string, string, string]>([
    ['its first that is known', 'AES_256_CM_HMAC_SHA1_80', 'a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:…'],
    [
      'a short tag, where that is first',
      'AES_CM_128_HMAC_SHA1_32',
      'a=crypto:0 AES_CM_128_HMAC_SHA1_32 inline:…',
    ],
  ])('takes %s', (_, first, answered) => {
    const octets = first.startsWith('AES_256') ? 46 : 30;
    const offer = sdp('m=audio 4000 RTP/SAVP 0', line(0, first, octets), line(2, 'AES_CM_128_HMAC_SHA1_80'));
    expect(keys(answerTo(offer, 'allow'))).toEqual([answered]);
  });

  it.each([
    ['AEAD_AES_128_GCM', 28],
    ['AEAD_AES_256_GCM', 44],
  ])('takes %s', (suite, octets) => {
    const offer = sdp('m=audio 4000 RTP/SAVPF 0', line(1, suite, octets));
    expect(mLines(answerTo(offer, 'require'))).toEqual(['m=audio 20000 RTP/SAVPF 0']);
    expect(keys(answerTo(offer, 'require'))).toEqual([`a=crypto:1 ${suite} inline:…`]);
  });

  it.each([
    ['no key', ''],
    ['a key of another length', line(1, 'AES_CM_128_HMAC_SHA1_80', 28)],
    ['a suite that is not known', line(1, 'F8_128_HMAC_SHA1_80')],
    ['what would leave it unencrypted', `${usual} UNENCRYPTED_SRTP`],
    ['what would leave RTCP unencrypted', `${usual} UNENCRYPTED_SRTCP`],
    ['what would leave it unsigned', `${usual} UNAUTHENTICATED_SRTP`],
    ['other keys from time to time', `${usual} KDR=10`],
  ])('is refused with %s', (_, crypto) => {
    expect(() => agreed(sdp('m=audio 4000 RTP/SAVP 0', crypto), 'allow')).toThrow(
      'RTP/SAVP: no a=crypto line can be used',
    );
  });

  it('is taken beside plain RTP under its name (RFC 8643)', () => {
    expect(mLines(answerTo(beside, 'allow'))).toEqual(['m=audio 20000 RTP/AVP 0']);
    expect(keys(answerTo(beside, 'allow'))).toHaveLength(1);
    expect(keys(answerTo(beside, 'require'))).toHaveLength(1);
    expect(keys(answerTo(beside, 'off'))).toEqual([]);
  });

  it.each([
    ['before', ['m=audio 4000 RTP/SAVP 0', usual, 'm=audio 4000 RTP/AVP 0'], 'AVP 0', 'SAVP'],
    ['after', ['m=audio 4000 RTP/AVP 0', 'm=audio 4000 RTP/SAVP 0', usual], 'AVP 0', 'SAVP'],
  ])('is taken where the same is offered without, %s it', (_, offered) => {
    const answer = answerTo(sdp(...offered), 'allow');
    expect(mLines(answer).toSorted()).toEqual(['m=audio 0 RTP/AVP 0', 'm=audio 20000 RTP/SAVP 0']);
    const plain = answerTo(sdp(...offered), 'off');
    expect(mLines(plain).toSorted()).toEqual(['m=audio 0 RTP/SAVP 0', 'm=audio 20000 RTP/AVP 0']);
  });

  it('is left out where the section that has it cannot be used otherwise', () => {
    const answer = answerTo(sdp('m=audio 4000 RTP/SAVP 18', usual, 'm=audio 4000 RTP/AVP 0'), 'allow');
    expect(mLines(answer)).toEqual(['m=audio 0 RTP/SAVP 18', 'm=audio 20000 RTP/AVP 0']);
  });

  it.each<[SrtpPolicy, string, string | null]>([
    ['off', avp, null],
    ['off', savp, 'RTP/SAVP: SRTP is switched off for this call'],
    ['allow', avp, null],
    ['require', avp, 'RTP/AVP: the call must be encrypted (SRTP)'],
    ['require', savp, null],
  ])('%s: takes or refuses what is offered', (srtp, offer, refusal) => {
    if (refusal === null) expect(agreed(offer, srtp).srtp !== null).toBe(offer === savp);
    else expect(() => agreed(offer, srtp)).toThrow(refusal);
  });

  it('of DTLS is not for a phone', () => {
    expect(() => agreed(sdp('m=audio 4000 UDP/TLS/RTP/SAVP 0', usual), 'require')).toThrow('not supported');
  });

  it('keeps our key over offers, whatever that of the phone is', () => {
    const first = agreed(savp, 'allow');
    const next = agreed(
      savp.replace(inline(30), `inline:${Buffer.alloc(30, 9).toString('base64')}`),
      'allow',
      first,
    );
    const [one, other] = [first, next].map((agreement) =>
      lines(formatAnswer(agreement, local, 1), /^a=crypto/),
    );
    expect(other).toEqual(one);
    expect(next.srtp!.remoteKey.keyAndSalt).toEqual(Buffer.alloc(30, 9));
  });
});

describe('SRTP in our own offers', () => {
  const offer = (srtp: SrtpPolicy, previous: PhoneAgreement | null = null): string =>
    formatOffer(policy(srtp), previous, local, 1);
  const all = [
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…',
    'a=crypto:2 AEAD_AES_256_GCM inline:…',
    'a=crypto:3 AEAD_AES_128_GCM inline:…',
    'a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:…',
  ];

  it.each<[SrtpPolicy, string, readonly string[]]>([
    ['off', 'RTP/AVP', []],
    ['allow', 'RTP/AVP', all],
    ['require', 'RTP/SAVP', all],
  ])('%s: is %s', (srtp, protocol, offered) => {
    expect(mLines(offer(srtp))).toEqual([`m=audio 20000 ${protocol} 0 8 101`]);
    expect(keys(offer(srtp))).toEqual(offered);
    const distinct = new Set(lines(offer(srtp), /^a=crypto/).map((one) => one.split(' ')[2]));
    expect(distinct.size).toBe(offered.length);
  });

  it('is offered anew with the key that the call has', () => {
    const agreement = agreed(savp, 'allow');
    expect(lines(offer('allow', agreement), /^[ma]=(audio|crypto)/).slice(1)).toEqual(
      lines(formatAnswer(agreement, local, 1), /^a=crypto/),
    );
    expect(mLines(offer('allow', agreement))[0]).toContain('RTP/SAVP');
  });

  it('is not offered in a call that goes on without', () => {
    expect(keys(offer('allow', agreed(avp, 'allow')))).toEqual([]);
  });

  const accept = (answer: string, srtp: SrtpPolicy) => negotiateAnswer(answer, policy(srtp), null);

  it('is what an answer with one of its keys is', () => {
    const answer = sdp('m=audio 4000 RTP/SAVP 0', line(3, 'AEAD_AES_128_GCM', 28));
    expect(accept(answer, 'require').srtp?.suite.name).toBe('AEAD_AES_128_GCM');
    expect(accept(beside, 'allow').srtp?.suite.name).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(accept(avp, 'allow').srtp).toBeNull();
    expect(accept(beside, 'off').srtp).toBeNull();
  });

  it.each([
    ['plain RTP', avp],
    ['a tag that was not offered', sdp('m=audio 4000 RTP/SAVP 0', line(7, 'AES_CM_128_HMAC_SHA1_80'))],
    ['a tag of another suite', sdp('m=audio 4000 RTP/SAVP 0', line(2, 'AES_CM_128_HMAC_SHA1_80'))],
  ])('is refused where it must be and the answer has %s', (_, answer) => {
    expect(() => accept(answer, 'require')).toThrow(/SRTP|crypto/);
  });

  it('is refused in an answer that leaves it out where the call has it', () => {
    const previous = agreed(savp, 'allow');
    expect(() => negotiateAnswer(avp, policy('allow'), previous)).toThrow('must be encrypted');
  });
});
