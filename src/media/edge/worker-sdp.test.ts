import { expect, it } from 'vitest';
import { formatInnerEnd, lawBeside, readInnerAddress } from './worker-sdp.js';

it('describes one end to the other in one law with key presses', () => {
  const text = formatInnerEnd(
    { address: '192.0.2.1', port: 4000 },
    'PCMA',
    { sessionId: '7', version: 2 },
    'inactive',
  );
  expect(text).toContain('m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n');
  expect(text).toContain('a=inactive');
  expect(readInnerAddress(text)).toEqual({ address: '192.0.2.1', port: 4000 });
});

it('chooses the law that needs no transcoding', () => {
  expect(lawBeside('PCMA')).toBe('PCMA');
  expect(lawBeside('PCMU')).toBe('PCMU');
  expect(lawBeside('opus')).toBe('PCMU');
});
