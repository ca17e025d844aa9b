import { describe, expect, it } from 'vitest';
import { parsed, section } from '../../../../test/support/browser-descriptions.js';
import { allVideoCodecs, commonCodecs, learnPayloadTypes, offeredCodecs } from './browser-codecs.js';

/** As Chromium has them, where one name stands for several codecs. */
const videoSection = section(
  [
    'm=video 9 UDP/TLS/RTP/SAVPF 96 100 98 102 106 45 46',
    'c=IN IP4 0.0.0.0',
    'a=rtpmap:96 VP8/90000',
    'a=rtpmap:100 VP9/90000',
    'a=fmtp:100 profile-id=2',
    'a=rtpmap:98 VP9/90000',
    'a=fmtp:98 profile-id=0',
    'a=rtpmap:102 H264/90000',
    'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f',
    'a=rtpmap:106 H264/90000',
    'a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
    'a=rtpmap:46 AV1/90000',
    'a=fmtp:46 level-idx=5;profile=1;tier=0',
    'a=rtpmap:45 AV1/90000',
  ],
  '0',
  'sendrecv',
);
const { media } = parsed(videoSection);
const named = (codecs: ReturnType<typeof commonCodecs>) =>
  codecs.map(({ codec, payloadType }) => `${codec.name} ${payloadType}`);

describe('the codecs in common with a browser', () => {
  it('are those of the profiles that every browser has, whatever else bears the name', () => {
    expect(named(commonCodecs(media[0]!, allVideoCodecs))).toEqual([
      'VP8 96',
      'H264 106',
      'VP9 98',
      'AV1 45',
    ]);
  });

  it('are in the order asked for, without those that are not', () => {
    expect(named(commonCodecs(media[0]!, ['AV1', 'VP8']))).toEqual(['AV1 45', 'VP8 96']);
  });
});

describe('the codecs of a section that we offer', () => {
  it('have the payload types of the browser, and no other meaning of one of those', () => {
    const known = learnPayloadTypes(new Map(), media);
    expect(named(offeredCodecs('video', known, allVideoCodecs))).toEqual([
      'VP8 96',
      'H264 106',
      'VP9 98',
      'AV1 45',
    ]);
    const others = new Map(known);
    for (const [type] of known) others.set(type, 'something else');
    const offered = offeredCodecs('video', others, allVideoCodecs);
    expect(offered).toHaveLength(4);
    for (const { payloadType } of offered) expect(others.has(payloadType)).toBe(false);
  });

  it('keep them however often we offer, and the browser answers', () => {
    let known = learnPayloadTypes(new Map(), []);
    const first = named(offeredCodecs('video', known, allVideoCodecs));
    for (let n = 0; n < 50; n++) {
      const offered = offeredCodecs('video', known, allVideoCodecs);
      const answer = section(
        [
          `m=video 9 UDP/TLS/RTP/SAVPF ${offered.map(({ payloadType }) => payloadType).join(' ')}`,
          'c=IN IP4 0.0.0.0',
          ...offered.flatMap(({ payloadType, codec }) => [
            `a=rtpmap:${payloadType} ${codec.name}/90000`,
            ...(codec.parameters === undefined ? [] : [`a=fmtp:${payloadType} ${codec.parameters}`]),
          ]),
        ],
        '0',
        'recvonly',
      );
      known = learnPayloadTypes(known, parsed(answer).media);
    }
    expect(named(offeredCodecs('video', known, allVideoCodecs))).toEqual(first);
  });
});
