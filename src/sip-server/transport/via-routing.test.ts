import { describe, expect, it } from 'vitest';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import { parseVia } from '../message/via.js';
import { responseTarget, stampReceived } from './via-routing.js';

function stamped(via: string, address = '198.51.100.7', port = 40_000): string | undefined {
  const headers = new HeaderFields([
    ['Via', via],
    ['Via', 'SIP/2.0/UDP below'],
  ]);
  const request: SipRequest = {
    kind: 'request',
    method: 'OPTIONS',
    uri: 'sip:x',
    headers,
    body: Buffer.alloc(0),
  };
  stampReceived(request, address, port);
  expect(headers.all('Via')[1]).toBe('SIP/2.0/UDP below');
  return headers.get('Via');
}

describe('stampReceived', () => {
  it.each([
    [
      'leaves an honest sent-by alone',
      'SIP/2.0/UDP 198.51.100.7:5070;branch=b',
      'SIP/2.0/UDP 198.51.100.7:5070;branch=b',
    ],
    [
      'adds received to a private address',
      'SIP/2.0/UDP 10.0.0.1;branch=b',
      'SIP/2.0/UDP 10.0.0.1;branch=b;received=198.51.100.7',
    ],
    [
      'adds received to a name',
      'SIP/2.0/UDP phone.example;branch=b',
      'SIP/2.0/UDP phone.example;branch=b;received=198.51.100.7',
    ],
    [
      'fills rport in, with received even where the address is the same',
      'SIP/2.0/UDP 198.51.100.7;rport;branch=b',
      'SIP/2.0/UDP 198.51.100.7;rport=40000;branch=b;received=198.51.100.7',
    ],
    [
      'replaces what the sender claims about itself',
      'SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;rport=53',
      'SIP/2.0/UDP 10.0.0.1;received=198.51.100.7;rport=40000',
    ],
    ['removes a false received', 'SIP/2.0/UDP 198.51.100.7;received=203.0.113.9', 'SIP/2.0/UDP 198.51.100.7'],
  ])('%s', (_title, before, after) => {
    expect(stamped(before)).toBe(after);
  });

  it('writes an IPv6 received that is read again', () => {
    const via = parseVia(stamped('SIP/2.0/UDP [2001:db8::1];rport', '2001:db8::2', 5060) ?? '');
    expect(via && responseTarget(via)).toEqual({ host: '2001:db8::2', port: 5060 });
  });
});

describe('responseTarget', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1', '192.0.2.1', 5060],
    ['SIP/2.0/TLS a.example', 'a.example', 5061],
    ['SIP/2.0/UDP 192.0.2.1:5070', '192.0.2.1', 5070],
    ['SIP/2.0/UDP 192.0.2.1:5070;received=198.51.100.1', '198.51.100.1', 5070],
    ['SIP/2.0/UDP 192.0.2.1:5070;received=198.51.100.1;rport=9', '198.51.100.1', 9],
    ['SIP/2.0/UDP 192.0.2.1:5070;rport', '192.0.2.1', 5070],
    ['SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.1', '192.0.2.1', 5060],
    ['SIP/2.0/UDP 192.0.2.1;received=[2001:db8::1]', '2001:db8::1', 5060],
  ])('for %s is %s:%i', (text, host, port) => {
    expect(responseTarget(parseVia(text)!)).toEqual({ host, port });
  });
});
