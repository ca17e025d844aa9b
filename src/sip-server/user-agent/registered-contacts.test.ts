import { beforeEach, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { RegisteredContacts } from './registered-contacts.js';

const body = Buffer.alloc(0);
const uri = 'sip:7f3k@ab12.invalid;transport=ws';
let nowMs: number;
let contacts: RegisteredContacts;
let browser: RecordedFlow;

beforeEach(() => {
  nowMs = 1;
  contacts = new RegisteredContacts({
    ...{ nowMs: () => nowMs, setTimer: () => undefined, clearTimer: () => undefined },
  });
  browser = new RecordedFlow('wss', '198.51.100.7');
});

interface Shown {
  readonly to?: string;
  readonly contact?: string;
  readonly via?: string;
  readonly answer?: [string, string][];
}

function register(
  flow: Flow,
  { to = 'bob', contact = `<${uri}>`, via = 'SIP/2.0/WS a', answer = [] }: Shown = {},
): void {
  const request: SipRequest = {
    ...{ kind: 'request', method: 'REGISTER', uri: 'sip:us.example', body },
    headers: new HeaderFields([
      ...via.split(', ').map((one): [string, string] => ['Via', one]),
      ['To', `<sip:${to}@us.example>`],
      ['Contact', contact],
    ]),
  };
  const response: SipResponse = {
    ...{ kind: 'response', status: 200, reason: 'OK', body },
    headers: new HeaderFields(answer),
  };
  contacts.accepted(flow, request, response);
}

it('a registered Contact is reached by the connection that it was registered by, whatever its parameters', () => {
  register(browser);
  expect(contacts.flowTo(uri)).toBe(browser);
  expect(contacts.flowTo('sip:7f3k@AB12.invalid;transport=wss')).toBe(browser);
  expect(contacts.flowTo('sip:other@ab12.invalid')).toBeNull();
});

it('a Contact is reached for as long as the registrar said, or until its phone leaves', () => {
  register(browser, { answer: [['Contact', `<${uri}>;expires=60`]] });
  nowMs += 61_000;
  expect(contacts.flowTo(uri)).toBeNull();
  register(browser, { answer: [['Expires', '60']] });
  expect(contacts.flowTo(uri)).toBe(browser);
  register(browser, { contact: `<${uri}>;expires=0` });
  expect(contacts.flowTo(uri)).toBeNull();
  register(browser);
  register(browser, { contact: '*' });
  expect(contacts.flowTo(uri)).toBeNull();
});

it('a phone that comes back by another connection is reached by that, also while the old one is still open', () => {
  register(browser);
  const anew = new RecordedFlow('wss', '203.0.113.9');
  register(anew);
  expect(contacts.flowTo(uri)).toBe(anew);
  contacts.flowClosed(browser);
  expect(contacts.flowTo(uri)).toBe(anew);
  contacts.flowClosed(anew);
  expect(contacts.flowTo(uri)).toBeNull();
});

it('nobody takes the calls of another account by registering its Contact: then it is nobody’s, until one of them leaves', () => {
  register(browser);
  const mallorys = new RecordedFlow('wss', '203.0.113.66');
  register(mallorys, { to: 'mallory' });
  expect(contacts.flowTo(uri)).toBeNull();
  register(mallorys, { to: 'mallory', contact: `<${uri}>;expires=0` });
  expect(contacts.flowTo(uri)).toBe(browser);
  register(mallorys, { to: 'mallory' });
  contacts.flowClosed(browser);
  expect(contacts.flowTo(uri)).toBe(mallorys);
});

it('a phone with two accounts on one connection is reached by both', () => {
  register(browser);
  register(browser, { to: 'sales' });
  expect(contacts.flowTo(uri)).toBe(browser);
});

it('phones with the same private address behind two NATs do not get each other’s calls', () => {
  const shared = 'sip:100@192.168.1.10:5060;ob';
  const [a, b] = [new RecordedFlow('tcp', '198.51.100.1'), new RecordedFlow('tcp', '203.0.113.1')];
  register(a, { to: 'a', contact: `<${shared}>` });
  register(b, { to: 'b', contact: `<${shared}>` });
  expect(contacts.flowTo(shared)).toBeNull();
  contacts.flowClosed(a);
  expect(contacts.flowTo(shared)).toBe(b);
});

it('what is called by TLS does not go down a connection in the clear', () => {
  const phone = new RecordedFlow('tcp', '198.51.100.1');
  register(phone, { contact: '<sip:100@192.168.1.10:5060;ob>' });
  expect(contacts.flowTo('sips:100@192.168.1.10:5060;ob')).toBeNull();
  expect(contacts.flowTo('sip:100@192.168.1.10:5060;transport=tls;ob')).toBeNull();
  expect(contacts.flowTo('sip:100@192.168.1.10:5060;ob')).toBe(phone);
});

it('a Contact that the registrar did not take is not reached', () => {
  register(browser, { contact: `<${uri}>, <sip:other@ab12.invalid>`, answer: [['Contact', `<${uri}>`]] });
  expect(contacts.flowTo(uri)).toBe(browser);
  expect(contacts.flowTo('sip:other@ab12.invalid')).toBeNull();
});

it('one connection takes no more places than a phone has lines', () => {
  for (let line = 0; line < 100; line += 1) register(browser, { contact: `<sip:l${line}@ab12.invalid>` });
  expect(contacts.flowTo('sip:l31@ab12.invalid')).toBe(browser);
  expect(contacts.flowTo('sip:l32@ab12.invalid')).toBeNull();
});

it('what a proxy brought, or a datagram, is reached where its Contact says', () => {
  register(browser, { via: 'SIP/2.0/WS proxy, SIP/2.0/UDP phone' });
  expect(contacts.flowTo(uri)).toBeNull();
  register(browser);
  register(new RecordedFlow('udp', '198.51.100.7'));
  expect(contacts.flowTo(uri)).toBeNull();
});

it('nobody gets the calls for a URI that can be called without his connection, unless both ask for that', () => {
  const tcp = new RecordedFlow('tcp', '203.0.113.66');
  for (const carriers of ['sip:+15551234@carrier.example', 'sip:+15551234@10.0.0.5;transport=tcp']) {
    register(tcp, { contact: `<${carriers}>` });
    register(tcp, { contact: `<${carriers};ob>` });
    expect(contacts.flowTo(carriers)).toBeNull();
  }
  expect(contacts.flowTo('sip:+15551234@10.0.0.5;ob')).toBe(tcp);
});
