import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SdpRefusal } from './sdp-refusal.js';
import {
  formatSessionDescription,
  maxMediaDescriptions,
  parseSessionDescription,
} from './session-description.js';

const carrierOffer = [
  'v=0',
  'o=- 3904412 18446744073709551615 IN IP4 192.0.2.10',
  's=carrier',
  'i=ignored',
  'c=IN IP4 192.0.2.11',
  'b=AS:84',
  't=0 0',
  'a=sendrecv',
  'm=audio 30000/2 RTP/AVP 0 8 101',
  'c=IN IP6 2001:db8::1',
  'b=TIAS:64000',
  'a=rtpmap:101 telephone-event/8000',
  'a=rtcp-mux',
  'a=label:',
  'm=video 0 RTP/AVP 31',
  '',
].join('\r\n');

const codeOf = (text: string): string => {
  try {
    parseSessionDescription(text);
    return 'parsed';
  } catch (error) {
    return error instanceof SdpRefusal ? error.code : 'another error';
  }
};

describe('parseSessionDescription', () => {
  it('reads origin, connection, bandwidth, sections and attributes where they stand', () => {
    const description = parseSessionDescription(carrierOffer);
    expect(description.origin).toEqual({
      username: '-',
      sessionId: '3904412',
      sessionVersion: '18446744073709551615',
      addressType: 'IP4',
      address: '192.0.2.10',
    });
    expect(description.sessionName).toBe('carrier');
    expect(description.connection).toEqual({ addressType: 'IP4', address: '192.0.2.11' });
    expect(description.bandwidth).toEqual([{ type: 'AS', value: 84 }]);
    expect(description.attributes).toEqual([{ name: 'sendrecv', value: null }]);
    expect(description.media).toEqual([
      {
        kind: 'audio',
        port: 30000,
        portCount: 2,
        protocol: 'RTP/AVP',
        formats: ['0', '8', '101'],
        connection: { addressType: 'IP6', address: '2001:db8::1' },
        bandwidth: [{ type: 'TIAS', value: 64000 }],
        attributes: [
          { name: 'rtpmap', value: '101 telephone-event/8000' },
          { name: 'rtcp-mux', value: null },
          { name: 'label', value: '' },
        ],
      },
      { kind: 'video', port: 0, protocol: 'RTP/AVP', formats: ['31'], bandwidth: [], attributes: [] },
    ]);
  });

  it('takes a description behind the mark of UTF-8', () => {
    expect(parseSessionDescription(`\ufeff${carrierOffer}`)).toEqual(parseSessionDescription(carrierOffer));
  });

  it('takes bare LF line ends, blank lines, a missing last line end and missing s= and t=', () => {
    const description = parseSessionDescription('v=0\no=- 1 1 IN IP4 1.2.3.4\n\nm=audio 9 RTP/AVP 0');
    expect(description.sessionName).toBe('-');
    expect(description.media).toHaveLength(1);
  });

  it.each([
    ['without a user name', 'o= 7 1 IN IP4 192.0.2.1', '-'],
    ['with blanks in it', 'o=Front  Desk Phone 7 1 IN IP4 192.0.2.1', 'Front Desk Phone'],
    ['with a tab before the numbers', 'o=alice\t7 1 in ip4 192.0.2.1 ', 'alice'],
  ])('reads an origin %s, which no answer depends on', (_, line, username) => {
    const { origin } = parseSessionDescription(`v=0\n${line}\nm=audio 9 RTP/AVP 0`);
    expect(origin).toMatchObject({ username, sessionId: '7', address: '192.0.2.1' });
  });

  it('takes the first of several addresses and drops a multicast address to its address', () => {
    const text =
      'v=0\no=- 1 1 IN IP4 h\nm=audio 9 RTP/AVP 0\nc=IN IP4 233.252.0.1/127/3\nc=IN IP4 233.252.0.9';
    expect(parseSessionDescription(text).media[0]?.connection?.address).toBe('233.252.0.1');
  });

  it.each([
    ['nothing', ''],
    ['another version', carrierOffer.replace('v=0', 'v=1')],
    ['a missing origin', carrierOffer.replace(/o=.*\r\n/, '')],
    ['an origin without a version', carrierOffer.replace(/o=.*\r\n/, 'o=1 IN IP4 192.0.2.1\r\n')],
    ['an origin without a network', carrierOffer.replace(/o=.*\r\n/, 'o=- 1 1 IP4 192.0.2.1\r\n')],
    ['two origins', carrierOffer.replace('s=carrier', 'o=- 1 1 IN IP4 h')],
    ['a line that is no field', carrierOffer.replace('i=ignored', 'hello world')],
    ['a folded line', carrierOffer.replace('i=ignored', ' =x')],
    ['an m-line without protocol', carrierOffer.replace('0 RTP/AVP 31', '0')],
    ['an m-line without anything', carrierOffer.replace('video 0 RTP/AVP 31', '')],
    ['an address family of ATM', carrierOffer.replace('c=IN IP4', 'c=IN NSAP')],
    ['a NUL', carrierOffer.replace('carrier', 'car\0rier')],
    ['more than 64 kB', carrierOffer + 'a=x\r\n'.repeat(14_000)],
    ['more than 64 kB in UTF-8', carrierOffer.replace('carrier', 'é'.repeat(33_000))],
    ['too many sections', carrierOffer + 'm=audio 9 RTP/AVP 0\r\n'.repeat(maxMediaDescriptions)],
    ['JSON', '{"type":"offer"}'],
  ])('refuses %s as bad-sdp', (_, text) => {
    expect(codeOf(text)).toBe('bad-sdp');
  });

  it.each([
    ['a video section without formats', 'm=video 0 RTP/AVP'],
    ['an application section without formats', 'm=application 9 TCP/MRCPv2'],
    ['an audio section without formats', 'm=audio 0 RTP/AVP'],
  ])('reads %s, and writes one where one must stand', (_, line) => {
    const description = parseSessionDescription(`${carrierOffer}${line}\r\n`);
    expect(description.media.at(-1)).toMatchObject({ formats: [] });
    expect(description.media.at(-1)).not.toHaveProperty('fault');
    expect(formatSessionDescription(description)).toContain(`${line} 0\r\n`);
  });

  it.each([
    ['a port that is no port', 'm=video 70000 RTP/AVP 31'],
    ['a negative port', 'm=video -1 RTP/AVP 31'],
    ['a port in words', 'm=video none RTP/AVP 31'],
    ['a port count of none', 'm=video 30000/0 RTP/AVP 31'],
    ['an address of the telephone network', 'm=data 30000 RFC2543 x\r\nc=TN RFC2543 +1-201-406-4090'],
    ['an address family of ATM', 'm=video 30000 AAL1/ATMF 31\r\nc=ATM NSAP 47.0091'],
    ['no address in its c= line', 'm=video 30000 RTP/AVP 31\r\nc=IN IP4'],
    ['a folded line', 'm=video 30000 RTP/AVP 31\r\n a=x'],
    ['a line that is no field', 'm=video 30000 RTP/AVP 31\r\nhello world'],
  ])('lets %s cost its own section alone', (_, section) => {
    const { media } = parseSessionDescription(`${carrierOffer}${section}\r\n`);
    expect(media.map(({ port }) => port)).toEqual([30_000, 0, 0]);
    expect(media.map(({ fault }) => typeof fault)).toEqual(['undefined', 'undefined', 'string']);
  });

  it('throws nothing but SdpRefusal, whatever the text', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.constantFrom(...'voscbmatzki'), fc.string()).map(([type, value]) => `${type}=${value}`),
      fc.constantFrom(...carrierOffer.split('\r\n')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.boolean(), (lines, headed) => {
        const text = [...(headed ? ['v=0', 'o=- 1 1 IN IP4 h'] : []), ...lines].join('\n');
        expect(['parsed', 'bad-sdp']).toContain(codeOf(text));
      }),
    );
  });
});

