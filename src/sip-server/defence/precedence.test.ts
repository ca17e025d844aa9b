import { expect, it } from 'vitest';
import { precedenceOf } from './precedence.js';

const known = '192.0.2.1';
const stranger = '192.0.2.2';
const spent = '192.0.2.3';
const of = (lines: readonly string[], address = stranger) =>
  precedenceOf(Buffer.from([...lines, '', ''].join('\r\n')), address, {
    guard: {
      isTrusted: (one) => one === known,
      hasSpentAnswers: (one) => one === spent,
    },
    isPromising: (head) => head.includes('X-Token:'),
  });

const invite = ['INVITE sip:1@gw SIP/2.0', 'To: <sip:1@gw>', 'From: <sip:2@x>;tag=a'];

it('who is known is read at once, whatever it is', () => {
  expect(of(invite, known)).toBe('at-once');
  expect(of(['no SIP at all'], known)).toBe('at-once');
});

it('a stranger’s request for something new waits, that which shows nothing behind that which may', () => {
  expect(of(invite)).toBe('later');
  expect(of(['', ...invite])).toBe('later');
  expect(of([...invite, 'X-Token: 1'])).toBe('soon');
  expect(of(['OPTIONS sip:gw SIP/2.0', 'To: <sip:gw>'])).toBe('later');
  expect(of(['no SIP at all'])).toBe('later');
});

it.each([
  ['SIP/2.0 200 OK'],
  ['ACK sip:gw SIP/2.0'],
  ['BYE sip:gw SIP/2.0'],
  ['PRACK sip:gw SIP/2.0'],
  ['UPDATE sip:gw SIP/2.0'],
  ['INFO sip:gw SIP/2.0'],
  ['INVITE sip:gw SIP/2.0', 'To: <sip:1@gw>;tag=b'],
  ['INVITE sip:gw SIP/2.0', 't : "a" <sip:1@gw> ; x=y ; TAG = b'],
  ['NOTIFY sip:gw SIP/2.0', 'From: <sip:a@x>', 'TO: sip:1@gw;tag=b'],
])('what belongs to a call or answers us does not wait: %s %s', (...lines) => {
  expect(of(lines)).toBe('at-once');
  expect(of(lines, spent)).toBe('soon');
});

it('who has used its answers up comes last with what is new, even where it shows something', () => {
  expect(of([...invite, 'X-Token: 1'], spent)).toBe('later');
});

it('a CANCEL keeps its place behind its INVITE', () => {
  expect(of(['CANCEL sip:gw SIP/2.0', 'To: <sip:1@gw>'])).toBe('in-turn');
});
