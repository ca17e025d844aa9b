import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributeValue,
  attributeValues,
  direction,
  groups,
  label,
  mid,
  msids,
} from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import { formatSessionDescription, parseSessionDescription } from '../../../sdp/session-description.js';
import type { TrackKind } from '../source-track.js';
import { acceptAnswer, answerOffer, createOffer, rollback } from './browser-sdp.js';
import {
  needsOffer,
  newBrowserSections,
  type BrowserSections,
  type WantedTrack,
} from './browser-sections.js';
import { describe as describeState, type LocalTransportParameters } from './local-description.js';
import { readRemoteTransport } from './remote-description.js';

const transport: LocalTransportParameters = {
  credentials: { usernameFragment: 'abcd', password: 'abcdefghijklmnopqrstuv' },
  fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
  setup: 'active',
  candidates: [
    {
      foundation: '1',
      component: 1,
      transport: 'udp',
      priority: 1,
      address: '192.0.2.1',
      port: 4000,
      type: 'host',
      extensions: '',
    },
  ],
};

const context = (wanted: readonly WantedTrack[] = [], maxSections = 64) => {
  let ssrc = 1000;
  return { wanted, maxSections, newSsrc: () => ssrc++, dataChannels: false, alternating: null };
};
const want = (streamId: string, kind: TrackKind = 'audio'): WantedTrack => ({
  streamId,
  alias: `alias of ${streamId}`,
  kind,
});
const start = (): BrowserSections => newBrowserSections('42');

const sessionLines = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=ice-ufrag:efgh',
  'a=ice-pwd:zyxwvutsrqponmlkjihgfe',
  'a=fingerprint:sha-256 11:22',
  'a=setup:actpass',
];
const audioLines = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110',
  'c=IN IP4 0.0.0.0',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=rtpmap:110 telephone-event/48000',
];
const videoLines = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102',
  'c=IN IP4 0.0.0.0',
  'a=rtcp-mux',
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtcp-fb:96 transport-cc',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f',
];
const dataLines = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=sctp-port:5000',
];

/** A browser's description of sections given as lines; all bundled that have a mid and a port. */
function text(...sections: string[][]): string {
  const mids = sections
    .filter(([media]) => !/^m=\w+ 0 /.test(media ?? ''))
    .flatMap((lines) => lines.filter((l) => l.startsWith('a=mid:')).map((l) => l.slice(6)));
  return [
    ...sessionLines,
    ...(mids.length > 0 ? [`a=group:BUNDLE ${mids.join(' ')}`] : []),
    ...sections.flat(),
    '',
  ].join('\r\n');
}
const parsed = (...sections: string[][]) => parseSessionDescription(text(...sections));
const section = (base: string[], name: string, dir: string, ...more: string[]): string[] => [
  ...base,
  `a=mid:${name}`,
  `a=${dir}`,
  ...more,
];
/** What went out, read back. */
const written = (state: BrowserSections) =>
  parseSessionDescription(formatSessionDescription(describeState(state, transport)));

/** A browser's answer that takes everything in our description, or what `change` makes of a section's direction. */
function answerTo(
  state: BrowserSections,
  directions: Partial<Record<string, string>> = {},
): ReturnType<typeof parseSessionDescription> {
  const offer = written(state);
  return {
    ...offer,
    media: offer.media.map((media) => {
      const name = mid(media) ?? '';
      const asked = direction(media);
      const natural = asked === 'sendonly' ? 'recvonly' : asked === 'recvonly' ? 'sendonly' : asked;
      const chosen = directions[name] ?? natural;
      return {
        ...media,
        port: chosen === 'reject' || media.port === 0 ? 0 : 9,
        attributes: [
          ...media.attributes.filter(
            (a) =>
              !['sendrecv', 'sendonly', 'recvonly', 'inactive', 'msid', 'label', 'ssrc'].includes(a.name),
          ),
          { name: chosen === 'reject' ? 'inactive' : chosen, value: null },
        ],
      };
    }),
  };
}

