/**
 * The part of drachtio-srf that this door uses, typed as the code behaves (5.0.29); the types it ships lag behind.
 * The only file that imports it.
 */
import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { Server, type Socket } from 'node:net';
import SrfModule from 'drachtio-srf';

export interface SrfRequest extends EventEmitter {
  readonly method: string;
  readonly uri: string;
  /** Empty or missing where there is none. */
  readonly body?: string;
  readonly source_address: string;
  readonly source_port: number | string;
  readonly protocol: string;
  /** The address and port of the server that a request outside of dialogs came to. */
  readonly receivedOn?: string;
  /** `application` where the SIP server made the request itself, e.g. a BYE because no ACK came. */
  readonly source: 'network' | 'application';
  /** As it came. */
  readonly raw?: string;
  /** The server's name for its transaction. */
  readonly stackTxnId?: string;
  /** Fields of one name are joined with commas. */
  get(header: string): string | undefined;
}

export interface SrfResponseOptions {
  headers?: Record<string, string>;
  body?: string;
}

export interface SrfResponse {
  readonly status: number;
  readonly reason: string;
  readonly body?: string;
  /** The address that it came from; absent where we send it, empty where our SIP server made it because none came. */
  readonly source_address?: string;
  readonly finalResponseSent: boolean;
  get(header: string): string | undefined;
  send(
    status: number,
    options?: SrfResponseOptions,
    callback?: (error: Error | null | undefined) => void,
  ): void;
}

/** Events: `destroy` (request, reason), `ack` (request), `modify` | `update` | `info` (request, response). */
export interface SrfDialog extends EventEmitter {
  readonly local: { readonly contact: string };
  /** What names it to others. A tag is absent where the far end has none. */
  readonly sip: { readonly callId: string; readonly localTag?: string; readonly remoteTag?: string };
  /** Sends BYE; settles with its response. */
  destroy(options: SrfResponseOptions): Promise<unknown>;
  /** Calls back with every response, provisional ones too; acknowledges a final one to INVITE itself. */
  request(
    options: { method: string; headers?: Record<string, string>; body?: string },
    callback: (error: Error | null | undefined, response?: SrfResponse) => void,
  ): void;
}

export interface Srf extends EventEmitter {
  connect(options: {
    host: string;
    port: number;
    secret: string;
    reconnect?: { retryMaxDelay: number };
  }): void;
  /** Throws where it is not connected. */
  disconnect(): void;
  invite(handler: (request: SrfRequest, response: SrfResponse) => void): void;
  /**
   * Calls back in the turn in which the dialog comes to be. (Its promise settles a turn later, and a re-INVITE right behind
   * the ACK is answered by the library itself, with our old description, where nobody listens for `modify` yet.) The
   * error is a plain string after a CANCEL, SipError 487 for a CANCEL during it.
   */
  createUAS(
    request: SrfRequest,
    response: SrfResponse,
    options: { localSdp: string; headers: Record<string, string> },
    callback: (error: unknown, dialog?: SrfDialog) => void,
  ): void;
}

/**
 * Makes the environment a plain object. drachtio-srf looks into it for each header field that it reads, and asking the system costs
 * more than the reading.
 */
export function readEnvironmentOnce(): void {
  process.env = { ...process.env };
}

export function newSrf(): Srf {
  const Constructor = SrfModule as unknown as new () => Srf;
  return new Constructor();
}

/** What drachtio-srf has inside, as far as it must be reached. */
interface Agent extends EventEmitter {
  readonly wp: EventEmitter & {
    send(socket: Socket, message: string): string;
    readonly mapIncomingMsg: ReadonlyMap<Socket, { readonly incomingMsg: Buffer }>;
    /** It does not reconnect any more. */
    closing?: boolean;
  };
  request(
    socket: Socket,
    options: { method: string; headers: Record<string, string> } & (
      | { stackDialogId: string }
      | { uri: string; proxy: string }
    ),
    callback: (error: Error | null | undefined, request?: EventEmitter) => void,
  ): void;
  readonly mapServer: ReadonlyMap<
    Socket,
    {
      readonly pendingRequests: Map<string, (tokens: readonly string[]) => void>;
      /** INVITEs without a final response, by Call-ID. */
      readonly pendingNetworkInvites: Map<string, unknown>;
    }
  >;
}

