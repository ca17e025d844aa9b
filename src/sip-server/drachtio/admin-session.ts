/** One drachtio application at the other end of an admin connection. */
import { randomUUID, timingSafeEqual, createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { formatReadable } from '../message/format-message.js';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { refusals, type Application, type Sent, type SendResult } from '../user-agent/application.js';
import type { CallRecord } from '../user-agent/call-record.js';
import type { SipLogger } from '../user-agent/environment.js';
import type { UserAgentCore } from '../user-agent/user-agent-core.js';
import { parseDraft } from './draft.js';
import { parseProxyOrder } from './proxy-command.js';
import { cleanToken, formatFrame, FrameReader, type Frame } from './frame.js';
import type { Routes } from './routes.js';

export interface AdminSessionOptions {
  readonly secret: string;
  readonly core: UserAgentCore;
  readonly routes: Routes;
  readonly logger: SipLogger;
  readonly maxFrameBytes: number;
  /** Bytes waiting for a client that does not read; then it is dropped. */
  readonly maxBufferedBytes: number;
  /** A client has this long to authenticate. */
  readonly authenticationTimeoutMs: number;
  /** Where we listen, as `udp/host:port,…`: as the world knows it, and as it is bound. */
  readonly hostPorts: () => { readonly external: string; readonly local: string };
  readonly nowMs: () => number;
  readonly ended: (session: AdminSession) => void;
}

/** drachtio-srf asks for 0.8.2 or later before it sends pings. */
const protocolVersion = 'v0.9.10';

/** One drachtio client: its commands become calls of the user agent, and what the user agent says becomes frames. */
export class AdminSession implements Application {
  readonly #socket: Socket;
  readonly #options: AdminSessionOptions;
  readonly #reader: FrameReader;
  readonly #authenticationTimer: NodeJS.Timeout;
  #isAuthenticated = false;
  #isClosed = false;
  #isCorked = false;
  /** The time that was written last: frames come several in a millisecond. */
  #told = { ms: NaN, text: '' };

  constructor(socket: Socket, options: AdminSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.maxFrameBytes);
    this.#authenticationTimer = setTimeout(() => this.close(), options.authenticationTimeoutMs);
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', () => this.close());
    socket.on('end', () => this.close());
    socket.on('close', () => this.close());
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  request(request: SipRequest, flow: Flow, transactionId: string, dialogId: string): void {
    this.#network(request, flow, { transactionId, dialogId, isNew: dialogId === '' });
  }

  acknowledged(ack: SipRequest, flow: Flow, transactionId: string, dialogId: string): void {
    this.#network(ack, flow, { transactionId, dialogId });
  }

  cancelled(cancel: SipRequest, flow: Flow, transactionId: string): void {
    // A BYE that ended an early dialog is told as what it amounts to: the client waits for a CANCEL.
    const message: SipRequest = cancel.method === 'CANCEL' ? cancel : { ...cancel, method: 'CANCEL' };
    this.#network(message, flow, { transactionId, dialogId: '' });
  }

  response(response: SipResponse, flow: Flow, transactionId: string, dialogId: string): void {
    this.#network(response, flow, { transactionId, dialogId });
  }

  dialogEnded(bye: SipRequest, flow: Flow, dialogId: string): void {
    const raw = formatReadable(bye);
    const tokens = ['sip', 'application', ...this.#origin(raw, flow), 'unsolicited', dialogId, ''];
    this.#write(formatFrame(randomUUID(), tokens, raw));
  }

  callRecord({ kind, source, detail, message }: CallRecord): void {
    const tokens = [`cdr:${kind}`, source, this.#time(), ...(detail === null ? [] : [detail])];
    this.#write(formatFrame(randomUUID(), tokens, formatReadable(message)));
  }

  /** Ends the connection and gives everything up that the client had; idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#authenticationTimer);
    this.#options.routes.removeAll(this);
    this.#options.core.release(this);
    this.#socket.end();
    this.#socket.destroySoon();
    this.#options.ended(this);
  }

  #receive(bytes: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#reader.push(bytes);
    } catch (error) {
      this.#options.logger.warn({ error }, 'drachtio client sent what is no frame');
      this.close();
      return;
    }
    for (const frame of frames) {
      if (this.#isClosed) return;
      try {
        this.#command(frame);
      } catch (error) {
        this.#options.logger.error({ error }, 'command of a drachtio client failed');
        this.#reply(frame.id, ['NOK', 'internal error']);
      }
    }
  }

  #command(frame: Frame): void {
    const { id, tokens } = frame;
    const [type = '', argument = ''] = tokens;
    if (type === 'authenticate') this.#authenticate(id, argument);
    else if (!this.#isAuthenticated) this.#refuseAndClose(id, 'not authenticated');
    else if (type === 'route') this.#route(id, argument);
    else if (type === 'remove_route') {
      this.#options.routes.remove(argument, this);
      this.#reply(id, ['OK']);
    } else if (type === 'ping') this.#reply(id, ['OK', 'pong']);
    else if (type === 'sip') this.#sip(id, tokens, frame.raw);
    else if (type === 'proxy') this.#proxy(id, tokens, frame.raw);
    else this.#refuseAndClose(id, 'Unknown message type');
  }

  #authenticate(id: string, secret: string): void {
    if (!isSame(secret, this.#options.secret)) {
      this.#options.logger.warn(
        { address: this.#socket.remoteAddress },
        'drachtio client with a wrong secret',
      );
      this.#refuseAndClose(id, 'incorrect secret');
      return;
    }
    clearTimeout(this.#authenticationTimer);
    this.#isAuthenticated = true;
    const { external, local } = this.#options.hostPorts();
    this.#reply(id, ['OK', external, protocolVersion, local]);
  }

  #route(id: string, method: string): void {
    this.#reply(id, this.#options.routes.add(method, this) ? ['OK'] : ['NOK', 'no such method']);
  }

  #sip(id: string, tokens: readonly string[], raw: Buffer | undefined): void {
    const [, transactionId = '', dialogId = '', proxy = ''] = tokens;
    const draft = raw && parseDraft(raw);
    if (!draft) {
      this.#reply(id, ['NOK', 'malformed SIP message']);
      return;
    }
    const { core } = this.#options;
    if (draft.kind === 'response') {
      core.respond(transactionId, draft, this, (result) => this.#replySent(id, result, true));
    } else if (draft.method === 'CANCEL') {
      this.#replySent(id, core.cancel(transactionId, draft, this), false);
    } else if (dialogId !== '') {
      this.#whenSent(id, core.sendInDialog(dialogId, draft, this));
    } else if (draft.method === 'ACK' || draft.method === 'PRACK') {
      this.#reply(id, ['NOK', refusals.unknownDialog]);
    } else this.#whenSent(id, core.sendNew(draft, this, proxy === '' ? undefined : proxy));
  }

  #proxy(id: string, tokens: readonly string[], raw: Buffer | undefined): void {
    const order = parseProxyOrder(tokens, raw);
    if (order === null) {
      this.#reply(id, ['NOK', 'Invalid proxy request: not enough information provided']);
      return;
    }
    const [, transactionId = ''] = tokens;
    const isTaken = this.#options.core.proxy(transactionId, order, this, {
      responded: (response, flow) => {
        const bytes = formatReadable(response);
        const origin = this.#origin(bytes, flow);
        this.#reply(id, ['OK', 'network', ...origin, transactionId, '', 'continue', ''], bytes);
      },
      done: () => this.#reply(id, ['OK', 'done']),
    });
    if (!isTaken) this.#reply(id, ['NOK', refusals.unknownTransaction]);
  }

  #whenSent(id: string, sending: Promise<SendResult>): void {
    sending.then(
      (result) => this.#replySent(id, result, false),
      (error: unknown) => {
        this.#options.logger.error({ error }, 'request of a drachtio client failed');
        this.#reply(id, ['NOK', 'internal error']);
      },
    );
  }

  #replySent(id: string, result: SendResult, isResponse: boolean): void {
    if (!result.ok) {
      this.#reply(id, ['NOK', cleanToken(result.reason)]);
      return;
    }
    const { bytes, flow, transactionId, dialogId } = result satisfies Sent;
    const tail = isResponse ? [dialogId, '', 'Msg sent:', ''] : ['Msg sent:', ''];
    this.#reply(id, ['OK', 'application', ...this.#origin(bytes, flow), transactionId, ...tail], bytes);
  }

  #network(message: SipMessage, flow: Flow, { transactionId, dialogId, isNew = false }: MessageNames): void {
    const raw = formatReadable(message);
    const local = isNew ? [flow.localAddress, String(flow.localPort), ''] : [''];
    const isLocal = message.kind === 'response' && message.isLocal === true;
    const origin = this.#origin(raw, isLocal ? { ...nobody, protocol: flow.protocol } : flow);
    const tokens = ['sip', 'network', ...origin, transactionId, dialogId, ...local];
    this.#write(formatFrame(randomUUID(), tokens, raw));
  }

  /**
   * The tokens `<bytes>|<proto>|<ip>|<port>|<time>`. Deviation: a drachtio-server calls WebSockets `tcp`; here they are `ws` and
   * `wss`, so that an application can tell a browser from a phone by what the request really came over.
   */
  #origin(raw: Buffer, { protocol, remoteAddress, remotePort }: Origin): string[] {
    return [String(raw.length), protocol, remoteAddress, String(remotePort), this.#time()];
  }

  /** `HH:MM:SS.uuuuuu`, UTC. */
  #time(): string {
    const nowMs = this.#options.nowMs();
    if (nowMs !== this.#told.ms)
      this.#told = { ms: nowMs, text: `${new Date(nowMs).toISOString().slice(11, 23)}000` };
    return this.#told.text;
  }

  #reply(id: string, tokens: readonly string[], raw?: Buffer): void {
    this.#write(formatFrame(randomUUID(), ['response', id, ...tokens], raw));
  }

  #refuseAndClose(id: string, reason: string): void {
    this.#reply(id, ['NO', reason]);
    this.close();
  }

  /** What is written in one turn of the event loop goes out in one packet. */
  #write(frame: Buffer): void {
    if (this.#isClosed || this.#socket.destroyed) return;
    if (this.#socket.writableLength > this.#options.maxBufferedBytes) {
      this.#options.logger.error({}, 'drachtio client does not read; dropped');
      this.#socket.destroy();
      return;
    }
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }
}

type Origin = Pick<Flow, 'protocol' | 'remoteAddress' | 'remotePort'>;

/** Whom a response is from that was made here because none came. */
const nobody = { remoteAddress: '', remotePort: 0 };

interface MessageNames {
  readonly transactionId: string;
  /** Empty outside of dialogs. */
  readonly dialogId: string;
  /** A request that begins something: it is told with the address it came to. Default false. */
  readonly isNew?: boolean;
}

/** Compares digests, so that neither the content nor the length shows in the time it takes. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