describe('answering a browser', () => {
  it.each([
    ['m=video 0 UDP/TLS/RTP/SAVPF'],
    ['m=application 9 TCP/MRCPv2'],
    ['m=audio 70000 UDP/TLS/RTP/SAVPF 111'],
    ['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=TN RFC2543 +1-201-406-4090'],
  ])('takes its audio beside a section that cannot be used: %s', (...unwanted) => {
    const offer = parsed(section(audioLines, '0', 'sendrecv'), [...unwanted, 'a=mid:1']);
    const answer = written(answerOffer(start(), offer, context()));
    expect(answer.media.map(({ port }) => port)).toEqual([4000, 0]);
  });

  it('refuses an offer of nothing but a section that cannot be read, for what is wrong with it', () => {
    const offer = parsed(
      section(['m=audio 70000 UDP/TLS/RTP/SAVPF 111', ...audioLines.slice(1)], '0', 'sendrecv'),
    );
    expect(() => answerOffer(start(), offer, context())).toThrow(
      expect.objectContaining({ code: 'bad-sdp', message: 'an m= line has an impossible port' }),
    );
  });

  it('takes audio and video, opus and VP8 first, with the feedback both know and no retransmission payloads', () => {
    const state = answerOffer(
      start(),
      parsed(
        section(audioLines, '0', 'sendonly', 'a=msid:s t', 'a=label:head%20set', 'a=ssrc:7 cname:x'),
        section(
          videoLines,
          '1',
          'sendonly',
          'a=msid:s v',
          'a=ssrc-group:FID 8 9',
          'a=ssrc:8 cname:x',
          'a=ssrc:9 cname:x',
        ),
      ),
      context(),
    );
    const answer = written(state);
    expect(answer.media.map((m) => [m.kind, m.port, m.formats, direction(m)])).toEqual([
      ['audio', 4000, ['111', '110'], 'recvonly'],
      ['video', 4000, ['96'], 'recvonly'],
    ]);
    expect(answer.media[1]?.attributes.filter((a) => a.name === 'rtcp-fb').map((a) => a.value)).toEqual([
      '96 goog-remb',
      '96 nack',
      '96 nack pli',
    ]);
    expect(groups(answer)).toEqual([{ semantics: 'BUNDLE', mids: ['0', '1'] }]);
    expect(state.sections.map((s) => s.incoming)).toEqual([
      { streamKey: 's', label: 'head set', ssrcs: [7] },
      { streamKey: 's', label: null, ssrcs: [8] },
    ]);
    expect(attributeValue(answer.media[0]!, 'end-of-candidates')).toBeNull();
    expect(answer.media.map((m) => m.attributes.filter((a) => a.name === 'candidate').length)).toEqual([
      1, 0,
    ]);
  });

  it('rejects in place what it cannot take: data channels, unknown codecs, no rtcp-mux, outside the BUNDLE', () => {
    const state = answerOffer(
      start(),
      parsed(
        section(dataLines, '0', 'sendrecv'),
        section(audioLines, '1', 'sendonly'),
        ['m=video 9 UDP/TLS/RTP/SAVPF 98', 'a=rtpmap:98 AV1/90000', 'a=rtcp-mux', 'a=mid:2'],
        section(videoLines, '3', 'sendonly').filter((l) => l !== 'a=rtcp-mux'),
        [...videoLines, 'a=sendonly'],
      ),
      context(),
    );
    const answer = written(state);
    expect(answer.media.map((m) => m.port)).toEqual([0, 4000, 0, 0, 0]);
    expect(answer.media[0]).toMatchObject({ protocol: 'UDP/DTLS/SCTP', formats: ['webrtc-datachannel'] });
    expect(groups(answer)).toEqual([{ semantics: 'BUNDLE', mids: ['1'] }]);
  });

  it('takes data channels alone where they are wanted, and beside audio that comes later', () => {
    const wishes = { ...context(), dataChannels: true };
    const state = answerOffer(start(), parsed(section(dataLines, '0', 'sendrecv')), wishes);
    const answer = written(state);
    expect(groups(answer)).toEqual([{ semantics: 'BUNDLE', mids: ['0'] }]);
    expect(answer.media[0]).toMatchObject({
      port: 4000,
      protocol: 'UDP/DTLS/SCTP',
      formats: ['webrtc-datachannel'],
    });
    expect(attributeValue(answer.media[0]!, 'sctp-port')).toBe('5000');
    expect(answer.media[0]?.attributes.map(({ name }) => name)).not.toContain('rtcp-mux');
    const both = parsed(section(dataLines, '0', 'sendrecv'), section(audioLines, '1', 'sendonly'));
    const later = written(answerOffer(state, both, wishes));
    expect(later.media.map((m) => m.port)).toEqual([4000, 4000]);
    expect(groups(later)).toEqual([{ semantics: 'BUNDLE', mids: ['0', '1'] }]);
  });

  it('takes key presses beside audio that comes in, at the rate offered', () => {
    const answer = written(answerOffer(start(), parsed(section(audioLines, '0', 'sendonly')), context()));
    expect(attributeValues(answer.media[0]!, 'rtpmap')).toContain('110 telephone-event/48000');
    expect(attributeValues(answer.media[0]!, 'fmtp')).toContain('110 0-15');
    const silent = written(answerOffer(start(), parsed(section(audioLines, '0', 'recvonly')), context()));
    expect(silent.media[0]?.formats).not.toContain('110');
  });

  it('answers a SIP client that has one audio section and bundles nothing, and sends to it in that section', () => {
    const offer = parsed([...audioLines, 'a=sendrecv', 'a=msid:s t']);
    const answer = written(answerOffer(start(), offer, context([want('p.1')])));
    expect(groups(answer)).toEqual([]);
    expect(answer.media.map((m) => [direction(m), msids(m)[0]?.streamId, m.formats])).toEqual([
      ['sendrecv', 'p.1', ['111', '0', '8', '9', '110']],
    ]);
  });

  it('uses the payload types of Firefox, and repeats its protocol', () => {
    const firefox = [
      'm=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101',
      'c=IN IP4 0.0.0.0',
      'a=sendrecv',
      'a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1',
      'a=mid:0',
      'a=msid:- {2f1a}',
      'a=rtcp-mux',
      'a=rtpmap:109 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000/1',
      'a=ssrc:123 cname:{x}',
    ];
    const state = answerOffer(start(), parsed(firefox), context());
    expect(state.sections[0]?.incoming).toEqual({ streamKey: 'mid:0', label: null, ssrcs: [123] });
    const offered = written(createOffer(state, context([want('p.1')]), new Set()));
    expect(offered.media.map((m) => m.formats)).toEqual([['109', '0', '8', '9', '101']]);
    const second = written(createOffer(state, context([want('p.1'), want('p.2')]), new Set()));
    expect(second.media[1]?.formats).toEqual(['109', '0', '8', '9']);
  });

  it('refuses what it could take nothing of', () => {
    const refusal = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        if (error instanceof SdpRefusal) return error.code;
        throw error;
      }
      return 'taken';
    };
    const answered = (...sections: string[][]) =>
      refusal(() => answerOffer(start(), parsed(...sections), context([], 3)));
    expect(answered(section(dataLines, '0', 'sendrecv'))).toBe('no-common-codec');
    expect(answered(section(audioLines, '0', 'sendrecv'), section(audioLines, '0', 'sendrecv'))).toBe(
      'bad-sdp',
    );
    expect(answered(...[0, 1, 2, 3].map((n) => section(audioLines, `${n}`, 'recvonly')))).toBe('bad-sdp');
    for (const missing of ['a=ice-ufrag', 'a=ice-pwd', 'a=fingerprint']) {
      const cut = text(section(audioLines, '0', 'sendrecv'))
        .split('\r\n')
        .filter((l) => !l.startsWith(missing));
      expect(refusal(() => readRemoteTransport(parseSessionDescription(cut.join('\r\n'))))).toBe('bad-sdp');
    }
  });

  it('refuses a re-offer in which sections vanished or became others, and keeps what was', () => {
    const state = answerOffer(
      start(),
      parsed(section(audioLines, '0', 'sendonly'), section(videoLines, '1', 'sendonly')),
      context(),
    );
    for (const sections of [
      [section(audioLines, '0', 'sendonly')],
      [section(audioLines, '0', 'sendonly'), section(audioLines, '1', 'sendonly')],
      [section(audioLines, '0', 'sendonly'), section(videoLines, '9', 'sendonly')],
    ])
      expect(() => answerOffer(state, parsed(...sections), context())).toThrow(SdpRefusal);
  });

  it('lets a browser use the line of a section it stopped for another', () => {
    const first = answerOffer(
      start(),
      parsed(section(audioLines, '0', 'sendonly'), section(videoLines, '1', 'sendonly')),
      context(),
    );
    const stopped = answerOffer(
      first,
      parsed(
        section(audioLines, '0', 'sendonly'),
        section([videoLines[0]!.replace(' 9 ', ' 0 '), ...videoLines.slice(1)], '1', 'inactive'),
      ),
      context(),
    );
    expect(stopped.sections[1]).toMatchObject({ rejected: true });
    const again = answerOffer(
      stopped,
      parsed(section(audioLines, '0', 'sendonly'), section(audioLines, '5', 'sendonly')),
      context(),
    );
    expect(again.sections[1]).toMatchObject({ mid: '5', kind: 'audio', rejected: false });
  });

  it('stops sending while the browser holds, without asking it again, and goes on when it resumes', () => {
    const wanted = [want('p.1')];
    const first = answerOffer(start(), parsed(section(audioLines, '0', 'sendrecv')), context(wanted));
    expect(first.sections[0]?.outgoing).toMatchObject({ streamId: 'p.1', active: true });
    const held = answerOffer(first, parsed(section(audioLines, '0', 'sendonly')), context(wanted));
    expect(held.sections[0]?.outgoing).toMatchObject({ streamId: 'p.1', active: false });
    expect(direction(written(held).media[0]!)).toBe('recvonly');
    expect(needsOffer(held, wanted, 64)).toBe(false);
    const resumed = answerOffer(held, parsed(section(audioLines, '0', 'sendrecv')), context(wanted));
    expect(resumed.sections[0]?.outgoing).toMatchObject({
      ssrc: first.sections[0]?.outgoing?.ssrc,
      active: true,
    });
  });
});