interface SrfInside extends Srf {
  readonly app: EventEmitter & { readonly client: Agent };
  listen(options: { server: Server; secret: string }): void;
  use(handler: (request: SrfRequest, response: SrfResponse) => void): void;
}

export interface SrfOverSocketsOptions {
  readonly secret: string;
  /** Methods whose new requests we want, in lower case. */
  readonly methods: readonly string[];
  readonly onInvite: (request: SrfRequest, response: SrfResponse) => void;
  /** A request of any other method that belongs to no dialog of ours. ACK has no answer. */
  readonly onOther: (request: SrfRequest, response: SrfResponse) => void;
  /**
   * A CANCEL that an external server passes on, each of them: it has answered the INVITE of that transaction with 487. drachtio-srf
   * tells none that comes when our answer is on its way already, and the server accepts such an answer without a word.
   */
  readonly onCancel: (transactionId: string) => void;
}

/** What a server says of itself once it has accepted us. */
export interface ServerGreeting {
  readonly hostPorts: string | undefined;
  readonly version: string | undefined;
  readonly localHostPorts: string | undefined;
}

/** What a server may send without it becoming a message. */
const maxIncomingBytes = 4 * 1024 * 1024;

export class SecretRefused extends Error {
  constructor() {
    super('the SIP server refused our secret');
  }
}

/** Writes what is sent in place of drachtio-srf; see AdminChannel. */
export interface FrameWriter {
  send(id: string, text: string): void;
  answered(id: string): void;
}

/**
 * drachtio-srf over sockets that are connected elsewhere, one at a time. It is made to believe that servers connect to it:
 * then it does not reconnect by itself (without end or measure, every 255 ms after a wrong secret), and what it cannot
 * read ends a connection, not the process.
 */
export class SrfOverSockets {
  readonly srf: Srf;
  readonly #inside: SrfInside;
  readonly #gate = new Server();
  readonly #methods: readonly string[];
  readonly #waiting = new WeakMap<Socket, Set<() => void>>();
  #writer: { readonly socket: Socket; readonly frames: FrameWriter } | null = null;
  #onGreeting: (error: unknown, ...words: string[]) => void = () => undefined;

  constructor(options: SrfOverSocketsOptions) {
    this.#inside = newSrf() as SrfInside;
    this.srf = this.#inside;
    this.#methods = options.methods;
    this.#inside.invite(options.onInvite);
    // Nothing may reach drachtio-srf's own end: it says 404 there and hangs up on the server.
    this.#inside.use(options.onOther);
    this.#inside.on('error', () => undefined);
    this.#inside.listen({ server: this.#gate, secret: options.secret });
    // Told in the turn in which the answer is read, so it is of the socket that was attached last.
    this.#inside.app.on('connect', (error: unknown, ...words: string[]) => this.#onGreeting(error, ...words));
    const { wp } = this.#inside.app.client;
    const sendPlainly = wp.send.bind(wp);
    wp.send = (socket, message) => {
      if (this.#writer?.socket !== socket) return sendPlainly(socket, message);
      const id = randomUUID();
      this.#writer.frames.send(id, message);
      return id;
    };
    wp.on('msg', (socket: Socket, message: string) => {
      if (this.#writer?.socket !== socket) return;
      const [, type, id = ''] = message.slice(0, 100).split('|');
      if (type === 'response') this.#writer.frames.answered(id);
      else if (type === 'sip') tellCancel(message, options.onCancel);
    });
  }

  /**
   * Authenticates and asks for requests. Settles when the server answers or the socket closes. Throws SecretRefused.
   * Without `frames` drachtio-srf writes by itself.
   */
  async attach(socket: Socket, frames?: FrameWriter): Promise<ServerGreeting> {
    this.#writer = frames === undefined ? null : { socket, frames };
    const { wp } = this.#inside.app.client;
    socket.on('data', () => {
      if ((wp.mapIncomingMsg.get(socket)?.incomingMsg.length ?? 0) > maxIncomingBytes)
        socket.destroy(new Error('the SIP server sent a message without end'));
    });
    const greeting = await this.#whileOpen<ServerGreeting>(socket, (resolve, reject) => {
      this.#onGreeting = (error, hostPorts, version, localHostPorts) => {
        if (error) reject(new SecretRefused());
        else resolve({ hostPorts, version, localHostPorts });
      };
      this.#gate.emit('connection', socket);
    });
    for (const method of this.#methods) await this.#ask(socket, `route|${method}`);
    return greeting;
  }

