/** A request of ours between its departure and its final response. */
import type { SipRequest, SipResponse } from '../message/message.js';
import type { ClientTransaction, ClientTransactionUser } from '../transaction/client-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Application, OwnedDialog } from './application.js';
import { newTransactionId } from './identifiers.js';
import type { NextHop } from './next-hop.js';
import type { Way } from './way.js';

/** What happens with the responses to a request of ours; implemented by the user agent client. */
export interface OutgoingRequestHandler {
  responded(outgoing: OutgoingRequest, response: SipResponse, flow: Flow): void;
  failed(outgoing: OutgoingRequest, why: 'timeout' | 'transport error'): void;
  giveUp(outgoing: OutgoingRequest): void;
}

/** What a request needs to be sent elsewhere. */
export interface Attempt {
  readonly hop: NextHop;
  readonly way: Way;
  /** The request as it was wanted, with what must be the same wherever it goes (RFC 3263 §4.3). */
  readonly draft: SipRequest;
  /** A long one may go over TCP, where its URI names no transport (RFC 3261 §18.1.1). */
  readonly mayStream: boolean;
}

export interface OutgoingRequestParts {
  /** The name that applications know it by. Absent: a new one. */
  readonly id?: string | undefined;
  readonly request: SipRequest;
  readonly flow: Flow;
  /** By which it goes where the flow, a connection for a request that is too long for them, breaks. Absent: there are none. */
  readonly datagrams?: Flow | undefined;
  readonly owner?: Application | undefined;
  readonly dialog?: OwnedDialog | undefined;
  readonly onResponse?: ((response: SipResponse) => void) | undefined;
  /** Absent: it goes nowhere else. */
  readonly attempt?: Attempt | undefined;
}

/** What is told where nobody else can be asked. */
export interface Failure {
  readonly response: SipResponse;
  readonly flow: Flow;
}

/** A request that was sent and waits for its response. */
export class OutgoingRequest implements ClientTransactionUser {
  readonly id: string;
  request: SipRequest;
  flow: Flow;
  readonly datagrams: Flow | undefined;
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
  /** How often its session interval was too short for the far end (422). */
  timesTooShort = 0;
  /** A CANCEL that waits for the first provisional response (RFC 3261 §9.1). */
  heldCancel: SipRequest | undefined;
  isCancelled = false;
  /** Absent: it goes nowhere else, or no longer. */
  attempt: Attempt | undefined;
  /** The next server is being looked for. `failure`: what came of the one that was asked; null while it may still answer. */
  search: { failure: Failure | null } | undefined;
  /** The same request went to another server: what comes to this one is not the outcome of the call. */
  isReplaced = false;
  /** Some response has come. */
  wasHeard = false;
  /** Waits for the first response. */
  firstResponse: unknown;
  readonly #handler: OutgoingRequestHandler;

  constructor(handler: OutgoingRequestHandler, parts: OutgoingRequestParts) {
    this.#handler = handler;
    this.id = parts.id ?? newTransactionId();
    this.attempt = parts.attempt;
    this.request = parts.request;
    this.flow = parts.flow;
    this.datagrams = parts.datagrams;
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
