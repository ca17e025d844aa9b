/** SIP peers over UDP, TCP and WebSocket for tests of the SIP server. */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';
import { parseMessage } from '../../../src/sip-server/index.js';
import type { SipMessage, SipRequest, SipResponse } from '../../../src/sip-server/index.js';
import { hangMs } from '../../support/wait-for.js';

/** A SIP peer that does exactly what the test writes: no transactions, no retransmissions, no answers by itself. */
export abstract class RawPeer {
  readonly received: SipMessage[] = [];
  readonly #waiting = new Set<() => void>();
  #taken = 0;
  /** The responses that were waited for. */
  readonly #known = new Set<string>();
  protected transport = 'UDP';
  host = '127.0.0.1';
  port = 0;
  /** What it says of where it is. Default: its host, its port and its transport. */
  contactUri: string | null = null;

  abstract sendText(text: string | Buffer): void;
  abstract close(): Promise<void>;

  get contact(): string {
    if (this.contactUri !== null) return `<${this.contactUri}>`;
    return this.transport === 'UDP'
      ? `<sip:raw@${this.host}:${this.port}>`
      : `<sip:raw@${this.host}:${this.port};transport=${this.transport.toLowerCase()}>`;
  }

  get via(): string {
    return `SIP/2.0/${this.transport} ${this.host}:${this.port};branch=z9hG4bK${randomUUID()};rport`;
  }

  /** The next message, in order of arrival, that the guard takes; those before it are skipped. */
  async next<T extends SipMessage>(
    matches: (message: SipMessage) => message is T,
    timeoutMs = hangMs,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      while (this.#taken < this.received.length) {
        const message = this.received[this.#taken];
        this.#taken += 1;
        if (message && matches(message)) return message;
      }
      if (Date.now() >= deadline) {
        const seen = this.received.map((message) =>
          message.kind === 'request' ? message.method : message.status,
        );
        throw new Error(`nothing suitable came; received ${seen.join(' ')}`);
      }
      await this.#arrival(deadline - Date.now());
    }
  }

  /** One that was not there before: what was sent again, because a busy machine took its time, is no other answer. */
  async response(status: number, method?: string, timeoutMs?: number): Promise<SipResponse> {
    const response = await this.next(
      (message): message is SipResponse =>
        isResponse(message, status, method) && !this.#known.has(textOf(message)),
      timeoutMs,
    );
    this.#known.add(textOf(response));
    return response;
  }

  /** The same as one before, sent again. */
  responseAgain(status: number, method?: string): Promise<SipResponse> {
    return this.next(
      (message): message is SipResponse =>
        isResponse(message, status, method) && this.#known.has(textOf(message)),
    );
  }

  request(method: string, timeoutMs?: number): Promise<SipRequest> {
    return this.next(
      (message): message is SipRequest => message.kind === 'request' && message.method === method,
      timeoutMs,
    );
  }

  /** Writes a request; header lines of `fields` replace those of the same name. */
  send(method: string, uri: string, fields: Record<string, string | undefined>, body = ''): string {
    const own: Record<string, string | undefined> = {
      Via: this.via,
      'Max-Forwards': '70',
      From: `<sip:raw@${this.host}>;tag=raw${randomUUID().slice(0, 8)}`,
      To: `<${uri}>`,
      'Call-ID': randomUUID(),
      CSeq: `1 ${method}`,
      Contact: this.contact,
      ...fields,
    };
    const text = formatText(`${method} ${uri} SIP/2.0`, own, body);
    this.sendText(text);
    return text;
  }

  /** Answers a request that came, with a To tag of our own unless it has one. */
  reply(request: SipRequest, status: number, fields: Record<string, string> = {}, body = ''): void {
    const { headers } = request;
    const to = headers.get('To') ?? '';
    const lines: [string, string][] = headers.all('Via').map((via) => ['Via', via]);
    for (const route of headers.all('Record-Route')) lines.push(['Record-Route', route]);
    lines.push(
      ['From', headers.get('From') ?? ''],
      ['To', /;tag=/.test(to) || status === 100 ? to : `${to};tag=rawuas`],
      ['Call-ID', headers.get('Call-ID') ?? ''],
      ['CSeq', headers.get('CSeq') ?? ''],
      ['Contact', this.contact],
      ...Object.entries(fields),
    );
    this.sendText(formatText(`SIP/2.0 ${status} Whatever`, lines, body));
  }

