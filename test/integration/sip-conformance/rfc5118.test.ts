/** The messages of RFC 5118, with the addresses of IPv6 in all places; over IPv6 by each way that SIP comes to us. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { ConformanceStage, ways } from './conformance-stage.js';

interface Case {
  readonly section: string;
  readonly title: string;
  readonly method?: string;
  readonly uri?: string;
  readonly vias?: readonly string[];
  readonly contact?: string;
  readonly body?: string;
  readonly status: number;
}

const usual = 'SIP/2.0/UDP [2001:db8::9:1];rport';

const cases: readonly Case[] = [
  { section: '4.1', title: 'a reference in the Request-URI', status: 200 },
  { section: '4.2', title: 'an address without brackets', uri: 'sip:2001:db8::10', status: 400 },
  {
    section: '4.3',
    title: 'what looks like a port and is a part of the address',
    uri: 'sip:[2001:db8::10:5070]',
    status: 200,
  },
  { section: '4.4', title: 'a port behind the brackets', uri: 'sip:[2001:db8::10]:5070', status: 200 },
  {
    section: '4.5',
    title: 'brackets in received',
    vias: [usual, 'SIP/2.0/UDP [2001:db8::9:2];received=[2001:db8::9:255]'],
    status: 200,
  },
  {
    section: '4.5',
    title: 'no brackets in received',
    vias: [usual, 'SIP/2.0/UDP [2001:db8::9:2];received=2001:db8::9:255'],
    status: 200,
  },
  {
    section: '4.6',
    title: 'addresses of IPv6 in the description',
    method: 'INVITE',
    body: 'v=0\r\no=a 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 42354 RTP/AVP 0\r\n',
    status: 603,
  },
  {
    section: '4.7',
    title: 'both families in Via',
    method: 'BYE',
    vias: [usual, 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144'],
    status: 481,
  },
  {
    section: '4.8',
    title: 'both families in the description',
    method: 'INVITE',
    body:
      'v=0\r\no=a 1 1 IN IP6 2001:db8::20\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n' +
      'm=video 6024 RTP/AVP 107\r\nc=IN IP4 192.0.2.1\r\n',
    status: 603,
  },
  {
    section: '4.9',
    title: 'mapped addresses of IPv4',
    method: 'INVITE',
    uri: 'sip:user@[::ffff:192.0.2.10]:19823',
    vias: ['SIP/2.0/UDP [::ffff:192.0.2.2]:5060;rport'],
    contact: '"T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
    status: 603,
  },
  {
    section: '4.10',
    title: 'three colons, which the grammar of RFC 3261 lets through by mistake',
    method: 'OPTIONS',
    uri: 'sip:user@[2001:db8:::192.0.2.1]',
    status: 400,
  },
];

describe.each(ways)('over IPv6 by %s', (way) => {
  let stage: ConformanceStage;
  beforeAll(async () => {
    stage = await ConformanceStage.open({
      methods: ['invite', 'register'],
      answersTo: (method) => [method === 'INVITE' ? 603 : 200],
      host: '::1',
    });
  });
  afterAll(async () => {
    await stage.settle();
    expect(stage.errors).toEqual([]);
    await stage.close();
  });

  it.each(cases)('RFC 5118 §$section: $title: $status', async (one) => {
    const { method = 'REGISTER', uri = 'sip:[2001:db8::10]', vias = [usual], body = '', status } = one;
    const peer = await stage.peer(way, '::1');
    const id = randomUUID();
    const [top = '', ...others] = vias;
    const text = [
      `${method} ${uri} SIP/2.0`,
      `Via: ${top};branch=z9hG4bK${id}`,
      ...others.map((via) => `Via: ${via}`),
      'To: <sip:user@example.com>' + (method === 'BYE' ? ';tag=bd76ya' : ''),
      'From: <sip:user@example.com>;tag=81x2',
      `Contact: ${one.contact ?? '<sip:user@[2001:db8::1]>'}`,
      `Call-ID: SSG9559905523997077@hlau_4100.${id}`,
      'Max-Forwards: 70',
      `CSeq: 98176 ${method}`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${String(body.length)}`,
      '',
      body,
    ].join('\r\n');
    peer.send(Buffer.from(text));
    const final = await waitFor('the answer', () => /^SIP\/2\.0 ([2-6]\d\d)/m.exec(peer.text));
    expect(Number(final[1])).toBe(status);
    for (const via of others) expect(peer.text).toContain(`Via: ${via}`);
  });
});
