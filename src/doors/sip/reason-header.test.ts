import { expect, it } from 'vitest';
import { parseReason } from './reason-header.js';

it.each([
  ['Q.850;cause=16;text="Terminated"', { q850Cause: 16, text: 'Terminated' }],
  ['Q.850 ;cause=16 ;text="Terminated"', { q850Cause: 16, text: 'Terminated' }],
  ['q.850;text="x";CAUSE = 17', { q850Cause: 17, text: 'x' }],
  [
    'SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26',
    { q850Cause: 26, text: 'Call completed elsewhere' },
  ],
  // A comma within a text hid the cause behind it.
  ['Q.850;text="busy, try later";cause=17', { q850Cause: 17, text: 'busy, try later' }],
  [
    'SIP;cause=486;text="no, not now",Q.850;cause=17;text="User busy"',
    { q850Cause: 17, text: 'no, not now' },
  ],
  // A text that looks like a cause was one.
  ['SIP;cause=480;text="gateway said Q.850;cause=99"', { text: 'gateway said Q.850;cause=99' }],
  ['SIP;text="cause=3, Q.850;cause=99", Q.850;cause=31', { q850Cause: 31, text: 'cause=3, Q.850;cause=99' }],
  ['X-Q.850;cause=99', {}],
  ['Q.850;x-cause=99', {}],
  // A text within a text, too.
  [
    String.raw`SIP;cause=503;text="he said \"text=\\\"no\\\", Q.850;cause=1\""`,
    { text: String.raw`he said "text=\"no\", Q.850;cause=1"` },
  ],
  ['Q.850;cause=sixteen;text="x"', { text: 'x' }],
  ['Q.850;cause=1600', {}],
  ['Q.850;cause=127', { q850Cause: 127 }],
  ['Q.850;cause=128;text="x"', { text: 'x' }],
  ['Q.850;cause=999, Q.850;cause=31', { q850Cause: 31 }],
  ['Q.850;cause=16;text=plain', { q850Cause: 16, text: 'plain' }],
  ['Q.850;cause=16;text="open', { q850Cause: 16, text: 'open' }],
  ['Q.850;cause="16"', { q850Cause: 16 }],
  ['SIP ;cause=200 , Q.850;cause=031;text=""', { q850Cause: 31, text: '' }],
  ['', {}],
  [undefined, {}],
  [`Q.850;cause=16;text="${'x'.repeat(1100)}"`, {}],
])('%s says %j', (header, expected) => {
  expect(parseReason(header)).toEqual(expected);
});

it('keeps 200 characters of a text', () => {
  expect(parseReason(`SIP;text="${'x'.repeat(300)}"`).text).toHaveLength(200);
});
