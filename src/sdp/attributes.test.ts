import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as read from './attributes.js';
import type { Attribute, MediaDescription } from './session-description.js';

function section(lines: string[], formats = '0 8 9 111 96 101'): MediaDescription {
  const attributes = lines.map((line): Attribute => {
    const colon = line.indexOf(':');
    return colon < 0
      ? { name: line, value: null }
      : { name: line.slice(0, colon), value: line.slice(colon + 1) };
  });
  return {
    kind: 'audio',
    port: 9,
    protocol: 'RTP/AVP',
    formats: formats.split(' '),
    bandwidth: [],
    attributes,
  };
}

describe('direction', () => {
  it('is sendrecv unless the section or else the session says otherwise', () => {
    expect(read.direction(section([]))).toBe('sendrecv');
    expect(read.direction(section([]), section(['inactive']))).toBe('inactive');
    expect(read.direction(section(['recvonly']), section(['inactive']))).toBe('recvonly');
  });

  it('is read in any case, the first where there are several', () => {
    expect(read.direction(section(['SendOnly']))).toBe('sendonly');
    expect(read.direction(section([]), section(['INACTIVE']))).toBe('inactive');
    expect(read.direction(section(['ptime', 'recvonly', 'Sendrecv', 'inactive']))).toBe('recvonly');
  });

  it('is reversed for the other side', () => {
    expect(
      ['sendrecv', 'sendonly', 'recvonly', 'inactive'].map((d) => read.reversed(d as read.Direction)),
    ).toEqual(['sendrecv', 'recvonly', 'sendonly', 'inactive']);
  });
});

describe('payload formats', () => {
  it('lists what the payload types mean in the order of the m-line, static ones included', () => {
    const maps = read.rtpMaps(
      section(
        ['rtpmap:111 opus/48000/2', 'rtpmap:96 VP8/90000', 'rtpmap:77 not-in-the-m-line/8000', 'rtpmap:x y'],
        '111 0 96 500 zz',
      ),
    );
    expect(maps).toEqual([
      { payloadType: 111, encodingName: 'opus', clockRateHz: 48000, channels: 2 },
      { payloadType: 0, encodingName: 'PCMU', clockRateHz: 8000, channels: 1 },
      { payloadType: 96, encodingName: 'VP8', clockRateHz: 90000, channels: 1 },
    ]);
    expect(maps.map((m) => read.rtpMapAttribute(m).value)).toEqual([
      '111 opus/48000/2',
      '0 PCMU/8000',
      '96 VP8/90000',
    ]);
  });

  it('names a payload type once that the m-line repeats', () => {
    const repeated = section(['rtpmap:96 VP8/90000'], `96 0 ${'96 '.repeat(10_000)}0`);
    expect(read.rtpMaps(repeated).map(({ payloadType }) => payloadType)).toEqual([96, 0]);
  });

  it('lets an rtpmap redefine a static payload type', () => {
    expect(read.rtpMaps(section(['rtpmap:8 L16/8000'], '8'))[0]?.encodingName).toBe('L16');
  });

  it('finds the format parameters of a payload type and takes them apart', () => {
    const of = section(['fmtp:101 0-16', 'fmtp:111 minptime=10; UseInbandFEC=1;cbr']);
    expect(read.fmtp(of, 101)).toBe('0-16');
    expect(read.fmtp(of, 10)).toBeNull();
    expect([...read.parseFmtpParameters(read.fmtp(of, 111) ?? '')]).toEqual([
      ['minptime', '10'],
      ['useinbandfec', '1'],
      ['cbr', ''],
    ]);
  });

  it('reads feedback for one or for all payload types', () => {
    const of = section(['rtcp-fb:* nack', 'rtcp-fb:96 ccm fir', 'rtcp-fb:nonsense']);
    expect(read.rtcpFeedback(of)).toEqual([
      { payloadType: '*', type: 'nack', parameter: '' },
      { payloadType: 96, type: 'ccm', parameter: 'fir' },
    ]);
    expect(read.rtcpFeedback(of).map((f) => read.rtcpFeedbackAttribute(f).value)).toEqual([
      '* nack',
      '96 ccm fir',
    ]);
  });

  it('reads ptime only where it is a positive number', () => {
    expect(read.ptimeMs(section(['ptime:30']))).toBe(30);
    expect(read.ptimeMs(section(['ptime:0']))).toBeNull();
    expect(read.ptimeMs(section(['ptime:soon']))).toBeNull();
  });
});

