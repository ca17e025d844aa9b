/** Registrations of ours over UDP: what the registrar gets between them, and what becomes of them where a NAT forgets us. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSipServer, parseMessage, type SipRequest } from '../../src/sip-server/index.js';
import { answerStun } from '../../src/sip-server/transport/stun.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { connectApp, secret, type SrfApp, type SrfResponse } from './sip-server/srf-app.js';

let srf: SrfApp;
let ownPort: number;
const closers: (() => unknown)[] = [];
let registrar: Socket;
let lost: string[];
const registers: SipRequest[] = [];
const others: Buffer[] = [];

const hosts = [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
] as const;

/** `keep`: what the registrar writes into our Via; `seenAt`: the port that it claims to see us at; null: it answers no STUN. */
async function openRegistrar(
  host: string,
  keep: string | null,
  seenAt: () => number | null,
): Promise<number> {
  registrar = createSocket(host === '::1' ? 'udp6' : 'udp4').bind(0, host);
  await once(registrar, 'listening');
  registrar.on('message', (bytes, from: RemoteInfo) => {
    const result = parseMessage(bytes);
    const port = seenAt();
    if (result.ok && result.message.kind === 'request') {
      const { headers, method } = result.message;
      if (method === 'REGISTER') registers.push(result.message);
      const via = (headers.get('Via') ?? '').replace(/;keep$/, keep === null ? ';keep' : `;keep=${keep}`);
      const fields = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headers.get(name) ?? ''}`);
      const contact = `Contact: ${headers.get('Contact') ?? ''};expires=600`;
      registrar.send(
        ['SIP/2.0 200 OK', `Via: ${via}`, ...fields, contact, 'Content-Length: 0', '', ''].join('\r\n'),
        from.port,
        from.address,
      );
      return;
    }
    others.push(bytes);
    const answer = port === null ? null : answerStun(bytes, from.address, port);
    if (answer !== null) registrar.send(answer, from.port, from.address);
  });
  return registrar.address().port;
}

/** The same, and a SIP server of ours that an application registers by. */
async function open(host: string, keep: string | null, seenAt: () => number | null): Promise<number> {
  const port = await openRegistrar(host, keep, seenAt);
  lost = [];
  const server = await createSipServer({
    udp: { host, port: 0 },
    admin: { host: '127.0.0.1', port: 0, secret },
    registrationPingMs: 100,
    onRegistrationLost: (callId) => lost.push(callId),
  });
  srf = await connectApp(server, () => undefined);
  ownPort = server.udpAddress?.port ?? 0;
  closers.push(
    () => srf.disconnect(),
    () => server.close(),
  );
  return port;
}

function register(hostPort: string, callId: string): Promise<number> {
  const headers = { 'Call-ID': callId, Contact: '<sip:us@localhost>', Expires: '600' };
  return new Promise((resolve, reject) =>
    srf.request(`sip:${hostPort}`, { method: 'REGISTER', headers }, (error, request) => {
      if (error !== null && error !== undefined) reject(error);
      else request.on('response', ({ status }: SrfResponse) => resolve(status));
    }),
  );
}

beforeEach(() => {
  registers.length = 0;
  others.length = 0;
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  registrar.close();
});

describe.each(hosts)('a registration by UDP at %s', (host, inUri) => {
  it('is kept with line breaks, which no registrar takes for a request', async () => {
    const port = await open(host, null, () => null);
    expect(await register(`${inUri}:${port}`, 'kept')).toBe(200);
    await waitFor('pings come', () => others.length >= 3);
    expect(others.map(String)).toEqual(others.map(() => '\r\n\r\n'));
    expect(registers[0]?.headers.get('Via')).toMatch(/;keep$/);
    expect(lost).toEqual([]);
  });

  it('is kept by STUN where the registrar takes it, and lost where that sees us elsewhere', async () => {
    let seenAt = 40_000;
    const port = await open(host, '1', () => seenAt);
    expect(await register(`${inUri}:${port}`, 'moved')).toBe(200);
    await waitFor('it is asked', () => others.length >= 3);
    expect(others.every((bytes) => bytes.readUInt16BE(0) === 1)).toBe(true);
    expect(lost).toEqual([]);
    seenAt = 40_002;
    await waitFor('it is told', () => lost.length > 0);
    expect(lost).toEqual(['moved']);
  });
});

it('a STUN answer of another than who was asked counts for nothing', async () => {
  const port = await open('127.0.0.1', '1', () => null);
  expect(await register(`127.0.0.1:${port}`, 'asked')).toBe(200);
  await waitFor('it is asked', () => others.length > 0);
  const stranger = createSocket('udp4').bind(0, '127.0.0.1');
  await once(stranger, 'listening');
  const forged = answerStun(others[0] as Buffer, '203.0.113.9', 1)!;
  stranger.send(forged, ownPort, '127.0.0.1');
  const repeated = others.length;
  // The question goes on, so nobody has answered it.
  await waitFor('it is asked again', () => others.length > repeated);
  expect((others.at(-1) as Buffer).equals(others[0] as Buffer)).toBe(true);
  stranger.close();
  expect(lost).toEqual([]);
});

it.skipIf(isBesideDrachtio)(
  'a gateway whose NAT has given it another port registers anew, long before its time',
  async () => {
    let seenAt = 40_000;
    const port = await openRegistrar('127.0.0.1', '5', () => seenAt);
    const gateway = await TestGateway.start({
      environment: { LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '127.0.0.0/8' },
    });
    closers.push(() => gateway.stop());
    const { id } = await gateway.rest.done<{ id: string }>('POST', '/trunks', {
      outbound: {
        targets: [{ host: '127.0.0.1', port }],
        ...{ fromDomain: 'carrier.test', registration: { user: 'us', expiresSeconds: 600 } },
      },
    });
    await waitFor('it is asked by STUN', () => others.some((bytes) => bytes[0] === 0));
    expect(registers).toHaveLength(1);
    seenAt = 40_002;
    await waitFor('it registers anew', () => registers.length === 2);
    const callIds = registers.map(({ headers }) => headers.get('Call-ID'));
    expect(new Set(callIds).size).toBe(1);
    await gateway.rest.done('DELETE', `/trunks/${id}`);
  },
);