describe('offering to a browser', () => {
  const joined = () => answerOffer(start(), parsed(section(audioLines, '0', 'recvonly')), context());

  it('names stream, track and alias, and gives audio and video of a stream one msid and one cname', () => {
    const wanted = [want('p.1'), want('p.1', 'video')];
    const offer = written(createOffer(joined(), context(wanted), new Set()));
    expect(offer.media.map((m) => [mid(m), direction(m), msids(m)[0], label(m)])).toEqual([
      ['0', 'sendonly', { streamId: 'p.1', trackId: 'p.1-a' }, 'alias%20of%20p.1'],
      ['g0', 'sendonly', { streamId: 'p.1', trackId: 'p.1-v' }, 'alias%20of%20p.1'],
    ]);
    expect(offer.media.map((m) => /cname:(.*)/.exec(attributeValue(m, 'ssrc') ?? '')?.[1])).toEqual([
      'p.1',
      'p.1',
    ]);
    expect(offer.origin.sessionVersion).toBe('2');
  });

  it('ends a stream before its section is another stream', () => {
    const one = [want('p.1')];
    const sending = acceptAnswer(
      createOffer(joined(), context(one), new Set()),
      answerTo(createOffer(joined(), context(one), new Set())),
    );
    const two = [want('p.2')];
    expect(needsOffer(sending, two, 64)).toBe(true);
    const ending = createOffer(sending, context(two), new Set());
    expect(written(ending).media.map((m) => direction(m))).toEqual(['inactive']);
    const ended = acceptAnswer(ending, answerTo(ending));
    expect(needsOffer(ended, two, 64)).toBe(true);
    const again = createOffer(ended, context(two), new Set());
    expect(written(again).media.map((m) => [direction(m), msids(m)[0]?.streamId])).toEqual([
      ['sendonly', 'p.2'],
    ]);
    expect(needsOffer(acceptAnswer(again, answerTo(again)), two, 64)).toBe(false);
  });

  it('takes a port 0 as "does not receive that", does not ask again, and uses the line for another kind', () => {
    const wanted = [want('p.1'), want('p.1', 'video')];
    const proposed = createOffer(joined(), context(wanted), new Set());
    const state = acceptAnswer(proposed, answerTo(proposed, { g0: 'reject' }));
    expect(needsOffer(state, wanted, 64)).toBe(false);
    const more = [...wanted, want('p.2')];
    const next = createOffer(state, context(more), new Set());
    expect(next.sections.map((s) => [s.mid, s.kind, s.outgoing?.streamId])).toEqual([
      ['0', 'audio', 'p.1'],
      ['g1', 'audio', 'p.2'],
    ]);
    // Wanted anew after it was gone, it is offered again.
    expect(needsOffer(createOffer(state, context([]), new Set()), wanted, 64)).toBe(true);
  });

  it('never has more sections than allowed: what finds no place is left out', () => {
    const wanted = [want('p.1'), want('p.2'), want('p.3'), want('p.4')];
    const proposed = createOffer(joined(), context(wanted, 3), new Set());
    expect(proposed.sections.map((s) => s.outgoing?.streamId)).toEqual(['p.1', 'p.2', 'p.3']);
    expect(needsOffer(acceptAnswer(proposed, answerTo(proposed)), wanted, 3)).toBe(false);
  });

  it('offers first to a far end that waits: audio both ways where it may publish, else what there is to hear', () => {
    const both = createOffer(start(), context([want('p.1')]), new Set<TrackKind>(['audio']));
    expect(written(both).media.map((m) => [m.kind, direction(m)])).toEqual([['audio', 'sendrecv']]);
    const state = acceptAnswer(both, answerTo(both));
    expect(state.sections[0]).toMatchObject({
      incoming: { streamKey: 'mid:g0' },
      outgoing: { active: true },
    });
    expect(written(createOffer(start(), context(), new Set())).media.map((m) => direction(m))).toEqual([
      'inactive',
    ]);
    expect(
      written(createOffer(start(), context([want('p.1')]), new Set())).media.map((m) => direction(m)),
    ).toEqual(['sendonly']);
  });

  it('uses no version and no mid twice after a rollback', () => {
    const state = joined();
    const proposed = createOffer(state, context([want('p.1'), want('p.2')]), new Set());
    const back = rollback(state, proposed);
    expect(back.sections).toBe(state.sections);
    const again = createOffer(back, context([want('p.1'), want('p.2')]), new Set());
    expect([again.version, again.sections[1]?.mid]).toEqual([proposed.version + 1, 'g1']);
  });

  it('refuses an answer that does not fit the offer', () => {
    const proposed = createOffer(joined(), context([want('p.1'), want('p.2')]), new Set());
    const answer = answerTo(proposed);
    expect(() => acceptAnswer(proposed, { ...answer, media: answer.media.slice(1) })).toThrow(SdpRefusal);
    expect(() => acceptAnswer(proposed, { ...answer, media: [...answer.media].reverse() })).toThrow(
      SdpRefusal,
    );
  });
});

