import { createEngine } from './engine.js';
import type { Engine, EngineOptions } from './engine.js';
import { HeaderFields } from './message/header-fields.js';
import type { SipRequest, SipResponse } from './message/message.js';
import { TcpTransport } from './transport/tcp-transport.js';
import type { Flow } from './transport/flow.js';
import { UdpTransport } from './transport/udp-transport.js';
import { reasonPhrases } from './user-agent/responses.js';
import type { Application, Sent, SendResult } from './user-agent/application.js';

export interface SipClientOptions extends EngineOptions {
  /** Address to bind; the port is the system's choice. Default 127.0.0.1. */
  readonly localAddress?: string;
}

type Fields = Readonly<Record<string, string>>;

export interface MessageContent {
  readonly headers?: Fields;
  readonly body?: string | Buffer;
}

/** A response to a request of ours. `dialogId` is not empty where the response made or belongs to a dialog. */
export type ResponseHandler = (response: SipResponse, dialogId: string) => void;

/** A request from the peer; it must be answered with `respond`, once with a final status. */
export interface ReceivedRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly transactionId: string;
  /** Empty for a request that begins something new. */
  readonly dialogId: string;
  respond(status: number, content?: MessageContent & { readonly reason?: string }): SendResult;
}

export interface SipClientHandlers {
  /** New requests and those in dialogs; of an INVITE 100 has been sent. */
  request?(received: ReceivedRequest): void;
  /** The ACK of a 2xx of ours; its body is the answer to a delayed offer. */
  acknowledged?(ack: SipRequest, transactionId: string, dialogId: string): void;
  /** The INVITE handed to `request` with that transaction has been cancelled. */
  cancelled?(transactionId: string): void;
  /** The client ended the dialog by itself: no ACK, session expired, unknown to the peer. `why` is human-readable. */
  dialogEnded?(dialogId: string, why: string): void;
}

/** A request could not be sent; the message says why. */
export class SipSendError extends Error {}

/**
 * A user agent for programs in this process: phones, tests, benchmarks. It has the server's transactions and dialogs,
 * so retransmissions, ACKs of refusals, dialogs, CANCEL and session timers are taken care of.
 *
 * A call: `request('INVITE', uri, content, onResponse)`; on a 2xx `requestInDialog(dialogId, 'ACK')`; to end it
 * `requestInDialog(dialogId, 'BYE')`; before the answer `cancel(transactionId)`.
 */
export class SipClient {
  readonly #udp: UdpTransport;
  readonly #tcp: TcpTransport;
  readonly #engine: Engine;
  readonly #application: Application;
  readonly #waiting = new Map<string, ResponseHandler>();

  private constructor(options: SipClientOptions, handlers: SipClientHandlers) {
    this.#udp = new UdpTransport();
    this.#tcp = new TcpTransport();
    this.#application = {
      request: (request, flow, transactionId, dialogId) => {
        const respond: ReceivedRequest['respond'] = (status, content) =>
          this.#respond(transactionId, status, content);
        handlers.request?.({ request, flow, transactionId, dialogId, respond });
        if (!handlers.request) respond(request.method === 'BYE' ? 200 : 501);
      },
      acknowledged: (ack, _flow, transactionId, dialogId) =>
        handlers.acknowledged?.(ack, transactionId, dialogId),
      cancelled: (_cancel, _flow, transactionId) => handlers.cancelled?.(transactionId),
      response: (response, _flow, transactionId, dialogId) => {
        const waiting = this.#waiting.get(transactionId);
        if (response.status >= 200) this.#waiting.delete(transactionId);
        waiting?.(response, dialogId);
      },
      dialogEnded: (bye, _flow, dialogId) =>
        handlers.dialogEnded?.(dialogId, bye.headers.get('Reason') ?? ''),
    };
    const directory = {
      choose: () => this.#application,
      isKnown: (): boolean => true,
      knownMethods: (): Iterable<string> => [],
    };
    this.#engine = createEngine(options, { udp: this.#udp, tcp: this.#tcp }, directory);
  }

  /** Binds UDP, and TCP on the same number where it is free. */
  static async open(options: SipClientOptions, handlers: SipClientHandlers): Promise<SipClient> {
    const client = new SipClient(options, handlers);
    const host = options.localAddress ?? '127.0.0.1';
    const udp = await client.#udp.listen(host, 0);
    const tcp = await client.#tcp.listen(host, udp.port).catch(() => client.#tcp.listen(host, 0));
    client.#engine.addressing.listeningPorts = { udp: udp.port, tcp: tcp.port };
    return client;
  }

  /** The UDP port, and usually the TCP port too. */
  get port(): number {
    return this.#udp.boundAddress?.port ?? 0;
  }

  get dialogCount(): number {
    return this.#engine.dialogs.size;
  }

  get transactionCount(): number {
    return this.#engine.core.transactions.size;
  }

  /**
   * Sends a request outside of a dialog. `onResponse` hears every response, also a 408 or 503 made here when none came;
   * never before the promise has resolved. Rejects with SipSendError.
   */
  request(method: string, uri: string, content: MessageContent, onResponse: ResponseHandler): Promise<Sent> {
    const draft = draftOf(method, uri, content);
    return this.#expect(this.#engine.core.sendNew(draft, this.#application), onResponse);
  }

  /** Sends a request in a dialog; an ACK has no response. Rejects with SipSendError. */
  async requestInDialog(
    dialogId: string,
    method: string,
    content: MessageContent = {},
    onResponse: ResponseHandler = () => undefined,
  ): Promise<Sent> {
    const draft = draftOf(method, 'sip:placeholder', content);
    const sending = this.#engine.core.sendInDialog(dialogId, draft, this.#application);
    return method === 'ACK' ? checked(await sending) : this.#expect(sending, onResponse);
  }

  /** Cancels an INVITE of `request`; its response is then most likely 487. False when it is answered already. */
  cancel(transactionId: string, headers: Fields = {}): boolean {
    const draft = draftOf('CANCEL', 'sip:placeholder', { headers });
    return this.#engine.core.cancel(transactionId, draft, this.#application).ok;
  }

  /** Closes at once, without a BYE; idempotent. */
  async close(): Promise<void> {
    this.#engine.core.close();
    this.#waiting.clear();
    await Promise.all([this.#udp.close(), this.#tcp.close()]);
  }

  async #expect(sending: Promise<SendResult>, onResponse: ResponseHandler): Promise<Sent> {
    const sent = checked(await sending);
    this.#waiting.set(sent.transactionId, onResponse);
    return sent;
  }

  #respond(
    transactionId: string,
    status: number,
    content: MessageContent & { reason?: string } = {},
  ): SendResult {
    const draft: SipResponse = {
      kind: 'response',
      status,
      reason: content.reason ?? reasonPhrases[status] ?? 'Unknown',
      headers: new HeaderFields(Object.entries(content.headers ?? {})),
      body: toBuffer(content.body),
    };
    return this.#engine.core.respond(transactionId, draft, this.#application);
  }
}

function draftOf(method: string, uri: string, { headers, body }: MessageContent): SipRequest {
  const fields = new HeaderFields(Object.entries(headers ?? {}));
  return { kind: 'request', method, uri, headers: fields, body: toBuffer(body) };
}

function toBuffer(body: string | Buffer | undefined): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0));
}

function checked(result: SendResult): Sent {
  if (!result.ok) throw new SipSendError(result.reason);
  return result;
}
