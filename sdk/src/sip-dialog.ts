/**
 * The signalling: one INVITE dialog (RFC 3261) on SIP.js' user agent core. The dialog outlives its WebSocket: `reopen`
 * gives it another, and the next re-INVITE tells the gateway where it is now.
 */
import { Core, URI, UserAgent } from 'sip.js';
import type { ShownCredential } from './credential.js';
import { LandbridgeError } from './errors.js';
import type { OfferResult } from './negotiation-queue.js';
import { parseReasonText, refusalError } from './refusal.js';
import { noticePackage } from './session-notice.js';
import { SipSocket } from './sip-socket.js';
import { untilAborted } from './until-aborted.js';

/** There is no way to the gateway any more (`connection`), or the gateway no longer knows the dialog (`dialog`). */
export class SignallingLost extends Error {
  override readonly name = 'SignallingLost';
  constructor(readonly what: 'connection' | 'dialog') {
    super(`The ${what} is lost.`);
  }
}

/** What the dialog tells the call that owns it, and asks of it. */
export interface DialogOwner {
  /** False while an offer of our own is out: the gateway's is answered 491. */
  tryBeginRemote(): boolean;
  answerOffer(offer: string): Promise<string>;
  /** The exchange that the gateway began is over. */
  endRemote(): void;
  /** The body of an INFO with the package that we take (RFC 6086). */
  onNotice(body: string): void;
  /** The dialog stands where the connection is lost; what was in progress has come to nothing. */
  onLost(lost: SignallingLost): void;
  /** The gateway has ended the dialog. */
  onEnded(reason: string): void;
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
const byeTimeoutMs = 1000;
/** 64 × T1 (RFC 3261 §13.3.1.4): without an ACK by then the far end is gone. */
const ackTimeoutMs = 32_000;

export class SipDialog {
  readonly #userAgent: UserAgent;
  readonly #session: Core.Session;
  readonly #owner: DialogOwner;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  /** Rejects the re-INVITE that is out. */
  #failReoffer: ((lost: SignallingLost) => void) | undefined;
  /** Rises with each loss: what began before it must not be answered any more. */
  #epoch = 0;
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
      onInfo: (request) => {
        const isNotice = request.message.getHeader('info-package') === noticePackage;
        // RFC 6086 §5.2.2: another package is answered 469.
        if (!isNotice) return void request.reject({ statusCode: 469 });
        request.accept();
        owner.onNotice(request.message.body);
      },
      onBye: (request) => {
        request.accept();
        this.#finish();
        owner.onEnded(parseReasonText(request.message.getHeaders('reason')) ?? 'hangup');
      },
    };
    userAgent.delegate = { onDisconnect: () => this.#lose('connection') };
  }

  /** Resolves once the gateway has answered and the answer is applied. */
  static async open(options: OpenDialogOptions): Promise<SipDialog> {
    const { url, signal } = options;
    signal.throwIfAborted();
    const userAgent = new UserAgent({
      displayName: options.displayName,
      logBuiltinEnabled: false,
      transportConstructor: SipSocket,
      transportOptions: { url: url.href },
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

  /**
   * Sends a re-INVITE. Rejects when it is refused, and with SignallingLost; the caller rolls back for that and for `glare`.
   */
  reoffer(offer: string, acceptAnswer: (answer: string) => Promise<void>): Promise<OfferResult> {
    return new Promise<OfferResult>((resolve, reject) => {
      this.#failReoffer = reject;
      const refused = ({ message }: Core.IncomingResponse): void => {
        const status = message.statusCode ?? 500;
        // RFC 3261 §14.1: 491 is a collision, and so is 500 with Retry-After (§14.2). 408 and 481 end the dialog.
        if (status === 491 || (status === 500 && message.hasHeader('retry-after'))) return resolve('glare');
        if (status === 408 || status === 481) {
          reject(new SignallingLost('dialog'));
          this.#lose('dialog');
        } else if (status === 503 && !this.#userAgent.isConnected()) reject(new SignallingLost('connection'));
        else reject(refusalError(status, message.getHeaders('reason'), message.getHeader('retry-after')));
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
                void this.#sendBye('SIP;cause=488;text="bad-sdp"');
                reject(negotiationFailed('The browser does not accept the answer of the gateway.', cause));
                this.#lose('dialog');
              },
            );
          },
          onReject: refused,
          onRedirect: refused,
        },
        { extraHeaders: [this.#contact], body: sdpBody(offer) },
      );
    }).finally(() => {
      this.#failReoffer = undefined;
    });
  }

  /** Whether the gateway answers on this WebSocket. */
  probe(timeoutMs: number): Promise<boolean> {
    // The user agent made it of the constructor that it was given.
    return (this.#userAgent.transport as SipSocket).probe(timeoutMs);
  }

  /** Leaves the WebSocket and opens another. Rejects where that cannot be opened. */
  async reopen(signal: AbortSignal): Promise<void> {
    this.#forgetTransactions();
    await untilAborted(this.#userAgent.transport.connect(), signal);
  }

  /** Ends the dialog with a BYE and closes the WebSocket. Idempotent; waits at most a second for the gateway. */
  async close(reason = 'SIP;cause=200;text="hangup"'): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#ackTimer);
    if (this.#userAgent.isConnected()) await this.#sendBye(reason);
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
    const epoch = this.#epoch;
    this.#owner.answerOffer(body).then(
      (answer) => {
        // The dialog may have ended, or lost its WebSocket, while the browser was at work.
        if (this.#over || epoch !== this.#epoch) return;
        request.accept({ statusCode: 200, extraHeaders: [this.#contact], body: sdpBody(answer) });
        this.#ackTimer = setTimeout(() => this.#lose('dialog'), ackTimeoutMs);
      },
      () => {
        if (!this.#over && epoch === this.#epoch) refuse();
      },
    );
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

  #lose(what: SignallingLost['what']): void {
    if (this.#over) return;
    const lost = new SignallingLost(what);
    this.#forgetTransactions(lost);
    if (what === 'dialog') this.#finish();
    this.#owner.onLost(lost);
  }

  /** SIP.js would wait for what can never come: the answer to our re-INVITE, the ACK of the gateway's. */
  #forgetTransactions(lost = new SignallingLost('connection')): void {
    this.#epoch += 1;
    clearTimeout(this.#ackTimer);
    if (this.#session instanceof Core.SessionDialog) {
      const { reinviteUserAgentClient, reinviteUserAgentServer } = this.#session;
      if (reinviteUserAgentClient !== undefined || reinviteUserAgentServer !== undefined)
        this.#session.signalingStateRollback();
      reinviteUserAgentClient?.dispose();
      reinviteUserAgentServer?.dispose();
      this.#session.reinviteUserAgentClient = undefined;
      this.#session.reinviteUserAgentServer = undefined;
    }
    this.#failReoffer?.(lost);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#ackTimer);
    // After the response to a BYE is on its way; SIP.js sends it in this turn.
    queueMicrotask(() => void this.#userAgent.stop().catch(() => undefined));
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
      'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO',
      `Recv-Info: ${noticePackage}`,
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

function sdpBody(content: string): Core.Body {
  return { contentDisposition: 'session', contentType, content };
}

function bodyOf(message: Core.IncomingResponseMessage): string {
  return message.body ?? '';
}

function negotiationFailed(message: string, cause: unknown): LandbridgeError {
  return new LandbridgeError('negotiation-failed', message, { cause });
}
