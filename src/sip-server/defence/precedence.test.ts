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
    hasCallId: (callId) => callId === 'standing@x',
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

it.each(['BYE', 'ACK', 'INVITE', 'CANCEL', 'INFO'])('a %s of a call that stands does not wait', (method) => {
  const line = `${method} sip:gw SIP/2.0`;
  expect(of([line, 'Call-ID: standing@x', 'To: <sip:1@gw>;tag=b'])).toBe('at-once');
  expect(of([line, 'i:standing@x'], spent)).toBe('at-once');
  expect(of([line, 'Call-ID: other@x', 'To: <sip:1@gw>;tag=b'])).toBe('later');
  expect(of([line, 'X-Call-ID: standing@x'])).toBe('later');
});

it('what may answer a request of ours is read before requests that show nothing', () => {
  expect(of(['SIP/2.0 200 OK', 'Call-ID: other@x'])).toBe('soon');
  expect(of(['SIP/2.0 200 OK', 'Call-ID: standing@x'])).toBe('at-once');
});

it('who has used its answers up comes last with what is new, even where it shows something', () => {
  expect(of([...invite, 'X-Token: 1'], spent)).toBe('later');
});

it('a CANCEL comes behind its INVITE, whatever both show', () => {
  expect(of(['CANCEL sip:gw SIP/2.0', 'Call-ID: new@x', 'X-Token: 1'])).toBe('later');
});
