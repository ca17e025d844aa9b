import { expect, it } from 'vitest';
import { parseMessage, parseVia } from '../../sip-server/index.js';
import { faultLine } from './fault-line.js';

const lines = [
  'INVITE sip:join@gw.example SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKa',
  'v: SIP/2.0/UDP 192.0.2.6:5060;branch=z9hG4bKb',
  'From: <sip:a@b>;tag=1',
  't: <sip:join@gw.example>',
  'Call-ID: c1',
  'CSeq: 1 INVITE',
  'Contact: <sip:a@192.0.2.5>',
];

it.each<[line: number | null, at: number, text: string]>([
  [1, 1, 'INVITE join SIP/2.0'],
  [1, 1, 'INVITE sip:a@b SIP/3.0'],
  [3, 3, 'v: SIP/2.0/UDP'],
  [4, 4, 'From: nobody'],
  [5, 5, 't: <sip:join'],
  [6, 6, 'Call-ID: two words'],
  [7, 7, 'CSeq: x INVITE'],
  [7, 7, 'CSeq: 1 BYE'],
  [8, 8, 'Contact: <tel:1>'],
  [8, 8, 'From: <sip:a@b>;tag=2'],
  [8, 8, 'no field'],
  [null, 6, 'X-Call-ID: c1'],
])('a fault is in line %s: %s, %s', (line, at, text) => {
  const message = [...lines.slice(0, at - 1), text, ...lines.slice(at), '', ''].join('\r\n');
  const parsed = parseMessage(Buffer.from(message));
  expect(parsed.ok).toBe(false);
  const isWrong = (name: string, value: string) => name !== 'Via' || parseVia(value) === null;
  if (!parsed.ok) expect(faultLine(message, parsed.reason, isWrong), parsed.reason).toBe(line);
});
