/** SIP by hand over UDP: for what no decent client sends. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { hangMs } from './wait-for.js';

export interface RawMessage {
  /** The status of a response; undefined for a request. */
  readonly status: number | undefined;
  readonly startLine: string;
  readonly text: string;
  /** The first field of that name; undefined where there is none. */
  header(name: string): string | undefined;
}

export interface InviteOptions {
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly uri?: string;
  readonly cseq?: number;
  readonly toTag?: string;
}

export class RawSip {
  readonly received: RawMessage[] = [];
  readonly callId = randomUUID();
  readonly branch = `z9hG4bK${randomUUID()}`;
  readonly tag = randomUUID().slice(0, 8);
  readonly #socket: Socket;
  readonly #port: number;
  /** Where it is, as it stands in a URI. */
  readonly #host: string;
  readonly #waiters = new Set<() => void>();

  private constructor(socket: Socket, port: number, host: string) {
    this.#socket = socket;
    this.#port = port;
    this.#host = host;
    socket.on('message', (bytes) => {
      this.received.push(readMessage(bytes.toString('latin1')));
      for (const waiter of [...this.#waiters]) waiter();
    });
  }

  /** A user agent towards the SIP port of a gateway on this machine. `source`: the address that it sends from. */
  static async open(gatewayPort: number, source = '127.0.0.1'): Promise<RawSip> {
    const isIpv6 = source.includes(':');
    const socket = createSocket(isIpv6 ? 'udp6' : 'udp4').bind(0, source);
    await once(socket, 'listening');
    // What it says of where it is stays the same whatever it sends from.
    return new RawSip(socket, gatewayPort, isIpv6 ? `[${source}]` : '127.0.0.1');
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string | Uint8Array): void {
    this.#socket.send(text, this.#port, this.#host === '127.0.0.1' ? this.#host : '::1');
  }

  /** An INVITE of this agent's one call. Requests of the same `cseq` and branch are retransmissions. */
  invite({
    headers = [],
    body = '',
    uri = 'sip:join@gateway.example',
    cseq = 1,
    toTag,
  }: InviteOptions = {}): string {
    return this.request('INVITE', {
      uri,
      cseq,
      toTag,
      headers: [this.contact, ...(body === '' ? [] : ['Content-Type: application/sdp']), ...headers],
      body,
    });
  }

  request(
    method: string,
    {
      uri = 'sip:join@gateway.example',
      cseq = 1,
      toTag,
      headers = [],
      body = '',
      branch = this.branch,
    }: {
      uri?: string;
      cseq?: number;
      toTag?: string | undefined;
      headers?: readonly string[];
      body?: string;
      branch?: string;
    } = {},
  ): string {
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.#host}:${this.port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:raw@${this.#host}>;tag=${this.tag}`,
      `To: <sip:join@gateway.example>${toTag === undefined ? '' : `;tag=${toTag}`}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${cseq} ${method}`,
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  /** The first message that fits, received already or to come. */
  async wait(what: string, fits: (message: RawMessage) => boolean, timeoutMs = hangMs): Promise<RawMessage> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.received.find(fits);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(
          `no ${what}; received: ${this.received.map(({ startLine }) => startLine).join(' | ')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          this.#waiters.delete(finish);
          resolve();
        };
        const timer = setTimeout(finish, left);
        this.#waiters.add(finish);
      });
    }
  }

  /** The final response to a method. */
  final(method: string): Promise<RawMessage> {
    return this.wait(
      `final response to ${method}`,
      ({ status = 0, header }) => status >= 200 && header('CSeq')?.endsWith(` ${method}`) === true,
    );
  }

  /** The final response to the request of that number. */
  finalTo(cseq: number, method: string): Promise<RawMessage> {
    return this.wait(
      `final response to ${method} ${String(cseq)}`,
      ({ status = 0, header }) => status >= 200 && header('CSeq') === `${String(cseq)} ${method}`,
    );
  }

  /** The header line that says where it is. */
  get contact(): string {
    return `Contact: <sip:raw@${this.#host}:${String(this.port)}>`;
  }

  /** Answers a request with 200. */
  ok(request: RawMessage): void {
    this.answer(request, '200 OK');
  }

  /** `status`: with its reason phrase. */
  answer(request: RawMessage, status: string, headers: readonly string[] = [], body = ''): void {
    const copied = request.text.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(line));
    const length = `Content-Length: ${String(Buffer.byteLength(body))}`;
    this.send([`SIP/2.0 ${status}`, ...copied, ...headers, length, '', body].join('\r\n'));
  }

  close(): void {
    this.#socket.close();
  }
}

function readMessage(text: string): RawMessage {
  const [head = ''] = text.split('\r\n\r\n', 1);
  const [startLine = '', ...lines] = head.split('\r\n');
  const status = /^SIP\/2\.0 (\d{3})/.exec(startLine)?.[1];
  return {
    status: status === undefined ? undefined : Number(status),
    startLine,
    text,
    header: (name) => {
      const line = lines.find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`));
      return line?.slice(name.length + 1).trim();
    },
  };
}

/** The header line of a body that is a session description. */
export const sdpType = 'Content-Type: application/sdp';

/** An offer of one audio stream. */
export function audioOffer(port: number, payloadTypes = '0'): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${payloadTypes}`,
    '',
  ].join('\r\n');
}
