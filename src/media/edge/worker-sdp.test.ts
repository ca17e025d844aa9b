import { expect, it } from 'vitest';
import { formatInnerEnd, lawBeside, readInnerAddress } from './worker-sdp.js';

it('describes one end to the other in one law with key presses', () => {
  const at = { address: '192.0.2.1', port: 4000 };
  const identity = { sessionId: '7', version: 2 };
  const text = formatInnerEnd(at, { law: 'PCMA', direction: 'inactive', maxPtimeMs: null }, identity);
  expect(text).toContain('m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n');
  expect(text).toContain('a=inactive');
  expect(text).not.toContain('maxptime');
  expect(readInnerAddress(text)).toEqual({ address: '192.0.2.1', port: 4000 });
});

it('passes on how long packets may be', () => {
  const at = { address: '192.0.2.1', port: 4000 };
  const terms = { law: 'PCMU', direction: 'sendrecv', maxPtimeMs: 10 } as const;
  expect(formatInnerEnd(at, terms, { sessionId: '7', version: 2 })).toContain('a=maxptime:10\r\n');
});

it('chooses the law that needs no transcoding', () => {
  expect(lawBeside('PCMA')).toBe('PCMA');
  expect(lawBeside('PCMU')).toBe('PCMU');
  expect(lawBeside('opus')).toBe('PCMU');
});
