/**
 * The SIP server with TLS and WebSocket beside UDP and TCP, one application that answers everything by itself, and peers that
 * send bytes as they are by each of the four ways.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createConnection, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { FrameReader } from '../../../src/sip-server/drachtio/frame.js';
import { createSipServer, type SipServer } from '../../../src/sip-server/index.js';
import { TestAuthority } from '../../support/certificates.js';
import { waitFor } from '../../support/wait-for.js';

export const ways = ['udp', 'tcp', 'tls', 'ws'] as const;
export type Way = (typeof ways)[number];

const secret = 'a test secret';
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };

/** The statuses that a request is answered with, one after the other. */
export type AnswersTo = (method: string, uri: string) => readonly number[];

/** An application that speaks drachtio's protocol by hand: what drachtio-srf could not read it takes as well. */
class Responder {
  /** Methods of the requests that came, in order. */
  readonly methods: string[] = [];
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #answersTo: AnswersTo;

  constructor(port: number, answersTo: AnswersTo) {
    this.#answersTo = answersTo;
    this.#socket = createConnection(port, '127.0.0.1');
    this.#socket.on('data', (bytes: Buffer) => {
      for (const { tokens, raw } of this.#reader.push(bytes)) this.#take(tokens, raw?.toString() ?? '');
    });
  }

  /** Authenticates and asks for these methods. */
  begin(methods: readonly string[]): void {
    this.#send(`a|authenticate|${secret}`);
    for (const [index, method] of methods.entries()) this.#send(`r${String(index)}|route|${method}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(tokens: readonly string[], raw: string): void {
    if (tokens[0] !== 'sip' || tokens[1] !== 'network') return;
    const [method = '', uri = ''] = raw.split(' ', 2);
    this.methods.push(method);
    if (method === 'ACK' || method === 'CANCEL' || method.startsWith('SIP/')) return;
    const transactionId = tokens[7] ?? '';
    for (const status of this.#answersTo(method, uri))
      this.#send(`b|sip|${transactionId}|\r\nSIP/2.0 ${String(status)} Seen\r\n\r\n`);
  }

  #send(text: string): void {
    this.#socket.write(`${String(Buffer.byteLength(text))}#${text}`);
  }
}

/** One connection, or one UDP socket, that sends bytes as they are. */
export interface BytePeer {
  /** Everything that came. */
  readonly text: string;
  readonly isClosed: boolean;
  send(bytes: Buffer): void;
  close(): void;
}

export class ConformanceStage {
  readonly server: SipServer;
  readonly application: Responder;
  readonly errors: readonly object[];
  readonly #webPort: number;
  readonly #ca: string;
  readonly #closers: (() => unknown)[];
  readonly #peers: BytePeer[] = [];

  private constructor(
    server: SipServer,
    application: Responder,
    rest: { errors: readonly object[]; webPort: number; ca: string; closers: (() => unknown)[] },
  ) {
    this.server = server;
    this.application = application;
    this.errors = rest.errors;
    this.#webPort = rest.webPort;
    this.#ca = rest.ca;
    this.#closers = rest.closers;
  }

  /** `answersTo`: what the application answers. `host`: loopback address of either family. */
  static async open(options: {
    readonly methods: readonly string[];
    readonly answersTo: AnswersTo;
    readonly host?: string;
  }): Promise<ConformanceStage> {
    const { methods, answersTo, host = '127.0.0.1' } = options;
    const errors: object[] = [];
    const nothing = (): void => undefined;
    const authority = await TestAuthority.open();
    const { certPem, keyPem } = await authority.issue({ names: ['127.0.0.1', 'localhost'] });
    const listen = { host, port: 0 };
    const server = await createSipServer({
      ...{ udp: listen, tcp: listen, timers },
      tls: {
        ...listen,
        certificates: { serverOptions: { cert: certPem, key: keyPem }, keepFresh: nothing },
      },
      admin: { host: '127.0.0.1', port: 0, secret },
      logger: { debug: nothing, info: nothing, warn: nothing, error: (fields) => errors.push(fields) },
    });
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'sip' });
    const web = createHttpServer().on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (one) => server.acceptWebSocket(one, request)),
    );
    web.listen(0, host);
    await once(web, 'listening');
    const application = new Responder(server.adminAddress.port, answersTo);
    application.begin(methods);
    await waitFor('the application is there', () => server.stats().applications === 1);
    return new ConformanceStage(server, application, {
      ...{ errors, ca: authority.certPem, webPort: (web.address() as AddressInfo).port },
      closers: [
        () => application.close(),
        () => server.close(),
        () => new Promise((resolve) => web.close(resolve)),
        () => authority.remove(),
      ],
    });
  }

  async peer(way: Way, host = '127.0.0.1'): Promise<BytePeer> {
    const { udpAddress, tcpAddress, tlsAddress } = this.server;
    const peer =
      way === 'udp'
        ? await udpPeer(host, udpAddress?.port ?? 0)
        : way === 'ws'
          ? await webSocketPeer(
              `ws://${host.includes(':') ? `[${host}]` : host}:${String(this.#webPort)}/sip`,
            )
          : await streamPeer(
              way === 'tcp'
                ? createConnection(tcpAddress?.port ?? 0, host)
                : this.#tls(host, tlsAddress?.port ?? 0),
            );
    this.#peers.push(peer);
    return peer;
  }

  /** Closes what the peers opened, and sees that the server keeps nothing of them. */
  async settle(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.close();
    await waitFor('nothing is left', () => {
      const { dialogs, transactions, pendingRequests, transport } = this.server.stats();
      return dialogs + transactions + pendingRequests + transport.connectionsOpen === 0;
    });
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.close();
    for (const closer of this.#closers) await closer();
  }

  #tls(host: string, port: number): Socket {
    return connectTls({ host, port, ca: this.#ca, checkServerIdentity: () => undefined });
  }
}

async function udpPeer(host: string, port: number): Promise<BytePeer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(0, host);
  await once(socket, 'listening');
  const peer = {
    text: '',
    isClosed: false,
    send: (bytes: Buffer) => socket.send(bytes, port, host),
    close: () => socket.close(),
  };
  socket.on('message', (bytes) => (peer.text += bytes.toString('latin1')));
  return peer;
}

async function streamPeer(socket: Socket): Promise<BytePeer> {
  const peer = {
    text: '',
    isClosed: false,
    send: (bytes: Buffer) => void socket.write(bytes),
    close: () => void socket.destroy(),
  };
  socket.on('error', () => undefined).on('data', (bytes: Buffer) => (peer.text += bytes.toString('latin1')));
  socket.on('close', () => (peer.isClosed = true));
  await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect');
  return peer;
}

async function webSocketPeer(url: string): Promise<BytePeer> {
  const socket = new WebSocket(url, 'sip');
  await once(socket, 'open');
  const peer = {
    text: '',
    isClosed: false,
    send: (bytes: Buffer) => socket.send(bytes),
    close: () => socket.terminate(),
  };
  socket.on('message', (bytes: Buffer) => (peer.text += bytes.toString('latin1')));
  socket.on('close', () => (peer.isClosed = true));
  return peer;
}
