/** What all transports share: one user, who is told of messages, of bytes that are no message, and of connections that ended. */
import { Inbox, type InboxOptions } from './inbox.js';
import type {
  FlowClosedHandler,
  MalformedHandler,
  MessageHandler,
  MessageTap,
  Precedence,
  StandingOf,
} from './transport.js';

export interface ReceivingTransportOptions extends InboxOptions {
  /** Which of several listeners the transport belongs to, from 0. Default: to none. */
  readonly listener?: number | undefined;
}

export abstract class ReceivingTransport {
  readonly listener: number | undefined;
  protected readonly inbox: Inbox;

  constructor(options: ReceivingTransportOptions) {
    this.listener = options.listener;
    this.inbox = new Inbox(options);
  }

  onMessage(handler: MessageHandler): void {
    this.inbox.onMessage = handler;
  }

  onMalformed(handler: MalformedHandler): void {
    this.inbox.onMalformed = handler;
  }

  onFlowClosed(handler: FlowClosedHandler): void {
    this.inbox.onFlowClosed = handler;
  }

  judgeBy(standingOf: StandingOf): void {
    this.inbox.standingOf = standingOf;
  }

  tap(tap: MessageTap | null): void {
    this.inbox.tap = tap;
  }

  arrange(precedenceOf: (bytes: Buffer, address: string) => Precedence): void {
    this.inbox.precedenceOf = precedenceOf;
  }

  ignore(isIgnored: (address: string) => boolean): void {
    this.inbox.isIgnored = isIgnored;
  }
}