it('stays in order whatever is wanted and answered: places, mids and SSRCs are kept and never shared', () => {
  const wish = fc.uniqueArray(
    fc.record({
      n: fc.integer({ min: 1, max: 6 }),
      kind: fc.constantFrom('audio' as const, 'video' as const),
    }),
    { selector: ({ n, kind }) => `${n}${kind}`, maxLength: 8 },
  );
  const step = fc.record({ wish, refuses: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state = answerOffer(start(), parsed(section(audioLines, '0', 'recvonly')), context());
      let ssrc = 1;
      for (const { wish: wishes, refuses } of steps) {
        const wanted = wishes.map(({ n, kind }) => want(`p.${n}`, kind));
        for (let round = 0; round < 4 && needsOffer(state, wanted, 16); round++) {
          const limits = { ...context(wanted, 16), newSsrc: () => ssrc++ };
          const proposed = createOffer(state, limits, new Set());
          const victim = refuses ? proposed.sections.find((s) => s.mid?.startsWith('g'))?.mid : undefined;
          const directions = victim === undefined || victim === null ? {} : { [victim]: 'reject' };
          const next = acceptAnswer(proposed, answerTo(proposed, directions));
          expect(next.sections.length).toBeGreaterThanOrEqual(state.sections.length);
          state = next;
        }
        expect(needsOffer(state, wanted, 16)).toBe(false);
        const carried = state.sections.flatMap((s) =>
          s.outgoing ? [`${s.outgoing.streamId}${s.kind}`] : [],
        );
        expect(new Set(carried).size).toBe(carried.length);
        const ssrcs = state.sections.flatMap((s) => s.outgoing?.ssrc ?? []);
        expect(new Set(ssrcs).size).toBe(ssrcs.length);
        const mids = state.sections.map((s) => s.mid);
        expect(new Set(mids).size).toBe(mids.length);
      }
      expect(state.sections.length).toBeLessThanOrEqual(14);
    }),
    { numRuns: 60 },
  );
});
