import { describe, expect, it } from 'vitest';
import {
  answeredAudio,
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
  isPlainRtp,
  unsupportedProtocol,
  type AudioAbility,
} from './audio-section.js';
import { attribute, telephoneEventFormat } from './attributes.js';
import { codecFormat, codecsIn, type CodecUse } from './phone-codecs.js';
import { parseSessionDescription, type SessionDescription } from './session-description.js';

const described = (...lines: string[]): SessionDescription =>
  parseSessionDescription(['v=0', 'o=- 1 1 IN IP4 192.0.2.7', ...lines, ''].join('\r\n'));
const withAddress = (...lines: string[]) => described('c=IN IP4 192.0.2.7', ...lines);

const able: AudioAbility<CodecUse> = {
  obstacleIn: (media) => (isPlainRtp(media) ? null : unsupportedProtocol(media)),
  codecsIn: (media) => codecsIn(media, ['PCMU', 'PCMA']),
};
const refusal = (code: string, message: string): unknown => expect.objectContaining({ code, message });

describe('the audio section of an offer', () => {
  const offer = withAddress(
    ...['m=video 5000 RTP/AVP 96', 'a=mid:v', 'm=audio 0 RTP/AVP 0', 'm=audio 4000 RTP/SAVP 0'],
    ...['m=audio 4002 RTP/AVP 18', 'm=audio 4004 RTP/AVP 8 0', 'm=audio 4006 RTP/AVP 0'],
  );

  it('is the first in use that has a codec in common, with those codecs in the section’s order', () => {
    const chosen = chooseAudio(offer, able, null);
    expect(chosen.audioIndex).toBe(4);
    expect(chosen.codecs).toEqual([
      { codec: 'PCMA', payloadType: 8, parameters: new Map() },
      { codec: 'PCMU', payloadType: 0, parameters: new Map() },
    ]);
    expect(chosen.sections.map(({ kind, mid }) => [kind, mid])[0]).toEqual(['video', 'v']);
    expect(chosen.sections).toHaveLength(6);
  });

  it('is one of RTP however that is written', () => {
    for (const protocol of ['rtp/avp', 'RTP/avpf', 'Rtp/Avp'])
      expect(chooseAudio(withAddress(`m=audio 4000 ${protocol} 0`), able, null).audioIndex).toBe(0);
  });

  it('stays the one that was in use before, for as long as it can be used', () => {
    const previous = { ...audioAlone, audioIndex: 5 };
    expect(chooseAudio(offer, able, previous).audioIndex).toBe(5);
    expect(chooseAudio(offer, able, { ...previous, audioIndex: 3 }).audioIndex).toBe(4);
  });

  it.each([
    [[], 'no audio section is in use'],
    [['m=audio 0 RTP/AVP 0'], 'no audio section is in use'],
    [['m=audio 4000 RTP/SAVP 0'], 'RTP/SAVP is not supported'],
    [['m=audio 4000 RTP/AVP 18'], 'none of the audio codecs is supported'],
  ])('is missing in %j, and the refusal says why', (lines, why) => {
    expect(() => chooseAudio(withAddress(...lines), able, null)).toThrow(refusal('no-common-codec', why));
  });
});

describe('sections that nobody wants', () => {
  const good = ['m=audio 4000 RTP/AVP 0'];
  it.each([
    ['m=video 0 RTP/AVP'],
    ['m=application 9 TCP/MRCPv2'],
    ['m=audio 0 RTP/AVP'],
    ['m=audio 4002 RTP/AVP'],
    ['m=audio 70000 RTP/AVP 0'],
    ['m=message 2855 TCP/MSRP *', 'c=TN RFC2543 +1-201-406-4090'],
  ])('do not spoil the one that is: %s', (...unwanted) => {
    const before = chooseAudio(withAddress(...unwanted, ...good), able, null);
    const behind = chooseAudio(withAddress(...good, ...unwanted), able, null);
    expect([before.audioIndex, behind.audioIndex]).toEqual([1, 0]);
    expect([before.media.port, behind.media.port]).toEqual([4000, 4000]);
    const written = formatAudioDescription({
      identity: { sessionId: '1', version: 1 },
      layout: before,
      at: { address: '192.0.2.1', port: 20_000 },
      formats: [codecFormat('PCMU')],
      attributes: [],
    });
    const [kind, , protocol, format = '0'] = unwanted[0]?.slice(2).split(' ') ?? [];
    expect(written.split('\r\n').filter((line) => line.startsWith('m='))).toEqual([
      `m=${kind} 0 ${protocol} ${format}`,
      'm=audio 20000 RTP/AVP 0',
    ]);
  });

  it('alone are refused: for what is wrong with them, or for what they lack', () => {
    const why = (...lines: string[]) => chooseAudio(withAddress(...lines), able, null);
    expect(() => why('m=audio 70000 RTP/AVP 0')).toThrow(
      refusal('bad-sdp', 'an m= line has an impossible port'),
    );
    expect(() => why('m=audio 4000 RTP/AVP 0', 'c=IN NSAP x')).toThrow(
      refusal('bad-sdp', 'an address is neither IP4 nor IP6'),
    );
    expect(() => why('m=audio 4000 RTP/AVP')).toThrow(
      refusal('no-common-codec', 'none of the audio codecs is supported'),
    );
    expect(() => why('m=video 70000 RTP/AVP 31')).toThrow(
      refusal('no-common-codec', 'no audio section is in use'),
    );
  });
});

