import { expect, it } from 'vitest';
import { precedenceOf } from './precedence.js';

const known = '192.0.2.1';
const stranger = '192.0.2.2';
const of = (lines: readonly string[], address = stranger) =>
  precedenceOf(Buffer.from([...lines, '', ''].join('\r\n')), address, {
    isTrusted: (one) => one === known,
    awaits: (branch, method) => branch === 'z9hG4bKours' && method === 'OPTIONS',
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
  expect(of([line, 'i:standing@x'])).toBe('at-once');
  expect(of([line, 'Call-ID: other@x', 'To: <sip:1@gw>;tag=b'])).toBe('later');
  expect(of([line, 'X-Call-ID: standing@x'])).toBe('later');
});

it('what answers a request of ours does not wait, and any other response shows nothing', () => {
  const response = (via: string, method = 'OPTIONS', callId = 'other@x') =>
    of(['SIP/2.0 200 OK', via, `Call-ID: ${callId}`, `CSeq: 7 ${method}`]);
  expect(response('Via: SIP/2.0/UDP gw;rport;branch=z9hG4bKours')).toBe('at-once');
  expect(response('v:SIP/2.0/UDP gw ; Branch = z9hG4bKours;rport=5060')).toBe('at-once');
  expect(response('Via: SIP/2.0/UDP gw;branch=z9hG4bKours', 'REGISTER')).toBe('later');
  expect(response('Via: SIP/2.0/UDP gw;branch=z9hG4bKother')).toBe('later');
  expect(response('Via: SIP/2.0/UDP gw')).toBe('later');
  expect(response('Via: SIP/2.0/UDP gw', 'INVITE', 'standing@x')).toBe('at-once');
});

it('a CANCEL comes behind its INVITE, whatever both show', () => {
  expect(of(['CANCEL sip:gw SIP/2.0', 'Call-ID: new@x', 'X-Token: 1'])).toBe('later');
});
