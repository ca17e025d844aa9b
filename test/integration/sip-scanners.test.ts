/** Scanners at a whole gateway: what shows nothing good gets no answer, and nobody else is taken for one. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
const closers: (() => void)[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: { LANDBRIDGE_SIP_SWEPT_USERS_PER_MINUTE: '5', LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: '0' },
  });
}, 90_000);

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

afterAll(() => gateway.stop());

const counted = async (name: string): Promise<number> =>
  (await gateway.metrics()).get(`landbridge_sip_${name}_total`) ?? 0;

async function udp(): Promise<RawSip> {
  const sip = await RawSip.open(gateway.sipPort);
  closers.push(() => sip.close());
  return sip;
}

const scanner = 'User-Agent: friendly-scanner';

/** An INVITE over TCP, with everything of its own. */
const invite = (user: string, at: number, headers: readonly string[] = []): string =>
  [
    `INVITE sip:${user}@gw SIP/2.0`,
    `Via: SIP/2.0/TCP client.example;branch=z9hG4bK${user}${String(at)};rport`,
    'From: <sip:a@client.example>;tag=1',
    `To: <sip:${user}@gw>`,
    `Call-ID: ${user}-${String(at)}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:a@client.example>',
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

async function tcp(
  localAddress: string,
): Promise<{ readonly socket: Socket; readonly finals: () => string[] }> {
  const socket = connect({ host: '127.0.0.1', port: gateway.sipPort, localAddress });
  closers.push(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'connect');
  return {
    socket,
    finals: () => [...text.matchAll(/SIP\/2\.0 [2-6]\d\d[\s\S]*?Call-ID: (\S+)/g)].map(([, id = '']) => id),
  };
}

describe.skipIf(isBesideDrachtio)('A scanner', () => {
  it('that says so gets no answer to what shows nothing good', async () => {
    const sip = await udp();
    const before = await counted('scanners_ignored');
    for (const method of ['OPTIONS', 'REGISTER'])
      sip.send(sip.request(method, { headers: [scanner], branch: `z9hG4bK${method}` }));
    sip.send(sip.invite({ headers: [scanner] }));
    sip.send(
      sip
        .invite({ uri: 'sip:+14155550100@gateway.example', headers: [scanner], cseq: 2 })
        .replace(sip.branch, `${sip.branch}n`),
    );
    await waitFor('they are counted', async () => (await counted('scanners_ignored')) >= before + 4);
    expect(sip.received).toEqual([]);
    // The next that says nothing of the kind is answered.
    sip.send(sip.request('OPTIONS', { branch: 'z9hG4bKother', cseq: 9 }));
    expect((await sip.final('OPTIONS')).status).toBe(200);
  });

  it('that shows a good token is answered like anybody', async () => {
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const sip = await udp();
    const headers = [scanner, `User-to-User: ${token};encoding=jwt`];
    sip.send(sip.invite({ headers, body: audioOffer(4000) }));
    // 503 where the machine is too busy for calls.
    expect([200, 503]).toContain((await sip.final('INVITE')).status);
  });

  it('that sweeps users over a connection gets no answer any more, and nobody else pays for it', async () => {
    const swept = await tcp('127.0.0.31');
    const before = await counted('scanners_ignored');
    for (let at = 0; at < 12; at += 1) swept.socket.write(invite(`100${String(at)}`, at));
    await waitFor('all are dealt with', async () => (await counted('scanners_ignored')) >= before + 7);
    await waitFor('those before it was found out are answered', () => swept.finals().length >= 5);
    expect([swept.finals().length, await counted('sweeps')]).toEqual([5, 1]);
    const other = await tcp('127.0.0.32');
    other.socket.write(invite('1000', 1));
    await waitFor('the other is answered', () => other.finals().length === 1);
  });

  it('that forges an address over UDP makes nobody there a scanner', async () => {
    const sip = await RawSip.open(gateway.sipPort, '127.0.0.33');
    closers.push(() => sip.close());
    for (let at = 0; at < 12; at += 1)
      sip.send(
        sip
          .invite({ uri: `sip:u${String(at)}@gw` })
          .replace(sip.branch, `${sip.branch}${String(at)}`)
          .replaceAll(sip.callId, `${sip.callId}-${String(at)}`),
      );
    await waitFor('all are answered', () => sip.received.length >= 12);
    const innocent = await tcp('127.0.0.33');
    innocent.socket.write(invite('2000', 1));
    await waitFor('it is answered', () => innocent.finals().length === 1);
  });
});
