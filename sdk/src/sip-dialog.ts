/** The signalling: one INVITE dialog over a WebSocket (RFC 3261, RFC 7118), on SIP.js' user agent core. */
import { URI, UserAgent, type Core } from 'sip.js';
import type { ShownCredential } from './credential.js';
import { LandbridgeError } from './errors.js';
import type { OfferResult } from './negotiation-queue.js';
import { parseReasonText, refusalError } from './refusal.js';

export type DialogEnd = { readonly by: 'remote' | 'network'; readonly reason: string };

/** What the dialog asks of the connection that owns it. */
export interface DialogOwner {
  /** False while an offer of our own is out: the gateway's is answered 491. */
  tryBeginRemote(): boolean;
  answerOffer(offer: string): Promise<string>;
  /** The exchange that the gateway began is over. */
  endRemote(): void;
  /** Once, unless we closed the dialog. */
  onEnded(end: DialogEnd): void;
}

export interface OpenDialogOptions {
  readonly url: URL;
  readonly credential: ShownCredential;
  readonly displayName: string;
  readonly offer: string;
  readonly acceptAnswer: (answer: string) => Promise<void>;
  readonly owner: DialogOwner;
  /** Aborted with a LandbridgeError. */
  readonly signal: AbortSignal;
}

const contentType = 'application/sdp';
/** Proxies close WebSockets that are silent for a minute; RFC 7118 §6 keeps them open with CRLF frames. */
const keepAliveSeconds = 25;
const byeTimeoutMs = 1000;
/** 64 × T1 (RFC 3261 §13.3.1.4): without an ACK by then the far end is gone. */
const ackTimeoutMs = 32_000;

export class SipDialog {
  readonly #userAgent: UserAgent;
  readonly #session: Core.Session;
  readonly #owner: DialogOwner;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  private constructor(userAgent: UserAgent, session: Core.Session, owner: DialogOwner) {
    this.#userAgent = userAgent;
    this.#session = session;
    this.#owner = owner;
    session.delegate = {
      onInvite: (request) => this.#onInvite(request),
      onAck: () => {
        clearTimeout(this.#ackTimer);
        owner.endRemote();
      },
      onBye: (request) => {
        request.accept();
        this.#end({
          by: 'remote',
          reason: parseReasonText(request.message.getHeaders('reason')) ?? 'hangup',
        });
      },
    };
    userAgent.delegate = { onDisconnect: () => this.#end({ by: 'network', reason: 'connection-lost' }) };
  }

  /** Resolves once the gateway has answered and the answer is applied. */
  static async open(options: OpenDialogOptions): Promise<SipDialog> {
    const { url, signal } = options;
    signal.throwIfAborted();
    const userAgent = new UserAgent({
      displayName: options.displayName,
      logBuiltinEnabled: false,
      transportOptions: { server: url.href, keepAliveInterval: keepAliveSeconds, traceSip: false },
      userAgentString: 'Landbridge SDK',
    });
    const stop = (): void => void userAgent.stop().catch(() => undefined);
    try {
      await startUserAgent(userAgent, url, signal);
      const response = await invite(userAgent, options);
      const dialog = new SipDialog(userAgent, response.session, options.owner);
      try {
        await options.acceptAnswer(bodyOf(response.message));
      } catch (cause) {
        response.ack();
        await dialog.close('SIP;cause=488;text="bad-sdp"');
        throw negotiationFailed('The browser does not accept the answer of the gateway.', cause);
      }
      response.ack();
      return dialog;
    } catch (error) {
      stop();
      throw error;
    }
  }

  /** Sends a re-INVITE. Rejects when it is refused; the caller rolls back for `glare` and for refusals. */
  reoffer(offer: string, acceptAnswer: (answer: string) => Promise<void>): Promise<OfferResult> {
    return new Promise((resolve, reject) => {
      const refused = ({ message }: Core.IncomingResponse): void => {
        const status = message.statusCode ?? 500;
        // RFC 3261 §14.1: 491 is a collision, and so is 500 with Retry-After (§14.2). 408 and 481 end the dialog.
        if (status === 491 || (status === 500 && message.hasHeader('retry-after'))) return resolve('glare');
        reject(refusalError(status, message.getHeaders('reason'), message.getHeader('retry-after')));
        if (status === 408 || status === 481) this.#end({ by: 'network', reason: 'connection-lost' });
      };
      this.#session.invite(
        {
          onAccept: (response) => {
            acceptAnswer(bodyOf(response.message)).then(
              () => {
                response.ack();
                resolve('answered');
              },
              (cause: unknown) => {
                response.ack();
                reject(negotiationFailed('The browser does not accept the answer of the gateway.', cause));
                void this.#sendBye('SIP;cause=488;text="bad-sdp"');
                this.#end({ by: 'network', reason: 'negotiation-failed' });
              },
            );
          },
          onReject: refused,
          onRedirect: refused,
        },
        { extraHeaders: [this.#contact], body: sdpBody(offer) },
      );
    });
  }

  /** Ends the dialog with a BYE and closes the WebSocket. Idempotent; waits at most a second for the gateway. */
  async close(reason = 'SIP;cause=200;text="hangup"'): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#ackTimer);
    await this.#sendBye(reason);
    await this.#userAgent.stop().catch(() => undefined);
  }

  get #contact(): string {
    return `Contact: ${this.#userAgent.contact.toString()}`;
  }

  #onInvite(request: Core.IncomingInviteRequest): void {
    if (!this.#owner.tryBeginRemote()) {
      request.reject({ statusCode: 491 });
      return;
    }
    const refuse = (): void => {
      request.reject({ statusCode: 488 });
      this.#owner.endRemote();
    };
    const { body } = request.message;
    if (!body) return refuse();
    this.#owner.answerOffer(body).then((answer) => {
      // The dialog may have ended while the browser was at work.
      if (this.#over) return;
      request.accept({ statusCode: 200, extraHeaders: [this.#contact], body: sdpBody(answer) });
      this.#ackTimer = setTimeout(
        () => this.#end({ by: 'network', reason: 'connection-lost' }),
        ackTimeoutMs,
      );
    }, refuse);
  }

  #sendBye(reason: string): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, byeTimeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      try {
        const delegate = { onAccept: done, onReject: done, onRedirect: done };
        this.#session.bye(delegate, { extraHeaders: [`Reason: ${reason}`] });
      } catch {
        done();
      }
    });
  }

  #end(end: DialogEnd): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#ackTimer);
    // After the response to a BYE is on its way; SIP.js sends it in this turn.
    queueMicrotask(() => void this.#userAgent.stop().catch(() => undefined));
    this.#owner.onEnded(end);
  }
}

