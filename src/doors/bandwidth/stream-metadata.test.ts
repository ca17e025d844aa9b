import { describe, expect, it } from 'vitest';
import { diagnosticsSummary } from './diagnostics.js';
import { publishedMetadata, readPublishOffer, subscribedMetadata } from './stream-metadata.js';

const sending = (...msids: readonly string[]): string =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1']
    .concat(msids.flatMap((msid) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=sendonly', `a=msid:${msid} t`]))
    .join('\r\n');

describe('the params of offerSdp', () => {
  it('give the offer and the alias of each stream', () => {
    const mediaStreams = { s1: { alias: 'mic' }, s2: {}, s3: { alias: 7 }, s4: null, s5: { alias: 'a\nb' } };
    expect(readPublishOffer({ sdpOffer: 'v=0', mediaMetadata: { mediaStreams } })).toEqual({
      sdpOffer: 'v=0',
      aliases: new Map([['s1', 'mic']]),
    });
  });

  it('may lack metadata, or have it in any shape', () => {
    for (const mediaMetadata of [undefined, null, 1, [], {}, { mediaStreams: 'x' }, { mediaStreams: [] }])
      expect(readPublishOffer({ sdpOffer: 'v=0', mediaMetadata }).aliases.size).toBe(0);
  });

  it('do not give more aliases, or longer ones, than are taken', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`s${n}`, { alias: 'x' }]));
    const read = readPublishOffer({ sdpOffer: 'v=0', mediaMetadata: { mediaStreams: many } });
    expect(read.aliases.size).toBe(64);
    const long = { s: { alias: 'x'.repeat(129) }, lone: { alias: '\ud800' } };
    expect(readPublishOffer({ sdpOffer: 'v=0', mediaMetadata: { mediaStreams: long } }).aliases.size).toBe(0);
  });

  it.each([undefined, null, [], {}, { sdpOffer: 1 }, 'v=0'])('are refused without an offer: %j', (params) => {
    expect(() => readPublishOffer(params)).toThrow('sdpOffer is missing');
  });
});

describe('stream metadata', () => {
  it('tells a publisher what of its streams it may publish', () => {
    expect(publishedMetadata(sending('s1', 's2'), 'E', 'p', ['AUDIO'])).toEqual({
      s1: { endpointId: 'E', mediaTypes: ['AUDIO'], participantId: 'p' },
      s2: { endpointId: 'E', mediaTypes: ['AUDIO'], participantId: 'p' },
    });
    expect(publishedMetadata(sending('s1'), 'E', 'p', ['VIDEO'])['s1']?.mediaTypes).toEqual([]);
  });

  it('tells a subscriber whose stream each is, by the id that begins with the publisher’s', () => {
    const offer = `${sending('7a1c8d0e-2f4b-4c6d-8e9f-00000000000a.17')}\r\na=label:my%20mic\r\n`;
    expect(subscribedMetadata(offer)).toEqual({
      '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a.17': {
        endpointId: '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a.17',
        mediaTypes: ['AUDIO'],
        alias: 'my mic',
        participantId: '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a',
      },
    });
  });

  it('takes any name for a stream', () => {
    const metadata = publishedMetadata(sending('__proto__'), 'E', 'p', ['AUDIO']);
    expect(JSON.stringify(metadata)).toContain('"__proto__":{"endpointId":"E"');
  });
});

describe('diagnostics', () => {
  it('are counted by level and otherwise forgotten', () => {
    const logs = [{ level: 'debug', message: ['token=x'] }, { level: 'warn' }, { level: 'token' }, null];
    expect(diagnosticsSummary({ logs })).toEqual({ debug: 1, info: 0, warn: 1, error: 0, other: 2 });
    expect(diagnosticsSummary({ logs: Array(20_000).fill({ level: 'info' }) }).info).toBe(10_000);
    for (const params of [undefined, null, [], { logs: 1 }])
      expect(Object.values(diagnosticsSummary(params))).toEqual([0, 0, 0, 0, 0]);
  });
});
