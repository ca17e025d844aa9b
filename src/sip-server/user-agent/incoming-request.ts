import type { SipRequest } from '../message/message.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Application, OwnedDialog } from './application.js';
import { newTag, newTransactionId } from './identifiers.js';
import type { ReliableProvisional } from './reliable-provisional.js';

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
  /** Ends the wait for an application that never answers. */
  timeout: unknown;
  reliable: ReliableProvisional | undefined;
  nextRSeq = 1 + Math.floor(Math.random() * 0x7fff_0000);

  constructor(
    request: SipRequest,
    identity: MessageIdentity,
    transaction: ServerTransaction,
    flow: Flow,
    owner: Application,
    dialog: OwnedDialog | undefined,
  ) {
    this.request = request;
    this.identity = identity;
    this.transaction = transaction;
    this.flow = flow;
    this.owner = owner;
    this.dialog = dialog;
    this.toTag = identity.toTag === '' ? newTag() : identity.toTag;
    transaction.toTag = this.toTag;
  }

  get isInitialInvite(): boolean {
    return this.request.method === 'INVITE' && this.identity.toTag === '';
  }
}