describe('identification', () => {
  it('reads mid, label, msid, ssrc, groups and header extensions', () => {
    const of = section([
      'mid:1',
      'label:screen%20share',
      'msid:stream track',
      'msid:-',
      'ssrc:1234 cname:a:b',
      'ssrc:1234 msid:x y',
      'ssrc:99999999999 cname:too-big',
      'ssrc-group:FID 1234 5678',
      'extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid',
      'extmap:4 urn:x with attributes',
    ]);
    expect(read.mid(of)).toBe('1');
    expect(read.label(of)).toBe('screen%20share');
    expect(read.msids(of)).toEqual([
      { streamId: 'stream', trackId: 'track' },
      { streamId: '-', trackId: null },
    ]);
    expect(read.ssrcs(of)).toEqual([1234]);
    expect(read.ssrcAttributes(of)[0]).toEqual({ ssrc: 1234, name: 'cname', value: 'a:b' });
    expect(read.ssrcGroups(of)).toEqual([{ semantics: 'FID', ssrcs: [1234, 5678] }]);
    expect(read.headerExtensions(of)).toEqual([
      { id: 3, direction: 'sendonly', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' },
      { id: 4, direction: null, uri: 'urn:x' },
    ]);
    expect(read.groups(section(['group:BUNDLE 0 1', 'group:LS']))).toEqual([
      { semantics: 'BUNDLE', mids: ['0', '1'] },
      { semantics: 'LS', mids: [] },
    ]);
  });
});

describe('transport', () => {
  const pwd = 'asd88fgpdd777uzjYhagZg';
  const hex = 'AB:CD:01';

  it('falls back to the session for ICE credentials, fingerprint and setup', () => {
    const session = section([
      `ice-ufrag:F7gI`,
      `ice-pwd:${pwd}`,
      `fingerprint:SHA-256 ab:cd:01`,
      'setup:actpass',
    ]);
    expect(read.iceCredentials(section([]), session)).toEqual({ usernameFragment: 'F7gI', password: pwd });
    expect(read.fingerprints(section([]), session)).toEqual([{ algorithm: 'sha-256', value: hex }]);
    expect(read.setup(section([]), session)).toBe('actpass');
    expect(read.setup(section(['setup:active']), session)).toBe('active');
  });

  it('reads credentials and fingerprints that are malformed as absent', () => {
    expect(read.iceCredentials(section(['ice-ufrag:F7', `ice-pwd:${pwd}`]))).toBeNull();
    expect(read.iceCredentials(section(['ice-ufrag:F7gI', 'ice-pwd:short']))).toBeNull();
    expect(read.fingerprints(section(['fingerprint:sha-256 nothex']))).toEqual([]);
    expect(read.setup(section(['setup:maybe']))).toBeNull();
  });

  it('reads candidates and writes them back the same', () => {
    const value = '1 1 udp 2130706431 192.0.2.1 54400 typ srflx raddr 10.0.0.1 rport 9 generation 0';
    const [candidate] = read.iceCandidates(
      section([`candidate:${value}`, 'candidate:broken', `candidate:${value.replace('54400', '99999')}`]),
    );
    expect(candidate).toMatchObject({ address: '192.0.2.1', port: 54400, type: 'srflx', transport: 'udp' });
    expect(candidate && read.iceCandidateAttribute(candidate)).toEqual({ name: 'candidate', value });
  });

  it('reads the RTCP port with and without an address', () => {
    expect(read.rtcpAddress(section(['rtcp:53020']))).toEqual({ port: 53020, connection: null });
    expect(read.rtcpAddress(section(['rtcp:53020 IN IP4 192.0.2.7']))).toEqual({
      port: 53020,
      connection: { addressType: 'IP4', address: '192.0.2.7' },
    });
    expect(read.rtcpAddress(section(['rtcp:70000']))).toBeNull();
  });
});

it('no attribute value makes a reader throw', () => {
  const names = [
    'rtpmap',
    'fmtp',
    'rtcp-fb',
    'ptime',
    'msid',
    'ssrc',
    'ssrc-group',
    'group',
    'extmap',
    'rtcp',
    'ice-ufrag',
  ];
  names.push('ice-pwd', 'fingerprint', 'setup', 'candidate', 'mid', 'label');
  const attribute = fc.record({
    name: fc.constantFrom(...names),
    value: fc.oneof(fc.string(), fc.constant(null), fc.string({ unit: fc.constantFrom(...'0123 :/;=a') })),
  });
  fc.assert(
    fc.property(fc.array(attribute), fc.array(fc.string()), (attributes, formats) => {
      const of = { ...section([]), attributes, formats };
      for (const reader of [
        read.direction,
        read.rtpMaps,
        read.rtcpFeedback,
        read.ptimeMs,
        read.msids,
        read.ssrcAttributes,
      ])
        reader(of);
      for (const reader of [
        read.ssrcGroups,
        read.groups,
        read.headerExtensions,
        read.rtcpAddress,
        read.iceCredentials,
      ])
        reader(of);
      for (const reader of [read.fingerprints, read.setup, read.iceCandidates, read.mid, read.label])
        reader(of);
      read.parseFmtpParameters(read.fmtp(of, 0) ?? '');
    }),
  );
});
