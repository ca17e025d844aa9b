/** From received bytes to messages, whatever they came by. */
import { countLeadingBreaks } from '../message/head.js';
import type { SipRequest } from '../message/message.js';
import { parseMessage, type ParseLimits, type RefusalStatus } from '../message/parse-message.js';
import type { Flow } from './flow.js';
import type {
  FlowClosedHandler,
  MalformedHandler,
  MessageHandler,
  MessageTap,
  Precedence,
  StandingOf,
  TransportStats,
} from './transport.js';
import { stampReceived } from './via-routing.js';

export interface InboxOptions {
  readonly limits?: Partial<ParseLimits>;
  /** Told of an exception out of a handler, which is counted and goes no further. Default: only counted. */
  readonly onHandlerError?: (error: unknown) => void;
}

/** What a transport counts. */
export type Counters = { -readonly [Name in keyof TransportStats]: TransportStats[Name] };

export function zeroCounters(): Counters {
  return {
    messagesReceived: 0,
    messagesSent: 0,
    messagesIgnored: 0,
    datagramsDropped: 0,
    bytesReceived: 0,
    bytesSent: 0,
    malformed: 0,
    keepAlives: 0,
    sendErrors: 0,
    handlerErrors: 0,
    connectionsOpen: 0,
    connectionsOpened: 0,
    connectionsRefused: 0,
    connectionsDropped: 0,
  };
}

/** The part that all transports share: bytes become messages, messages reach the handler, everything is counted. */
export class Inbox {
  readonly counters = zeroCounters();
  onMessage: MessageHandler | undefined;
  onMalformed: MalformedHandler | undefined;
  onFlowClosed: FlowClosedHandler | undefined;
  standingOf: StandingOf = () => 'stranger';
  /** Whether nothing that comes from an address is read, such as a banned one. */
  isIgnored: ((address: string) => boolean) | undefined;
  /** Null: every datagram is read at once. */
  precedenceOf: ((bytes: Buffer, address: string) => Precedence) | null = null;
  /** Null while nobody watches. */
  tap: MessageTap | null = null;
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Takes one whole message. False where it cannot be used, or its sender is ignored; the connection of such a one is closed. */
  receive(bytes: Buffer, flow: Flow): boolean {
    if (this.isIgnored?.(flow.remoteAddress) === true) {
      this.counters.messagesIgnored += 1;
      flow.close();
      return false;
    }
    // Whoever watches sees the message itself: breaks may stand in front (RFC 3261 §7.5).
    if (this.tap !== null) this.tap('in', bytes.subarray(countLeadingBreaks(bytes)), flow);
    const result = parseMessage(bytes, this.#options.limits);
    if (!result.ok) {
      this.#refuse(result.reason, flow, result.answerable, result.status);
      return false;
    }
    const { message } = result;
    this.counters.messagesReceived += 1;
    if (message.kind === 'request') stampReceived(message, flow.remoteAddress, flow.remotePort);
    this.#guard(() => this.onMessage?.(message, flow, bytes));
    return true;
  }

  /** Takes what a stream's framing gave up on: `bytes` hold the header fields, as far as they came. */
  receiveBroken(reason: string, status: RefusalStatus, bytes: Buffer, flow: Flow): void {
    const result = parseMessage(bytes, this.#options.limits);
    if (!result.ok) {
      this.#refuse(reason, flow, result.answerable, status);
      return;
    }
    const { message } = result;
    const answerable = message.kind === 'request' && message.method !== 'ACK' ? message : undefined;
    this.#refuse(reason, flow, answerable, status);
  }

  flowClosed(flow: Flow): void {
    this.#guard(() => this.onFlowClosed?.(flow));
  }

  #refuse(reason: string, flow: Flow, answerable: SipRequest | undefined, status: RefusalStatus): void {
    this.counters.malformed += 1;
    if (answerable) stampReceived(answerable, flow.remoteAddress, flow.remotePort);
    this.#guard(() => this.onMalformed?.(reason, flow, answerable, status));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.counters.handlerErrors += 1;
      this.#options.onHandlerError?.(error);
    }
  }
}

/** Hands a message to `write`, and counts that it was sent or could not be. Rejects with the error that `write` tells. */
export function sendCounted(
  counters: Counters,
  bytes: Buffer,
  write: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  // For every message: nothing is made for it that it does not need.
  return new Promise((resolve, reject) => {
    write((error) => {
      if (error) {
        counters.sendErrors += 1;
        reject(error);
        return;
      }
      counters.messagesSent += 1;
      counters.bytesSent += bytes.length;
      resolve();
    });
  });
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:192.0.2.1` is that IPv4 address. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}