  protected push(bytes: Buffer): void {
    const result = parseMessage(bytes);
    if (!result.ok)
      throw new Error(`the server sent what cannot be parsed: ${result.reason}\n${bytes.toString()}`);
    this.received.push(result.message);
    for (const wake of [...this.#waiting]) wake();
  }

  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }
}

function isResponse(message: SipMessage, status: number, method?: string): message is SipResponse {
  return (
    message.kind === 'response' &&
    message.status === status &&
    (method === undefined || (message.headers.get('CSeq') ?? '').endsWith(` ${method}`))
  );
}

/** What tells one response from another. */
function textOf({ status, headers, body }: SipResponse): string {
  const fields = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => headers.get(name));
  return JSON.stringify([status, fields, body.toString('latin1')]);
}

function formatText(
  startLine: string,
  fields: Record<string, string | undefined> | [string, string][],
  body: string,
): string {
  const entries = Array.isArray(fields) ? fields : Object.entries(fields);
  const lines = entries
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  if (body !== '') lines.push('Content-Type: application/sdp');
  return `${startLine}\r\n${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends the ACK of a 2xx, or any other request, in the dialog that the response made. */
export function inDialog(
  peer: RawPeer,
  method: string,
  { headers }: SipResponse,
  cseq: number,
  fields: Record<string, string | undefined> = {},
  body = '',
): void {
  const [from, to, callId] = ['From', 'To', 'Call-ID'].map((name) => headers.get(name) ?? '');
  const uri = /<([^>]+)>/.exec(headers.get('Contact') ?? to ?? '')?.[1] ?? '';
  peer.send(
    method,
    uri,
    { From: from, To: to, 'Call-ID': callId, CSeq: `${cseq} ${method}`, ...fields },
    body,
  );
}

export class UdpPeer extends RawPeer {
  readonly #socket: UdpSocket = createSocket('udp4');
  readonly #serverPort: number;

  private constructor(serverPort: number) {
    super();
    this.#serverPort = serverPort;
  }

  static async open(serverPort: number): Promise<UdpPeer> {
    const peer = new UdpPeer(serverPort);
    await new Promise<void>((resolve) => peer.#socket.bind(0, '127.0.0.1', resolve));
    peer.port = peer.#socket.address().port;
    peer.#socket.on('message', (bytes) => peer.push(bytes));
    return peer;
  }

  override sendText(text: string | Buffer): void {
    this.#socket.send(text, this.#serverPort, '127.0.0.1');
  }

  override close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

export class TcpPeer extends RawPeer {
  readonly #socket: Socket;
  #buffered = '';

  private constructor(socket: Socket, transport: 'TCP' | 'TLS') {
    super();
    this.#socket = socket;
    this.transport = transport;
  }

  static open(serverPort: number): Promise<TcpPeer> {
    return TcpPeer.#over(createConnection(serverPort, '127.0.0.1'), 'TCP');
  }

  /** `ca`: who vouches for the server, as PEM. */
  static openTls(serverPort: number, ca: string): Promise<TcpPeer> {
    return TcpPeer.#over(connectTls({ port: serverPort, host: '127.0.0.1', ca }), 'TLS');
  }

  static async #over(socket: Socket, transport: 'TCP' | 'TLS'): Promise<TcpPeer> {
    const peer = new TcpPeer(socket, transport);
    const opened = transport === 'TLS' ? 'secureConnect' : 'connect';
    await new Promise<void>((resolve, reject) => socket.once(opened, resolve).once('error', reject));
    peer.port = socket.localPort ?? 0;
    socket.on('data', (bytes: Buffer) => peer.#take(bytes.toString('latin1')));
    return peer;
  }

  override sendText(text: string | Buffer): void {
    this.#socket.write(text);
  }

  override close(): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }

  #take(text: string): void {
    this.#buffered += text;
    for (;;) {
      const end = this.#buffered.indexOf('\r\n\r\n');
      const length = Number(/^Content-Length: (\d+)/im.exec(this.#buffered)?.[1] ?? 0);
      if (end < 0 || this.#buffered.length < end + 4 + length) return;
      this.push(Buffer.from(this.#buffered.slice(0, end + 4 + length), 'latin1'));
      this.#buffered = this.#buffered.slice(end + 4 + length);
    }
  }
}

export class WebSocketPeer extends RawPeer {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    this.transport = 'WS';
    this.host = `${randomUUID().slice(0, 8)}.invalid`;
    this.port = 5060;
  }

  static async open(url: string): Promise<WebSocketPeer> {
    const socket = new WebSocket(url, 'sip');
    const peer = new WebSocketPeer(socket);
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.on('message', (data: Buffer) => peer.push(data));
    return peer;
  }

  override sendText(text: string | Buffer): void {
    this.#socket.send(text.toString());
  }

  override close(): Promise<void> {
    this.#socket.terminate();
    return Promise.resolve();
  }
}
