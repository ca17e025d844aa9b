import { describe, expect, it } from 'vitest';
import { labelSections, parseMediaSections } from './session-description.js';

const participant = '7a1c8d0e-2f4b-4c6d-8e9f-0123456789ab';
const description = [
  'v=0',
  'o=- 5 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1 2',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=recvonly',
  'm=audio 9 UDP/TLS/RTP/SAVPF 0',
  'a=mid:1',
  'a=sendonly',
  `a=msid:${participant}.3 ${participant}.3-a`,
  'a=label:my%20mic%2Ftable',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'a=mid:2',
  'a=sendonly',
  '',
].join('\r\n');

describe('parseMediaSections', () => {
  it('reads stream, alias and direction of each section', () => {
    expect(parseMediaSections(description)).toEqual([
      { mid: '0', kind: 'audio', direction: 'recvonly', streamId: undefined, alias: undefined },
      { mid: '1', kind: 'audio', direction: 'sendonly', streamId: `${participant}.3`, alias: 'my mic/table' },
      { mid: '2', kind: 'video', direction: 'inactive', streamId: undefined, alias: undefined },
    ]);
  });

  it('takes a bundle-only section with port 0 for what it is', () => {
    const [, , video] = parseMediaSections(description.replace('a=mid:2', 'a=bundle-only\r\na=mid:2'));
    expect(video?.direction).toBe('sendonly');
  });

  it('inherits the session level direction, and sendrecv where nothing is said', () => {
    const bare = 'v=0\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\na=mid:x\r\n';
    expect(parseMediaSections(bare)[0]?.direction).toBe('sendrecv');
    expect(parseMediaSections(bare.replace('s=-', 's=-\r\na=inactive'))[0]?.direction).toBe('inactive');
  });

  it('takes an msid of "-" as no stream (RFC 8830 §2), and keeps a label that is not well encoded', () => {
    const text = 'v=0\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=msid:- track\r\na=label:100%\r\n';
    expect(parseMediaSections(text)[0]).toMatchObject({ streamId: undefined, alias: '100%' });
  });

  it('skips sections without a mid', () => {
    expect(parseMediaSections('v=0\r\nm=audio 9 RTP/AVP 0\r\n')).toEqual([]);
  });
});

describe('labelSections', () => {
  it('writes a label that reads back as the alias, whatever its characters', () => {
    const alias = 'Ünï (café) / 100% – "x"\r\na=sendrecv';
    const labelled = labelSections(description, new Map([['0', alias]]));
    expect(parseMediaSections(labelled)[0]).toMatchObject({ direction: 'recvonly', alias });
    expect(labelled.match(/^a=label:[\w!#$%&'*+.^`{|}~-]+\r$/gm)).toHaveLength(1);
  });

  it('drops labels that no longer hold and changes nothing else', () => {
    const unlabelled = labelSections(description, new Map());
    expect(unlabelled).toBe(description.replace('a=label:my%20mic%2Ftable\r\n', ''));
  });
});