describe('the audio section of an answer', () => {
  it('stands where it was offered', () => {
    const layout = { sections: [...audioAlone.sections, ...audioAlone.sections], audioIndex: 1 };
    const answer = withAddress('m=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 8');
    expect(answeredAudio(answer, able, layout)).toMatchObject({ ...layout, codecs: [{ codec: 'PCMA' }] });
  });

  it('is refused where it is missing, not in use, or in no codec of ours', () => {
    const answered = (...lines: string[]) => answeredAudio(withAddress(...lines), able, audioAlone);
    expect(() => answered()).toThrow(refusal('bad-sdp', 'the answer has fewer m= lines than the offer'));
    for (const line of ['m=audio 0 RTP/AVP 0', 'm=audio 4000 RTP/AVP 18'])
      expect(() => answered(line)).toThrow(expect.objectContaining({ code: 'no-common-codec' }));
  });
});

describe('the far side', () => {
  const audio = 'm=audio 4000 RTP/AVP 0';
  const farSide = (session: SessionDescription) => farSideOf(session, session.media[0]!);

  it('has the address of its section before that of the session, and the direction likewise', () => {
    const session = withAddress('a=sendonly', audio, 'c=IN IP4 192.0.2.9', 'a=recvonly');
    expect(farSide(session)).toMatchObject({
      destination: { address: '192.0.2.9', port: 4000 },
      direction: 'recvonly',
      holdsOldWay: false,
    });
    expect(farSide(withAddress('a=sendonly', audio)).direction).toBe('sendonly');
    expect(farSide(withAddress(audio)).direction).toBe('sendrecv');
  });

  it.each(['IP4 0.0.0.0', 'IP6 ::'])('holds the old way with %s, whatever direction it names', (address) => {
    const session = described(`c=IN ${address}`, audio, 'a=sendrecv');
    expect(farSide(session)).toMatchObject({ destination: null, direction: 'inactive', holdsOldWay: true });
  });

  it('is refused without an address', () => {
    expect(() => farSide(described(audio))).toThrow(refusal('bad-sdp', 'the audio section has no c= line'));
  });
});

it('describes the audio in its place, every other section refused there', () => {
  const { sections } = chooseAudio(
    withAddress('m=video 5000 RTP/AVP 96 97', 'a=mid:v', 'm=audio 4000 RTP/AVPF 8', 'a=mid:a'),
    able,
    null,
  );
  const text = formatAudioDescription({
    identity: { sessionId: '42', version: 3 },
    layout: { sections, audioIndex: 1 },
    at: { address: '2001:db8::1', port: 20_000 },
    formats: [codecFormat('PCMA'), telephoneEventFormat(96)],
    attributes: [attribute('ptime', 20), attribute('sendonly')],
  });
  expect(text.split('\r\n')).toEqual([
    ...['v=0', 'o=- 42 3 IN IP6 2001:db8::1', 's=-', 'c=IN IP6 2001:db8::1', 't=0 0'],
    ...['m=video 0 RTP/AVP 96 97', 'a=mid:v'],
    ...['m=audio 20000 RTP/AVPF 8 96', 'a=mid:a', 'a=rtpmap:8 PCMA/8000'],
    ...['a=rtpmap:96 telephone-event/8000', 'a=fmtp:96 0-15', 'a=ptime:20', 'a=sendonly', ''],
  ]);
});
