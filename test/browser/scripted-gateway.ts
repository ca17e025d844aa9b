/**
 * A far end for the SDK under the test's command: it serves the SDK, speaks just enough SIP over WebSocket to take one
 * INVITE and send requests of its own, and leaves every session description to the test.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { WebSocketServer, type WebSocket } from 'ws';

export interface SipMessage {
  readonly startLine: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Refusal {
  readonly status: number;
  readonly headers?: readonly string[];
}

/** Answers an offer with a description, or refuses. */
export type AnswerOffer = (offer: string, invite: SipMessage) => Promise<string | Refusal>;

const sdkSource = fileURLToPath(new URL('../../sdk/src/landbridge.ts', import.meta.url));

const pageWithSdk =
  '<!doctype html><title>test</title>' +
  '<script type="module">import * as sdk from "/sdk/landbridge.js"; globalThis.sdk = sdk;</script>';

export class ScriptedGateway {
  /** Every message from the SDK, in order. */
  readonly received: SipMessage[] = [];
  onOffer: AnswerOffer = () => Promise.resolve({ status: 403 });
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #waiting = new Set<{
    matches: (message: SipMessage) => boolean;
    resolve: (message: SipMessage) => void;
  }>();
  #socket: WebSocket | undefined;
  #dialog:
    | { readonly local: string; readonly remote: string; readonly callId: string; readonly target: string }
    | undefined;
  #cseq = 100;

  private constructor(http: Server) {
    this.#http = http;
    this.#sockets = new WebSocketServer({ server: http, path: '/sip' });
    this.#sockets.on('connection', (socket) => {
      this.#socket = socket;
      socket.on('message', (data: Buffer) => this.#onMessage(data.toString()));
    });
  }

  static async start(): Promise<ScriptedGateway> {
    const { outputFiles } = await build({
      entryPoints: [sdkSource],
      bundle: true,
      format: 'esm',
      write: false,
    });
    const sdk = outputFiles[0]?.contents ?? new Uint8Array();
    const http = createServer((request, response) => {
      const script = request.url === '/sdk/landbridge.js';
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      response.end(script ? sdk : pageWithSdk);
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new ScriptedGateway(http);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The next message that matches, or one that came already. */
  async message(matches: (message: SipMessage) => boolean): Promise<SipMessage> {
    const known = this.received.find(matches);
    return known ?? new Promise((resolve) => this.#waiting.add({ matches, resolve }));
  }

  /** Sends an in-dialog request; resolves with its final response, and acknowledges an INVITE's. */
  async request(method: 'INVITE' | 'BYE', body = '', headers: readonly string[] = []): Promise<SipMessage> {
    const dialog = this.#dialog;
    if (dialog === undefined) throw new Error('no dialog');
    const cseq = (this.#cseq += 1);
    const common = (name: string): string[] => [
      `${name} ${dialog.target} SIP/2.0`,
      `Via: SIP/2.0/WS test.invalid;branch=z9hG4bK${name}${cseq}`,
      'Max-Forwards: 70',
      `From: ${dialog.local}`,
      `To: ${dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${cseq} ${name}`,
      'Contact: <sip:test.invalid;transport=ws>',
    ];
    this.#send([...common(method), ...headers], body);
    const response = await this.message(
      ({ startLine, headers: found }) =>
        /^SIP\/2\.0 [2-6]/.test(startLine) && found.get('cseq') === `${cseq} ${method}`,
    );
    if (method === 'INVITE') this.#send(common('ACK'), '');
    return response;
  }

  /** Drops the WebSocket as a broken network would. */
  drop(): void {
    this.#socket?.terminate();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #onMessage(text: string): void {
    if (text.trim() === '') return;
    const message = parse(text);
    this.received.push(message);
    for (const waiter of this.#waiting) {
      if (!waiter.matches(message)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(message);
    }
    if (message.startLine.startsWith('INVITE')) void this.#onInvite(message);
    if (message.startLine.startsWith('BYE')) this.#respond(message, 200, [], '');
  }

  async #onInvite(invite: SipMessage): Promise<void> {
    const tag = this.#dialog === undefined ? ';tag=gateway' : '';
    const result = await this.onOffer(invite.body, invite);
    if (typeof result !== 'string') {
      this.#respond(invite, result.status, result.headers ?? [], '', tag);
      return;
    }
    this.#dialog ??= {
      local: `${invite.headers.get('to')}${tag}`,
      remote: invite.headers.get('from') ?? '',
      callId: invite.headers.get('call-id') ?? '',
      target: /<(.*?)>/.exec(invite.headers.get('contact') ?? '')?.[1] ?? '',
    };
    this.#respond(invite, 200, ['Contact: <sip:test.invalid;transport=ws>'], result, tag);
  }

  #respond(request: SipMessage, status: number, headers: readonly string[], body: string, tag = ''): void {
    const copied = ['via', 'from', 'call-id', 'cseq'].map((name) => `${name}: ${request.headers.get(name)}`);
    this.#send(
      [`SIP/2.0 ${status} X`, ...copied, `To: ${request.headers.get('to')}${tag}`, ...headers],
      body,
    );
  }

  #send(lines: readonly string[], body: string): void {
    const type = body === '' ? [] : ['Content-Type: application/sdp'];
    const all = [...lines, ...type, `Content-Length: ${Buffer.byteLength(body)}`, '', body];
    this.#socket?.send(all.join('\r\n'));
  }
}

function parse(text: string): SipMessage {
  const end = text.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { startLine, headers, body: text.slice(end + 4) };
}
