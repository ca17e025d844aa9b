/** Clients that hold SIP connections and come to nothing: calls come in beside them, and those that stand are not touched. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { audioOffer } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { TcpPeer, UdpPeer, WebSocketPeer, type RawPeer } from './sip-server/raw-peer.js';

const ofOneAddress = 20;
const inAll = 60;

let gateway: TestGateway;
const held: { destroy(): void }[] = [];
afterEach(() => {
  for (const connection of held.splice(0)) connection.destroy();
});

async function start(environment: Record<string, string>): Promise<void> {
  gateway = await TestGateway.start({ environment });
}

/** A call, up to its ACK; resolves with what hangs it up. */
async function call(peer: RawPeer): Promise<() => Promise<void>> {
  const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const uri = 'sip:join@gateway.example';
  const invite = { 'Call-ID': randomUUID(), From: '<sip:raw@raw.example>;tag=raw' };
  peer.send('INVITE', uri, { ...invite, 'User-to-User': `${token};encoding=jwt` }, audioOffer(9));
  const ok = await peer.response(200, 'INVITE');
  const dialog = { ...invite, To: ok.headers.get('To') };
  peer.send('ACK', uri, { ...dialog, CSeq: '1 ACK' });
  return async () => {
    peer.send('BYE', uri, { ...dialog, CSeq: '2 BYE' });
    await peer.response(200, 'BYE');
    await peer.close();
  };
}

/** A connection that sends this and then does nothing; resolves when what it asked is answered. */
type Hold = (text: string, localAddress: string) => Promise<void>;

const wantsAnswer = (text: string) => /Content-Length: 0\r\n\r\n$/.test(text);

const holdTcp: Hold = async (text, localAddress) => {
  const socket = connect({ port: gateway.sipPort, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  held.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  if (wantsAnswer(text)) await once(socket, 'data');
};

const sipUrl = () => `ws://127.0.0.1:${gateway.httpPort}/sip`;

const holdWebSocket: Hold = async (text, localAddress) => {
  const socket = new WebSocket(sipUrl(), 'sip', { localAddress });
  socket.on('error', () => undefined);
  held.push({ destroy: () => socket.terminate() });
  await once(socket, 'open');
  if (text !== '') socket.send(text);
  if (wantsAnswer(text)) await once(socket, 'message');
};

const asked = (method: string) => () =>
  [
    `${method} sip:x@gw SIP/2.0`,
    `Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK${randomUUID()}`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:x@gw>',
    `Call-ID: ${randomUUID()}`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:a@192.0.2.1>',
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n');

const passive: readonly (readonly [what: string, text: () => string])[] = [
  ['sends nothing', () => ''],
  ['sends half a message', () => 'INVITE sip:x@gw SIP/2.0\r\nVia: '],
  ['sends keep-alives', () => '\r\n\r\n'],
  ['asks for OPTIONS', asked('OPTIONS')],
  ['is refused', asked('INVITE')],
];

const transports: readonly (readonly [name: string, hold: Hold, open: () => Promise<RawPeer>])[] = [
  // Behind a drachtio-server TCP is its own.
  ...(isBesideDrachtio ? [] : [['TCP', holdTcp, () => TcpPeer.open(gateway.sipPort)] as const]),
  ['a WebSocket', holdWebSocket, () => WebSocketPeer.open(sipUrl())],
];

describe.each(transports)('Over %s', (_name, hold, open) => {
  beforeAll(() =>
    start({
      LANDBRIDGE_SIP_MAX_CONNECTIONS: String(inAll),
      LANDBRIDGE_SIP_MAX_CONNECTIONS_PER_ADDRESS: String(ofOneAddress),
      // Each of them waits for its answer.
      LANDBRIDGE_SIP_STRANGER_ANSWERS_PER_SECOND: '10000',
      LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: '0',
    }),
  );
  afterAll(() => gateway.stop());

  it.each(passive)('a caller gets in at the address whose every other client %s', async (_what, text) => {
    const hangUp = await call(await open());
    for (let n = 0; n < 3 * ofOneAddress; n += 1) await hold(text(), '127.0.0.1');
    const hangUpNewcomer = await call(await open());
    for (let n = 0; n < 2 * ofOneAddress; n += 1) await hold(text(), '127.0.0.1');
    await hangUp();
    await hangUpNewcomer();
    await gateway.idle();
  });

  it.each(passive)('a caller gets in where the clients of many addresses each %s', async (_what, text) => {
    const hangUp = await call(await open());
    for (let n = 0; n < 2 * inAll; n += 1) await hold(text(), `127.0.0.${2 + (n % 8)}`);
    await (
      await call(await open())
    )();
    await hangUp();
    await gateway.idle();
  });
});

describe('Two hundred idle WebSockets on /sip from one address', () => {
  beforeAll(() => start({ LANDBRIDGE_SIP_FIRST_MESSAGE_TIMEOUT_SECONDS: '5' }));
  afterAll(() => gateway.stop());

  it('are gone after their time, and REST, UDP and a call go on meanwhile', async () => {
    const caller = await WebSocketPeer.open(sipUrl());
    const hangUp = await call(caller);
    await Promise.all(Array.from({ length: 200 }, () => holdWebSocket('', '127.0.0.1')));
    const open = async () => (await gateway.metrics()).get('landbridge_sip_connections');
    // Each was open at some time; the first may be gone before a busy machine has opened the last.
    expect(held).toHaveLength(200);
    expect((await fetch(`${gateway.origin}/health`)).status).toBe(200);
    await (
      await call(await UdpPeer.open(gateway.sipPort))
    )();
    await waitFor('only the call is left', async () => (await open()) === 1);
    await hangUp();
    await gateway.idle();
  });
});
