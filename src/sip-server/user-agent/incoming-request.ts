/** A request of a peer between its arrival and its final response. */
import { beginsSubscription } from '../dialog/dialog.js';
import type { SipRequest } from '../message/message.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Application, OwnedDialog } from './application.js';
import { newTransactionId } from './identifiers.js';
import type { ReliableProvisional } from './reliable-provisional.js';
import type { WaitingResponse } from './waiting-response.js';

/** A request as it came, with the transaction it is to be answered in. */
export interface ArrivedRequest {
  readonly request: SipRequest;
  readonly identity: MessageIdentity;
  readonly transaction: ServerTransaction;
  readonly flow: Flow;
}

export interface IncomingRequestParts extends ArrivedRequest {
  readonly owner: Application;
  readonly dialog: OwnedDialog | undefined;
  /** For its responses, where it came without one. */
  readonly toTag: string;
}

/** A request that waits for the answer of its application. */
export class IncomingRequest {
  readonly id = newTransactionId();
  readonly request: SipRequest;
  readonly identity: MessageIdentity;
  readonly transaction: ServerTransaction;
  /** The way it came, which need not be the way its responses go. */
  readonly flow: Flow;
  readonly owner: Application;
  /** The tag of every response (RFC 3261 §8.2.6.2); an application may choose another with its first one. */
  toTag: string;
  dialog: OwnedDialog | undefined;
  /** A provisional response has gone out: the peer does not send its INVITE again. */
  isAnnounced = false;
  /** Until its 100 is due. */
  trying: unknown;
  /** Ends the wait for an application that never answers. */
  timeout: unknown;
  /** Its last provisional response waits for its PRACK. */
  reliable: ReliableProvisional | undefined;
  /** Responses that may not go out before that, in order. */
  readonly waiting: WaitingResponse[] = [];
  nextRSeq = 1 + Math.floor(Math.random() * 0x7fff_0000);

  constructor(parts: IncomingRequestParts) {
    const { identity, transaction } = parts;
    this.request = parts.request;
    this.identity = identity;
    this.transaction = transaction;
    this.flow = parts.flow;
    this.owner = parts.owner;
    this.dialog = parts.dialog;
    this.toTag = identity.toTag === '' ? parts.toTag : identity.toTag;
    transaction.toTag = this.toTag;
  }

  get isInitialInvite(): boolean {
    return this.request.method === 'INVITE' && this.identity.toTag === '';
  }

  /** Whether a response of that status makes a dialog (RFC 3261 §12.1, RFC 6665 §4.4.1). */
  makesDialog(status: number): boolean {
    if (status <= 100 || status >= 300) return false;
    const { request, identity } = this;
    return (
      this.isInitialInvite || (identity.toTag === '' && status >= 200 && beginsSubscription(request.method))
    );
  }
}
