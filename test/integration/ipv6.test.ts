/** Everything over IPv6: phones over UDP, TCP and TLS, browsers, trunks, what they are shown, what is kept of them. */
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type RawData } from 'ws';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { TestAuthority } from '../support/certificates.js';
import { callGateway } from '../support/gateway-phone.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { Registrar } from '../support/registrar.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { runGateway, TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const hasIpv6 = Object.values(networkInterfaces()).some((found) =>
  found?.some(({ address }) => address === '::1'),
);
const isSkipped = !hasIpv6 || isBesideDrachtio || isBesideFreeSwitch;
const number = '+14155550100';
const offer = audioOffer(40_000).replaceAll('IN IP4 127.0.0.1', 'IN IP6 ::1');

let authority: TestAuthority;
let file: string;
beforeAll(async () => {
  authority = await TestAuthority.open();
  file = join(authority.directory, 'landbridge.yaml');
  // Who is on this machine is told addresses that nobody else has.
  const advertise = [
    { networks: ['127.0.0.0/8'], address: '127.0.0.1' },
    { networks: ['::1'], address: '::1' },
  ];
  await writeFile(file, JSON.stringify({ advertise }));
});
afterAll(() => authority.remove());

describe.skipIf(isSkipped).each(['::1', '::'])('a gateway that listens at %s', (host) => {
  let gateway: TestGateway;
  const calls: PhoneCall[] = [];
  const open: RawSip[] = [];

  beforeAll(async () => {
    const { cert, key } = await authority.write(
      'main',
      await authority.issue({ names: ['::1', '127.0.0.1'] }),
    );
    gateway = await TestGateway.start({
      environment: {
        ...{ LANDBRIDGE_SIP_HOST: host, LANDBRIDGE_HTTP_HOST: '::' },
        ...{ LANDBRIDGE_TLS_CERT: cert, LANDBRIDGE_TLS_KEY: key, LANDBRIDGE_TLS_HTTP: 'false' },
        ...{ LANDBRIDGE_CALLER_PRIVACY: 'full', LANDBRIDGE_CONFIG: file },
        LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '::1',
      },
    });
  });

  afterEach(async () => {
    for (const call of calls.splice(0)) await call.hangUp();
    for (const sip of open.splice(0)) sip.close();
    await gateway.idle();
  });

  afterAll(() => gateway.stop());

  async function call(uri: string, token: string, toneHz: number): Promise<PhoneCall> {
    const made = await callGateway(gateway, token, { uri, toneHz, serverCa: [authority.certPem] });
    calls.push(made);
    return made;
  }

  async function phone(): Promise<RawSip> {
    const sip = await RawSip.open(gateway.sipPort, '::1');
    open.push(sip);
    return sip;
  }

  it.each([
    ['UDP', () => `sip:join@[::1]:${gateway.sipPort}`],
    ['TCP', () => `sip:join@[::1]:${gateway.sipPort};transport=tcp`],
    ['TLS', () => `sips:join@[::1]:${gateway.sipTlsPort}`],
  ])('a phone over %s talks with another, and is hung up', async (_transport, uri) => {
    const { rest } = gateway;
    const session = await rest.createSession();
    const [a, b] = [await rest.newcomer(session), await rest.newcomer(session)];
    const one = await call(uri(), a.token, 440);
    const [ip, at] = host === '::' ? ['127.0.0.1', gateway.sipPort] : ['[::1]', gateway.sipPort];
    const other = await call(`sip:join@${ip}:${at}`, b.token, 1000);
    expect((await one.answered).remoteAddress).toBe('::1');
    await waitFor(
      'each hears the other',
      () => one.heard.levelDbfs(1000) > -30 && other.heard.levelDbfs(440) > -30,
    );
    await rest.done('DELETE', `/participants/${a.id}`);
    expect(await one.ended).toMatchObject({ by: 'remote', why: 'hang-up' });
  });

  it('shows its address in brackets in Contact and Via, and as IP6 in SDP', async () => {
    const { rest } = gateway;
    const { id, token } = await rest.newcomer(await rest.createSession());
    const sip = await phone();
    sip.send(sip.invite({ body: offer, headers: [`User-to-User: ${token};encoding=jwt`] }));
    const ok = await sip.final('INVITE');
    expect(ok.status).toBe(200);
    expect(ok.header('Contact')).toBe(`<sip:[::1]:${gateway.sipPort}>`);
    expect(ok.header('Via')).toMatch(/;received=::1$/);
    expect(ok.text).toMatch(/^o=.* IN IP6 ::1\r$/m);
    expect(ok.text).toMatch(/^c=IN IP6 ::1\r$/m);
    const toTag = /;tag=([^;\s]+)/.exec(ok.header('To') ?? '')?.[1];
    sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await waitFor('the call stands', async () => (await rest.legs())[0]?.state === 'established');
    await rest.done('DELETE', `/participants/${id}`);
    const bye = await sip.wait('BYE', ({ startLine }) => startLine.startsWith('BYE '));
    expect(bye.startLine).toBe(`BYE sip:raw@[::1]:${sip.port} SIP/2.0`);
    expect(bye.header('Via')).toMatch(new RegExp(`^SIP/2\\.0/UDP \\[::1\\]:${gateway.sipPort};branch=`));
    sip.send(
      [
        'SIP/2.0 200 OK',
        ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${bye.header(name) ?? ''}`),
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
  });

  it('takes a browser’s SIP over a WebSocket', async () => {
    const socket = new WebSocket(`ws://[::1]:${gateway.httpPort}/sip`, 'sip');
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answer = new Promise<string>((resolve) =>
      socket.on('message', (data: RawData) => resolve((data as Buffer).toString())),
    );
    socket.send(
      [
        'OPTIONS sip:gateway.example SIP/2.0',
        'Via: SIP/2.0/WS browser.invalid;branch=z9hG4bKv6;rport',
        ...['From: <sip:a@browser.invalid>;tag=1', 'To: <sip:gateway.example>', 'Call-ID: v6'],
        ...['CSeq: 1 OPTIONS', 'Max-Forwards: 70', 'Content-Length: 0', '', ''],
      ].join('\r\n'),
    );
    expect(await answer).toMatch(/^SIP\/2\.0 200 /);
    expect(await answer).toContain('received=::1');
    socket.terminate();
  });

  it('knows a trunk by its network, and keeps where a refused call came from', async () => {
    const { rest } = gateway;
    const stranger = await phone();
    stranger.send(stranger.invite({ uri: `sip:${number}@[::1]`, body: offer }));
    expect((await stranger.final('INVITE')).status).toBe(403);
    const { id } = await rest.done<{ id: string }>('POST', '/trunks', { inbound: { networks: ['::1/128'] } });
    await rest.done('POST', '/numbers', { number, route: { kind: 'new-session' } });
    const carrier = await phone();
    carrier.send(carrier.invite({ uri: `sip:${number}@[::1]`, body: offer }));
    const ok = await carrier.final('INVITE');
    expect(ok.status).toBe(200);
    const toTag = /;tag=([^;\s]+)/.exec(ok.header('To') ?? '')?.[1];
    carrier.send(carrier.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    carrier.send(carrier.request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 2 }));
    await carrier.finalTo(2, 'BYE');
    await gateway.idle();
    const records = async (callId: string) =>
      (await rest.done<{ records: Record<string, unknown>[] }>('GET', `/records?callId=${callId}`)).records;
    await waitFor('both are kept', async () => (await records(carrier.callId)).length > 0);
    expect(await records(carrier.callId)).toMatchObject([{ trunkId: id }]);
    expect(JSON.stringify(await records(stranger.callId))).toContain('"::1"');
    await rest.done('DELETE', `/trunks/${id}`);
  });

  it.each(['udp', 'tcp'] as const)(
    'registers with a carrier over %s, which calls it back',
    async (transport) => {
      const { rest } = gateway;
      const registrar = await Registrar.open(0, '::1');
      try {
        const port = transport === 'udp' ? registrar.udpPort : registrar.tcpPort;
        const trunk = await rest.done<{ id: string }>('POST', '/trunks', {
          outbound: {
            targets: [{ host: '::1', port, transport }],
            digest: { username: registrar.username, password: registrar.password },
            ...{ fromDomain: 'carrier.test', registration: { expiresSeconds: 600 } },
          },
        });
        await waitFor('it has registered', () => registrar.contacts.size === 1);
        const [contact = ''] = registrar.contacts.values();
        const parameters = transport === 'udp' ? '' : ';transport=tcp';
        expect(contact).toMatch(new RegExp(`^sip:lb[0-9a-f]{32}@\\[::1\\]:${gateway.sipPort}${parameters}$`));
        const status = new Promise<number>((resolve, reject) =>
          registrar.srf.request(contact, { method: 'OPTIONS' }, (error, request) => {
            if (error) reject(error);
            else request.on('response', (response: { status: number }) => resolve(response.status));
          }),
        );
        expect(await status).toBe(200);
        await rest.done('DELETE', `/trunks/${trunk.id}`);
        await waitFor('it is given back', () => registrar.contacts.size === 0);
      } finally {
        await registrar.close();
      }
    },
  );

  it('explains a call from there, and tells platforms where to send calls', async () => {
    const { rest } = gateway;
    const { token } = await rest.newcomer(await rest.createSession());
    const sip = await phone();
    const message = sip.invite({ body: offer, headers: [`User-to-User: ${token};encoding=jwt`] });
    for (const address of ['::1', '[::1]', '0:0:0:0:0:0:0:1']) {
      const told = await rest.done<{ answer: { contact: string; description: string; result: string } }>(
        'POST',
        '/sip/explain',
        { message, source: { address, port: 5060, transport: 'udp' } },
      );
      expect(told.answer).toMatchObject({
        result: 'answered',
        contact: `<sip:[::1]:${gateway.sipPort}>`,
        description: expect.stringContaining('c=IN IP6 ::1') as string,
      });
    }
    const { sipUri } = await rest.done<{ sipUri: string }>('POST', '/participants', {
      publishPermissions: ['AUDIO'],
    });
    expect(sipUri).toMatch(new RegExp(`^sip:[^@]+@\\[::1\\]:${gateway.sipPort}$`));
  });

  it('is called by the console’s phone, by the command line and by doctor', async () => {
    const { rest } = gateway;
    const session = await rest.createSession();
    const { token } = await rest.newcomer(session);
    const { id } = await rest.done<{ id: string }>('POST', '/phone-calls', { token, toneHz: 440 });
    const state = async () => (await rest.done<{ state: string }>('GET', `/phone-calls/${id}`)).state;
    await waitFor('it is answered', async () => (await state()) === 'answered');
    await rest.request('DELETE', `/phone-calls/${id}`);
    const newcomer = await rest.newcomer(session);
    const cli = await runGateway({
      arguments: ['call', `sip:join@[::1]:${gateway.sipPort}`, '--token', newcomer.token, '--seconds', '1'],
    });
    expect(`${cli.stdout}${cli.stderr}`).toContain('answered');
    const { stdout, code } = await runGateway({
      arguments: ['doctor'],
      environment: {
        ...{ LANDBRIDGE_SIP_HOST: host, LANDBRIDGE_HTTP_HOST: '::' },
        LANDBRIDGE_HTTP_PORT: String(gateway.httpPort),
        LANDBRIDGE_SIP_PORT: String(gateway.sipPort),
      },
    });
    expect(stdout).toContain(`call to itself     sip:join@[::1]:${gateway.sipPort} answered in `);
    expect(code).toBe(0);
  });
});
