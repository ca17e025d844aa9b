/** A CANCEL that drachtio-server passes on when our answer is on its way already, with a server that the test plays. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DoorStage } from './drachtio-door.js';
import { audioOffer } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';

interface Frame {
  readonly id: string;
  readonly text: string;
}

/** The admin port of a drachtio-server that accepts everybody. */
class PlayedServer {
  readonly frames: Frame[] = [];
  readonly #listener: Server;
  #socket: Socket | null = null;

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  static async open(): Promise<PlayedServer> {
    const listener = createServer();
    const server = new PlayedServer(listener);
    listener.on('connection', (socket) => server.#accept(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return server;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  send(words: readonly string[], message = ''): void {
    const content = [randomUUID(), ...words].join('|') + (message === '' ? '' : `|\r\n${message}`);
    this.#socket?.write(`${content.length}#${content}`);
  }

  close(): void {
    this.#socket?.destroy();
    this.#listener.close();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    let unread = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      unread += bytes.toString('latin1');
      for (let hash = unread.indexOf('#'); hash > 0; hash = unread.indexOf('#')) {
        const end = hash + 1 + Number(unread.slice(0, hash));
        if (unread.length < end) return;
        this.#read(unread.slice(hash + 1, end));
        unread = unread.slice(end);
      }
    });
  }

  #read(content: string): void {
    const id = content.slice(0, content.indexOf('|'));
    const text = content.slice(id.length + 1);
    if (text.startsWith('sip|')) this.frames.push({ id, text });
    else if (text.startsWith('authenticate|'))
      this.send(['response', id, 'OK', 'udp/127.0.0.1:5060', 'v0.8.6', '']);
    else this.send(['response', id, 'OK']);
  }
}

let server: PlayedServer;
let stage: DoorStage;
beforeEach(async () => {
  server = await PlayedServer.open();
  const admin = { host: '127.0.0.1', port: server.port, secret: 'any' };
  stage = await DoorStage.open([admin], { probeMs: 0 });
});
afterEach(async () => {
  await stage.close();
  server.close();
});

it('ends the call, of which drachtio-server makes a dialog that nobody but us has, with a BYE', async () => {
  const { token } = await stage.domain.participant();
  const from = ['sip', 'network', '500', 'udp', '127.0.0.1', '5070', '10:00:00.000000'];
  const transactionId = randomUUID();
  const head = (method: string) => [
    `${method} sip:join@127.0.0.1 SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKone',
    'From: <sip:phone@127.0.0.1>;tag=phone',
    'To: <sip:join@127.0.0.1>',
    'Call-ID: crossing',
    `CSeq: 1 ${method}`,
  ];
  const offer = audioOffer(4000);
  const invite = [...head('INVITE'), 'Contact: <sip:phone@127.0.0.1:5070>', `X-Token: ${token}`];
  const body = ['Content-Type: application/sdp', `Content-Length: ${offer.length}`, '', offer];
  server.send([...from, transactionId, ''], [...invite, ...body].join('\r\n'));
  const answer = await waitFor('our answer', () =>
    server.frames.find(({ text }) => text.includes('SIP/2.0 200')),
  );

  // The phone was told 487 before our answer came; drachtio-server accepts that without a word.
  server.send([...from, transactionId, ''], [...head('CANCEL'), 'Content-Length: 0', '', ''].join('\r\n'));
  const sent = ['SIP/2.0 200 OK', ...head('INVITE').slice(1)].map((line) =>
    line.replace(/^(To:.*)/, '$1;tag=us'),
  );
  const dialogId = 'crossing;from-tag=phone';
  const words = ['response', answer.id, 'OK', 'application', ...from.slice(2), transactionId, dialogId];
  server.send(words, [...sent, 'Contact: <sip:127.0.0.1:5060>', 'Content-Length: 0', '', ''].join('\r\n'));

  const bye = await waitFor('a BYE', () => server.frames.find(({ text }) => /\r\nBYE /.test(text)));
  expect(bye.text).toContain(dialogId);
  await waitFor('the call is over', () => stage.door.callCount === 0);
  expect(stage.domain.legs.size).toBe(0);
  expect(stage.domain.ofType('call.ended').map(({ data }) => data.outcome)).toMatchObject([
    { reason: 'canceled' },
  ]);
});
