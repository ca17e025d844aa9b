/** What all transports share: one user, told of messages, of what is none, and of connections that ended. */
import { Inbox, type InboxOptions } from './inbox.js';
import type { FlowClosedHandler, FlowNeeded, MalformedHandler, MessageHandler } from './transport.js';

export abstract class ReceivingTransport {
  protected readonly inbox: Inbox;

  constructor(options: InboxOptions) {
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

  keepWhile(isNeeded: FlowNeeded): void {
    this.inbox.isFlowNeeded = isNeeded;
  }
}
