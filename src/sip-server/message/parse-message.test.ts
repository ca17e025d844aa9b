import { expect, it } from 'vitest';
import { formatMessage } from './format-message.js';
import { parseMessage } from './parse-message.js';

const INVITE = [
  'INVITE sip:bob@biloxi.example SIP/2.0',
  'v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2',
  'To: <sip:bob@biloxi.example>',
  'f: "A, B" <sip:alice@atlanta.example>;tag=1',
  'Call-ID: a@b',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@192.0.2.1>',
  'Subject: one',
  '  two',
  'l: 4',
  '',
  'v=0\nmore than stated',
].join('\r\n');

it('reads a request with folded, compact and listed header fields', () => {
  const result = parseMessage(Buffer.from(INVITE));
  if (!result.ok) throw new Error(result.reason);
  expect(result.message.headers.all('Via')).toHaveLength(2);
  expect(result.message.headers.get('subject')).toBe('one two');
  expect(result.message.body.toString()).toBe('v=0\n');
  const again = parseMessage(formatMessage(result.message));
  expect(again.ok && [...again.message.headers]).toEqual([...result.message.headers]);
});