async function startUserAgent(userAgent: UserAgent, url: URL, signal: AbortSignal): Promise<void> {
  try {
    await untilAborted(userAgent.start(), signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new LandbridgeError('connection-failed', `No connection to ${url.origin}.`, { cause });
  }
}

function invite(
  userAgent: UserAgent,
  { url, credential, offer, signal }: OpenDialogOptions,
): Promise<Core.AckableIncomingResponseWithSession> {
  const core = userAgent.userAgentCore;
  const target = new URI('sip', credential.user, url.hostname);
  const message = core.makeOutgoingRequestMessage(
    'INVITE',
    target,
    userAgent.configuration.uri,
    target,
    {},
    [
      `Contact: ${userAgent.contact.toString()}`,
      'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS',
      ...credential.headers,
    ],
    sdpBody(offer),
  );
  return untilAborted(
    new Promise((resolve, reject) => {
      const refused = ({ message }: Core.IncomingResponse): void =>
        reject(
          refusalError(
            message.statusCode ?? 500,
            message.getHeaders('reason'),
            message.getHeader('retry-after'),
          ),
        );
      userAgent.delegate = {
        onDisconnect: () =>
          reject(new LandbridgeError('connection-failed', 'The gateway closed the connection.')),
      };
      const request = core.invite(message, { onAccept: resolve, onReject: refused, onRedirect: refused });
      signal.addEventListener('abort', () => request.cancel(), { once: true });
    }),
    signal,
  );
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function sdpBody(content: string): Core.Body {
  return { contentDisposition: 'session', contentType, content };
}

function bodyOf(message: Core.IncomingResponseMessage): string {
  return message.body ?? '';
}

function negotiationFailed(message: string, cause: unknown): LandbridgeError {
  return new LandbridgeError('negotiation-failed', message, { cause });
}
