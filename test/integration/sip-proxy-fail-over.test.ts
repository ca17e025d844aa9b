/** Requests that drachtio-srf applications pass on to names, which go to one server after the other (RFC 3263 §4.3). */
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { SipRequest } from '../../src/sip-server/index.js';
import { RawSip } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import { answer, offer } from './sip-server/drachtio-stage.js';
import {
  closers,
  dns,
  listening,
  peer,
  server,
  srf,
  start,
  twoServers,
  useNextHops,
} from './sip-server/next-hop-stage.js';
import type { UdpPeer } from './sip-server/raw-peer.js';

useNextHops();

describe('a request that is passed on', () => {
  /** A caller, whose INVITE is passed on to the servers of `sip:trunk.test`. */
  async function passOn(
    destination = 'sip:callee@trunk.test',
  ): Promise<{ caller: UdpPeer; fields: Record<string, string> }> {
    srf.invite((request) => {
      void srf.proxyRequest(request, destination, {}).catch(() => undefined);
    });
    const caller = await peer();
    const fields = { Via: caller.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'passed@caller' };
    caller.send('INVITE', 'sip:callee@trunk.test', fields, offer);
    return { caller, fields };
  }

  it.each([
    ['answers 503', (one: UdpPeer) => one.request('INVITE').then((invite) => one.reply(invite, 503))],
    ['says nothing', () => Promise.resolve()],
  ])(
    'goes to the next server where one %s, as another branch, and the caller hears of that alone',
    async (_what, first) => {
      await start();
      const [one, two] = await twoServers();
      const { caller } = await passOn();
      await first(one);
      const invite = await two.request('INVITE');
      const [left] = one.received as SipRequest[];
      const branches = [left, invite].map((request) => request?.headers.all('Via')[0]);
      expect(new Set(branches).size).toBe(2);
      expect(invite.headers.all('Via')).toHaveLength(2);
      two.reply(invite, 180);
      await caller.response(180);
      two.reply(invite, 486);
      await caller.response(486);
      expect(caller.received.some((one) => one.kind === 'response' && one.status >= 500)).toBe(false);
    },
  );

  it('goes to the next server where one takes no connection', async () => {
    await start();
    const two = await listening(createTcpServer());
    const one = await listening(createTcpServer());
    // Nobody is there any more.
    await (closers.pop() as () => Promise<unknown>)();
    dns.srv(
      '_sip._tcp.trunk.test',
      { priority: 1, port: one.port, target: 'one.test' },
      { priority: 2, port: two.port, target: 'two.test' },
    );
    await passOn('sip:callee@trunk.test;transport=tcp');
    await waitFor('the second has it', () => two.received.length > 0);
    expect(two.received[0]?.headers.all('Via')).toHaveLength(2);
  });

  it('that was left and rings after all is cancelled; one that accepts has the call', async () => {
    await start();
    const [one, two] = await twoServers();
    const { caller } = await passOn();
    const left = await one.request('INVITE');
    const asked = await two.request('INVITE');
    one.reply(left, 180);
    one.reply(await one.request('CANCEL'), 200);
    two.reply(asked, 180);
    await caller.response(180);
    one.reply(left, 200, {}, answer);
    const ok = await caller.response(200, 'INVITE');
    expect(ok.headers.get('Contact')).toContain(String(one.port));
    two.reply(await two.request('CANCEL'), 200);
    two.reply(asked, 487);
  });

  it('goes to no other server once one rings, or the caller has given up', async () => {
    await start();
    const [one, two] = await twoServers();
    const { caller, fields } = await passOn();
    const asked = await one.request('INVITE');
    one.reply(asked, 180);
    await caller.response(180);
    caller.send('CANCEL', 'sip:callee@trunk.test', { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    one.reply(await one.request('CANCEL'), 200);
    one.reply(asked, 503);
    const ended = await caller.response(487, 'INVITE');
    // With the caller's own Via on top, and nothing of ours.
    expect(ended.headers.all('Via')).toHaveLength(1);
    expect(two.received).toEqual([]);
  });

  it('is answered where nobody can be reached, by the caller’s own Via', async () => {
    await start();
    dns.srv('_sip._udp.trunk.test', { priority: 1, port: 0, target: '.' });
    const { caller } = await passOn();
    const refused = await caller.response(500, 'INVITE');
    expect(refused.headers.get('Via')).toContain(`:${caller.port};`);
    expect(refused.headers.get('To')).toContain(';tag=');
  });
});

it('a call that is passed on from IPv6 to IPv4 is reached from either side, each at its own address (RFC 5658)', async () => {
  await start({ listeners: [{ udp: { host: '::1', port: 0 } }] });
  const callee = await peer();
  srf.invite((request) => {
    void srf.proxyRequest(request, `sip:callee@127.0.0.1:${callee.port}`, { remainInDialog: true });
  });
  const caller = await RawSip.open(server.otherAddresses[0]?.udp?.port ?? 0, '::1');
  closers.push(() => caller.close());
  caller.send(caller.invite({ uri: 'sip:callee@gateway.example', body: offer }));
  const invite = await callee.request('INVITE');
  const routes = invite.headers.all('Record-Route');
  expect(routes[0]).toMatch(/^<sip:127\.0\.0\.1:\d+;lr;/);
  expect(routes[1]).toMatch(/^<sip:\[::1\]:\d+;lr;/);
  expect(invite.headers.all('Via')[0]).toContain('SIP/2.0/UDP 127.0.0.1:');
  callee.reply(invite, 200, {}, answer);
  const ok = await caller.final('INVITE');
  expect(ok.status).toBe(200);
  const toTag = /;tag=([^;\s]+)/.exec(ok.header('To') ?? '')?.[1];
  const uri = /<([^>]+)>/.exec(ok.header('Contact') ?? '')?.[1] ?? '';
  const headers = [`Route: ${routes.toReversed().join(', ')}`];
  caller.send(caller.request('ACK', { uri, toTag, headers, branch: 'z9hG4bKack6' }));
  expect((await callee.request('ACK')).headers.get('Route')).toBeUndefined();
  callee.send('BYE', `sip:raw@[::1]:${caller.port}`, {
    Route: routes.join(', '),
    From: ok.header('To'),
    To: ok.header('From'),
    'Call-ID': ok.header('Call-ID'),
    CSeq: '1 BYE',
  });
  const bye = await caller.wait('BYE', ({ startLine }) => startLine.startsWith('BYE '));
  expect(bye.header('Via')).toContain('SIP/2.0/UDP [::1]:');
  expect(bye.header('Route')).toBeUndefined();
});
