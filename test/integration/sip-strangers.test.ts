/** What a stranger may cost the SIP front: answers at a limited rate, and over connections at last no hearing at all. */
import { once } from 'node:events';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const answersPerSecond = 20;
const banAfterRefusals = 30;

let gateway: TestGateway;
let udp: UdpSocket;
const sockets: Socket[] = [];
const answers: string[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_SIP_STRANGER_ANSWERS_PER_SECOND: String(answersPerSecond),
      LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: String(banAfterRefusals),
      LANDBRIDGE_SIP_BAN_SECONDS: '8',
    },
  });
  udp = createSocket('udp4').bind(0, '127.0.0.9');
  udp.on('message', (bytes) => answers.push(bytes.toString('latin1')));
  await once(udp, 'listening');
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  udp.close();
  await gateway.stop();
});

const invite = (name: string, protocol: string): string =>
  [
    'INVITE sip:x@gw SIP/2.0',
    `Via: SIP/2.0/${protocol} client.example;branch=z9hG4bK${name};rport`,
    'From: <sip:a@client.example>;tag=1',
    'To: <sip:x@gw>',
    `Call-ID: ${name}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:a@client.example>',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

/** From an address of the loopback network that nobody else has here. */
async function tcp(localAddress: string): Promise<{ readonly socket: Socket; readonly text: () => string }> {
  const socket = connect({ host: '127.0.0.1', port: gateway.sipPort, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await either(socket, 'connect');
  return { socket, text: () => text };
}

/** The event, or the end of the connection. */
function either(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    socket.once(event, () => resolve()).once('close', () => resolve());
  });
}

async function statusOfGoodCall(source: string): Promise<number | undefined> {
  const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const sip = await RawSip.open(gateway.sipPort, source);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: audioOffer(sip.port) }));
  const answer = await sip.final('INVITE');
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
  await sip.final('BYE');
  sip.close();
  return answer.status;
}

it.skipIf(isBesideDrachtio)(
  'A source that shows nothing is answered at a limited rate; a good call from the same address is answered as ever',
  async () => {
    // What is too much of one source is not even read.
    const withheld = async () => {
      const metrics = await gateway.metrics();
      const names = ['landbridge_sip_answers_withheld_total', 'landbridge_sip_datagrams_dropped_total'];
      return names.reduce((sum, name) => sum + (metrics.get(name) ?? 0), 0);
    };
    for (let i = 0; i < 500; i += 1) udp.send(invite(`udp${i}`, 'UDP'), gateway.sipPort, '127.0.0.1');
    await waitFor('the flood was read', async () => (await withheld()) > 300);
    expect(answers.length).toBeLessThan(300);
    expect(answers.every((text) => text.startsWith('SIP/2.0 403'))).toBe(true);
    expect(await statusOfGoodCall('127.0.0.9')).toBe(200);
    expect(await statusOfGoodCall('127.0.0.1')).toBe(200);
  },
);

it.skipIf(isBesideDrachtio)(
  'A source that goes on over a connection is not heard for a while, by nothing that it sends, and then heard again',
  async () => {
    const { socket, text } = await tcp('127.0.0.10');
    for (let i = 0; i < banAfterRefusals; i += 1) socket.write(invite(`tcp${i}`, 'TCP'));
    await waitFor('it was banned', () => gateway.log.some(({ msg }) => msg === 'a source was banned'));
    socket.write(invite('after', 'TCP'));
    expect((await gateway.metrics()).get('landbridge_sip_bans')).toBe(1);
    await waitFor('its connection is closed', () => socket.destroyed);
    expect(text()).not.toContain('Call-ID: after');
    const again = await tcp('127.0.0.10');
    again.socket.write(invite('again', 'TCP'));
    await waitFor('the next one, too', () => again.socket.destroyed);
    expect(again.text()).toBe('');
    expect(await statusOfGoodCall('127.0.0.1')).toBe(200);
    await waitFor('it is heard again', async () => {
      const later = await tcp('127.0.0.10');
      later.socket.write(invite('later', 'TCP'));
      await either(later.socket, 'data');
      return later.text().startsWith('SIP/2.0 403');
    });
  },
);

it.skipIf(isBesideDrachtio)(
  'A phone system whose calls are answered is not banned for those that are refused',
  async () => {
    expect(await statusOfGoodCall('127.0.0.11')).toBe(200);
    const { socket, text } = await tcp('127.0.0.11');
    for (let i = 0; i < 3 * banAfterRefusals; i += 1) socket.write(invite(`pbx${i}`, 'TCP'));
    await waitFor('all were read', () => text().split('SIP/2.0 403').length > 10);
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    socket.write(
      invite('good', 'TCP').replace(
        'Content-Length',
        `User-to-User: ${token};encoding=jwt\r\nContent-Length`,
      ),
    );
    await waitFor('its good call is answered', () => text().includes('SIP/2.0 200'));
  },
);

it.skipIf(isBesideDrachtio)(
  'What cannot be read is answered a tenth as often, and takes no answer from what can',
  async () => {
    const own = createSocket('udp4').bind(0, '127.0.0.12');
    const heard: string[] = [];
    own.on('message', (bytes) => heard.push(bytes.toString('latin1')));
    await once(own, 'listening');
    const send = (text: string) => own.send(text, gateway.sipPort, '127.0.0.1');
    const before = (await gateway.metrics()).get('landbridge_sip_malformed_total') ?? 0;
    const flood = 200;
    const begunAt = performance.now();
    for (let i = 0; i < flood; i += 1)
      send(invite(`bad${String(i)}`, 'UDP').replace('CSeq: 1 INVITE', 'CSeq: x INVITE'));
    await waitFor('all were read, or dropped', async () => {
      const after = await gateway.metrics();
      const dropped = after.get('landbridge_sip_datagrams_dropped_total') ?? 0;
      return (after.get('landbridge_sip_malformed_total') ?? 0) + dropped >= before + flood;
    });
    const seconds = (performance.now() - begunAt) / 1000;
    send(invite('readable', 'UDP'));
    await waitFor('the good one is answered', () => heard.some((text) => text.includes('Call-ID: readable')));
    const unread = heard.filter((text) => text.startsWith('SIP/2.0 400')).length;
    expect(unread).toBeGreaterThan(0);
    expect(unread).toBeLessThanOrEqual((answersPerSecond / 10) * (seconds + 1) + 1);
    own.close();
  },
);
