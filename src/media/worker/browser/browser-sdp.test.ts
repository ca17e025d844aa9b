import { describe, expect, it } from 'vitest';
import {
  audioLines,
  context,
  dataLines,
  parsed,
  section,
  start,
  text,
  videoLines,
  want,
  written,
} from '../../../../test/support/browser-descriptions.js';
import { attributeValue, attributeValues, direction, groups, msids } from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import { parseSessionDescription } from '../../../sdp/session-description.js';
import { answerOffer, createOffer } from './browser-sdp.js';
import { needsOffer } from './browser-sections.js';
import { readRemoteTransport } from './remote-description.js';

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

  it('takes audio and video, opus and VP8 first, with the feedback both know, and what is sent again beside it (RFC 4588)', () => {
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
      ['video', 4000, ['96', '97'], 'recvonly'],
    ]);
    expect(answer.media[1]?.attributes.filter((a) => a.name === 'rtcp-fb').map((a) => a.value)).toEqual([
      '96 goog-remb',
      '96 transport-cc',
      '96 nack',
      '96 nack pli',
    ]);
    expect(groups(answer)).toEqual([{ semantics: 'BUNDLE', mids: ['0', '1'] }]);
    expect(state.sections.map((s) => s.incoming)).toEqual([
      { streamKey: 's', label: 'head set', ssrcs: [7], repairs: new Map() },
      { streamKey: 's', label: null, ssrcs: [8], repairs: new Map([[9, 8]]) },
    ]);
    expect(attributeValue(answer.media[0]!, 'end-of-candidates')).toBeNull();
    expect(answer.media.map((m) => m.attributes.filter((a) => a.name === 'candidate').length)).toEqual([
      1, 0,
    ]);
  });

  it('takes the number that counts all packets of the transport where the browser would be told when they came', () => {
    const uri = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
    const extensions = (lines: readonly string[], way: string): string[] => {
      const state = answerOffer(
        start(),
        parsed(section([...lines], '0', way, `a=extmap:3 ${uri}`)),
        context(),
      );
      return attributeValues(written(state).media[0]!, 'extmap');
    };
    expect(extensions(videoLines, 'sendonly')).toEqual([`3 ${uri}`]);
    expect(extensions(videoLines, 'recvonly')).toEqual([]);
    const without = videoLines.filter((line) => !line.includes('transport-cc'));
    expect(extensions(without, 'sendonly')).toEqual([]);
  });

  it('rejects in place what it cannot take: data channels, unknown codecs, no rtcp-mux, outside the BUNDLE', () => {
    const state = answerOffer(
      start(),
      parsed(
        section(dataLines, '0', 'sendrecv'),
        section(audioLines, '1', 'sendonly'),
        ['m=video 9 UDP/TLS/RTP/SAVPF 98', 'a=rtpmap:98 H265/90000', 'a=rtcp-mux', 'a=mid:2'],
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
    expect(state.sections[0]?.incoming).toMatchObject({ streamKey: 'mid:0', label: null, ssrcs: [123] });
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
