/** An inbound connection to FreeSWITCH’s event socket: what a test needs of it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface EventSocketAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** FreeSWITCH said no: a wrong secret, or an address that may not come in. */
export class EventSocketRefusal extends Error {}

interface Frame {
  readonly type: string;
  readonly headers: string;
  readonly body: string;
}

const answerTimeoutMs = 10_000;

export class EventSocket {
  readonly #socket: Socket;
  #unread = Buffer.alloc(0);
  readonly #frames: Frame[] = [];
  #wake: (() => void) | null = null;
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#unread = Buffer.concat([this.#unread, bytes]);
      this.#readFrames();
      this.#wake?.();
    });
    socket.on('close', () => {
      this.#hasEnded = true;
      this.#wake?.();
    });
    // What there is to say of it, the close says.
    socket.on('error', () => undefined);
  }

  /** Connects and logs in. Throws `EventSocketRefusal`, or the error of a connection that failed. */
  static async open(address: EventSocketAddress, localAddress = '127.0.0.1'): Promise<EventSocket> {
    const socket = connect({ host: address.host, port: address.port, localAddress, noDelay: true });
    await once(socket, 'connect');
    const opened = new EventSocket(socket);
    try {
      const greeting = await opened.#next();
      if (greeting.type !== 'auth/request') throw new EventSocketRefusal(greeting.body || greeting.type);
      const answer = await opened.#command(`auth ${address.secret}`, 'command/reply');
      if (!answer.headers.includes('Reply-Text: +OK')) throw new EventSocketRefusal(answer.headers);
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** What the command prints. */
  async api(command: string): Promise<string> {
    return (await this.#command(`api ${command}`, 'api/response')).body;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #command(text: string, answerType: string): Promise<Frame> {
    this.#socket.write(`${text}\n\n`);
    for (;;) {
      const frame = await this.#next();
      if (frame.type === answerType) return frame;
    }
  }

  async #next(): Promise<Frame> {
    const timer = setTimeout(() => this.#socket.destroy(), answerTimeoutMs);
    try {
      for (;;) {
        const frame = this.#frames.shift();
        if (frame !== undefined) return frame;
        if (this.#hasEnded) throw new Error('FreeSWITCH closed its event socket, or did not answer in time');
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #readFrames(): void {
    for (;;) {
      const end = this.#unread.indexOf('\n\n');
      if (end < 0) return;
      const headers = this.#unread.toString('utf8', 0, end);
      const length = Number(/^Content-Length: (\d+)/m.exec(headers)?.[1] ?? 0);
      if (this.#unread.length < end + 2 + length) return;
      const body = this.#unread.toString('utf8', end + 2, end + 2 + length);
      this.#unread = this.#unread.subarray(end + 2 + length);
      this.#frames.push({ type: /^Content-Type: (\S+)/m.exec(headers)?.[1] ?? '', headers, body });
    }
  }
}