describe('formatSessionDescription', () => {
  const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-.'), minLength: 1, maxLength: 8 });
  const attributes = fc.array(
    fc.record({ name: token, value: fc.oneof(fc.constant(null), fc.constant(''), token) }),
    { maxLength: 4 },
  );
  const connection = fc.record({
    addressType: fc.constantFrom('IP4' as const, 'IP6' as const),
    address: token,
  });
  const bandwidth = fc.array(fc.record({ type: token, value: fc.nat() }), { maxLength: 2 });
  const media = fc.record(
    {
      kind: token,
      port: fc.nat(65_535),
      portCount: fc.integer({ min: 1, max: 9 }),
      protocol: token,
      formats: fc.array(token, { minLength: 1, maxLength: 4 }),
      connection,
      bandwidth,
      attributes,
    },
    { requiredKeys: ['kind', 'port', 'protocol', 'formats', 'bandwidth', 'attributes'] },
  );
  const description = fc.record(
    {
      origin: fc.record({
        username: token,
        sessionId: token,
        sessionVersion: token,
        addressType: fc.constantFrom('IP4' as const, 'IP6' as const),
        address: token,
      }),
      sessionName: token,
      connection,
      attributes,
      media: fc.array(media, { maxLength: 4 }),
    },
    { requiredKeys: ['origin', 'sessionName', 'attributes', 'media'] },
  );

  it('writes what the parser reads back as the same value', () => {
    fc.assert(
      fc.property(description, (value) => {
        expect(parseSessionDescription(formatSessionDescription(value))).toEqual(value);
      }),
    );
  });

  it('is stable: what was parsed and formatted once is formatted the same again', () => {
    const once = formatSessionDescription(parseSessionDescription(carrierOffer));
    expect(formatSessionDescription(parseSessionDescription(once))).toBe(once);
    expect(once).toContain('m=audio 30000/2 RTP/AVP 0 8 101\r\nc=IN IP6 2001:db8::1\r\nb=TIAS:64000\r\n');
  });

  it('refuses to write a value that would break out of its line', () => {
    const parsed = parseSessionDescription(carrierOffer);
    const evil = { ...parsed, attributes: [{ name: 'label', value: 'x\r\nm=audio 1 RTP/AVP 0' }] };
    expect(() => formatSessionDescription(evil)).toThrow(TypeError);
  });
});