  /** Tells drachtio-srf that a message will never be sent. */
  refuse(socket: Socket, id: string, reason: string): void {
    this.#inside.app.client.wp.emit('msg', socket, `${randomUUID()}|response|${id}|NOK|${reason}`);
  }

  /**
   * Sends a request outside of calls to the server of that URI; settles with its final response. Rejects where it could not be
   * sent, or the socket closes.
   */
  request(
    socket: Socket,
    request: { method: string; uri: string; proxy: string; headers: Record<string, string> },
  ): Promise<SrfResponse> {
    return this.#whileOpen(socket, (resolve, reject) => {
      this.#inside.app.client.request(socket, request, (error, sent) => {
        if (sent === undefined) reject(error ?? new Error('the request was not sent'));
        else
          sent.on('response', (response: SrfResponse) => {
            if (response.status >= 200) resolve(response);
          });
      });
    });
  }

  /** Settles when the server answers on its admin connection, or the socket closes. */
  ping(socket: Socket): Promise<void> {
    return this.#ask(socket, 'ping');
  }

  #ask(socket: Socket, question: string): Promise<void> {
    const { wp, mapServer } = this.#inside.app.client;
    return this.#whileOpen(socket, (resolve, reject) => {
      const id = wp.send(socket, question);
      mapServer.get(socket)?.pendingRequests.set(id, ([status]) => {
        if (status === 'OK') resolve();
        else reject(new Error(`the SIP server does not do ${question}`));
      });
    });
  }

  #whileOpen<T>(
    socket: Socket,
    work: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    const waiting = this.#waitingOn(socket);
    return new Promise<T>((resolve, reject) => {
      const closed = () => reject(new Error('the SIP server closed the connection'));
      waiting.add(closed);
      work(
        (value) => {
          waiting.delete(closed);
          resolve(value);
        },
        (error) => {
          waiting.delete(closed);
          reject(error);
        },
      );
    });
  }

  /** Told when the socket closes: one listener of it for all, of whom there may be hundreds. */
  #waitingOn(socket: Socket): Set<() => void> {
    const known = this.#waiting.get(socket);
    if (known !== undefined) return known;
    const waiting = new Set<() => void>();
    this.#waiting.set(socket, waiting);
    socket.once('close', () => {
      for (const closed of waiting) closed();
    });
    return waiting;
  }
}

function tellCancel(message: string, onCancel: (transactionId: string) => void): void {
  const end = message.indexOf('\r\n');
  if (!message.startsWith('CANCEL ', end + 2)) return;
  const transactionId = message.slice(0, end).split('|')[8] ?? '';
  if (transactionId !== '') onCancel(transactionId);
}

/** Ends the connection, or the attempts to have one again; its own `disconnect` throws at these and they go on. */
export function stopSrf(srf: Srf): void {
  const { client } = (srf as SrfInside).app;
  client.wp.closing = true;
  for (const socket of client.mapServer.keys()) socket.end();
}

/** Tells drachtio-srf that an INVITE will never be answered: it would wait for its CANCEL for ever. */
export function forgetInvite(srf: Srf, request: SrfRequest): void {
  const { mapServer } = (srf as SrfInside).app.client;
  const { socket } = request as SrfRequest & { readonly socket: Socket };
  mapServer.get(socket)?.pendingNetworkInvites.delete(request.get('Call-ID') ?? '');
}

/** The dialog's further requests go over this socket. */
export function moveDialog(dialog: SrfDialog, socket: Socket): void {
  (dialog as SrfDialog & { readonly req: { socket: Socket } }).req.socket = socket;
}

/** The response goes over this socket. */
export function moveResponse(response: SrfResponse, socket: Socket): void {
  (response as SrfResponse & { socket: Socket }).socket = socket;
}

/** Ends a dialog of which drachtio-srf has no object, because the word that it came to be was lost. */
export function sendBye(
  srf: Srf,
  socket: Socket,
  dialogId: string,
  headers: Record<string, string>,
): Promise<void> {
  const { client } = (srf as SrfInside).app;
  return new Promise((resolve, reject) => {
    client.request(socket, { method: 'BYE', stackDialogId: dialogId, headers }, (error, request) => {
      if (request === undefined) reject(error ?? new Error('BYE was not sent'));
      else request.on('response', () => resolve());
    });
  });
}
