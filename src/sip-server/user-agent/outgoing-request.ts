/** A request of ours between its departure and its final response. */
import type { SipRequest, SipResponse } from '../message/message.js';
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Application, OwnedDialog } from './application.js';
import { newTransactionId } from './identifiers.js';

/** What happens with the responses to a request of ours; implemented by the user agent client. */
export interface OutgoingRequestHandler {
  responded(outgoing: OutgoingRequest, response: SipResponse, flow: Flow): void;
  failed(outgoing: OutgoingRequest, why: 'timeout' | 'transport error'): void;
  giveUp(outgoing: OutgoingRequest): void;
}

export interface OutgoingRequestParts {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly owner?: Application | undefined;
  readonly dialog?: OwnedDialog | undefined;
  readonly onResponse?: ((response: SipResponse) => void) | undefined;
}

/** A request that was sent and waits for its response. */
export class OutgoingRequest implements ClientTransactionUser {
  readonly id = newTransactionId();
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Absent: the server's own request, or its application is gone. */
  owner: Application | undefined;
  /** The dialog it was sent in. */
  readonly dialog: OwnedDialog | undefined;
  readonly onResponse: ((response: SipResponse) => void) | undefined;
  transaction: ClientTransaction | undefined;
  /** Dialogs that its responses made: one, or one for each fork (RFC 3261 §12.1.2). */
  readonly dialogs: OwnedDialog[] = [];
  /** The one whose 2xx the application got. */
  accepted: OwnedDialog | undefined;
  isFinal = false;
  /** A CANCEL that waits for the first provisional response (RFC 3261 §9.1). */
  heldCancel: SipRequest | undefined;
  isCancelled = false;
  readonly #handler: OutgoingRequestHandler;

  constructor(handler: OutgoingRequestHandler, parts: OutgoingRequestParts) {
    this.#handler = handler;
    this.request = parts.request;
    this.flow = parts.flow;
    this.owner = parts.owner;
    this.dialog = parts.dialog;
    this.onResponse = parts.onResponse;
  }

  responded(response: SipResponse, flow: Flow): void {
    this.#handler.responded(this, response, flow);
  }

  requestFailed(why: 'timeout' | 'transport error'): void {
    this.#handler.failed(this, why);
  }

  giveUp(): void {
    this.#handler.giveUp(this);
  }
}
