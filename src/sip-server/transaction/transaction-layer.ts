/** All transactions: finds the one that a message belongs to, or makes it. */
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { ClientTransaction, type ClientTransactionUser, type OutgoingMessage } from './client-transaction.js';
import type { Clock } from './clock.js';
import {
  clientTransactionKey,
  identify,
  isForeignBranch,
  mergeKeyOf,
  serverTransactionKey,
  type MessageIdentity,
} from './identity.js';
import { ServerTransaction } from './server-transaction.js';
import type { Transaction } from './transaction.js';
import type { TimerSettings } from './timers.js';

/** What the layer above hears: only what is new. */
export interface TransactionUser {
  /** A new request that is no ACK. Its transaction waits for an answer. */
  request(request: SipRequest, identity: MessageIdentity, transaction: ServerTransaction, flow: Flow): void;
  /** An ACK that belongs to no transaction: that of a 2xx. */
  ack(request: SipRequest, identity: MessageIdentity, flow: Flow): void;
  /** A response whose transaction is over: a late 2xx, perhaps of another fork. */
  strayResponse(response: SipResponse, identity: MessageIdentity, flow: Flow): void;
  /** Whether a request belongs to a dialog that stands. */
  isInDialog(identity: MessageIdentity): boolean;
  /** There is no room for another transaction: answer without one. */
  overloaded(request: SipRequest, flow: Flow): void;
}

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /** Server and client transactions together; above it new requests get 503. Those within dialogs have as much room again. */
  readonly maxTransactions: number;
  /** How many of them one source's requests outside of dialogs may have. Default: `maxTransactions`. */
  readonly maxTransactionsPerAddress?: number;
  /** How many the requests within one dialog may have. Default: `maxTransactions`. */
  readonly maxTransactionsPerDialog?: number;
  /** The name that an address is counted under: a network may share one. Default: itself. */
  readonly sourceOf?: ((address: string) => string) | undefined;
  /** Where the responses to a request that came by `flow` go (RFC 3261 §18.2.2). */
  readonly responseFlow: (flow: Flow, identity: MessageIdentity) => Flow;
}

/** Sorts messages into transactions and keeps the copies away from the layers above (RFC 3261 §17). */
export class TransactionLayer {
  readonly counters = {
    retransmissionsSent: 0,
    retransmissionsReceived: 0,
    transactionTimeouts: 0,
    strayAcks: 0,
  };
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly #options: TransactionLayerOptions;
  readonly #user: TransactionUser;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, ClientTransaction>();
  /** INVITE and other requests outside a dialog, by what their copies on another way share. */
  readonly #merges = new Map<string, ServerTransaction>();
  /** Refusals that wait for their ACK or for copies, the oldest first: they give their places up where room is needed. */
  readonly #refused = new Set<ServerTransaction>();
  /** The transactions of requests within each dialog, the oldest first. */
  readonly #dialogs = new Map<string, Set<ServerTransaction>>();
  /** How many transactions of requests outside of dialogs each source has. */
  readonly #addresses = new Map<string, number>();

  constructor(user: TransactionUser, options: TransactionLayerOptions) {
    this.#user = user;
    this.#options = options;
    this.clock = options.clock;
    this.timers = options.timers;
  }

  get size(): number {
    return this.#servers.size + this.#clients.size;
  }

  /** True when another transaction would exceed the limit. */
  get isFull(): boolean {
    return this.size >= this.#options.maxTransactions;
  }

  receive(message: SipMessage, flow: Flow): void {
    const identity = identify(message);
    if (!identity) return;
    if (message.kind === 'response') this.#receiveResponse(message, identity, flow);
    else if (message.method === 'ACK') this.#receiveAck(message, identity, flow);
    else this.#receiveRequest(message, identity, flow);
  }

  /** The INVITE (or other request) that a CANCEL wants to end (RFC 3261 §9.2). */
  findCancelled(cancel: SipRequest, identity: MessageIdentity): ServerTransaction | null {
    // The method is not in the CANCEL; only INVITE is worth cancelling (RFC 4320, §9.1).
    return this.#servers.get(serverTransactionKey(cancel.uri, identity, 'INVITE')) ?? null;
  }

  /** An earlier transaction of the same request by another way (RFC 3261 §8.2.2.2). */
  findMerged(transaction: ServerTransaction): ServerTransaction | null {
    const first = transaction.mergeKey === '' ? undefined : this.#merges.get(transaction.mergeKey);
    return first === undefined || first === transaction ? null : first;
  }

  /** Whether a request of ours waits for a response with that branch in its top Via, and that method in CSeq. */
  awaits(branch: string, method: string): boolean {
    return this.#clients.has(clientTransactionKey(branch, method));
  }

  /** Sends a request in a transaction of its own. */
  send(message: OutgoingMessage, user: ClientTransactionUser): ClientTransaction {
    const key = clientTransactionKey(message.branch, message.request.method);
    const transaction = new ClientTransaction(key, message, user, this);
    this.#clients.set(key, transaction);
    transaction.start();
    return transaction;
  }

  /** A connection ended: requests that wait for an answer on it will wait in vain. */
  flowClosed(flow: Flow): void {
    for (const transaction of [...this.#clients.values()]) {
      if (transaction.flow.id === flow.id) transaction.flowClosed();
    }
  }

  ended(transaction: Transaction<string, string>): void {
    if (transaction instanceof ServerTransaction) {
      this.#forget(transaction);
      transaction.user?.transactionEnded();
    } else this.#clients.delete(transaction.key);
  }

  refused(transaction: ServerTransaction): void {
    this.#refused.add(transaction);
  }

  /** Ends every transaction silently; idempotent. */
  close(): void {
    for (const transaction of this.#servers.values()) transaction.destroy();
    for (const transaction of this.#clients.values()) transaction.destroy();
    this.#servers.clear();
    this.#clients.clear();
    this.#merges.clear();
    this.#refused.clear();
    this.#dialogs.clear();
    this.#addresses.clear();
  }

  #receiveRequest(request: SipRequest, identity: MessageIdentity, flow: Flow): void {
    const key = serverTransactionKey(request.uri, identity, request.method);
    const known = this.#servers.get(key);
    if (known) {
      known.receiveAgain();
      return;
    }
    const responseFlow = this.#options.responseFlow(flow, identity);
    const { callId, toTag, fromTag } = identity;
    const isInDialog = toTag !== '' && this.#user.isInDialog(identity);
    const dialog = isInDialog ? [callId, toTag, fromTag].join(' ') : '';
    const address = isInDialog ? '' : (this.#options.sourceOf?.(flow.remoteAddress) ?? flow.remoteAddress);
    const { method } = request;
    const hasRoom = this.#hasRoom(address) && (!isInDialog || this.#hasRoomIn(dialog, method));
    if (!hasRoom) {
      this.#user.overloaded(request, responseFlow);
      return;
    }
    const mergeKey = toTag === '' && method !== 'CANCEL' ? mergeKeyOf(identity) : '';
    const beginning = { mergeKey, method, flow: responseFlow, address, dialog };
    const transaction = new ServerTransaction(key, beginning, this);
    this.#servers.set(key, transaction);
    if (isInDialog) this.#dialogs.set(dialog, (this.#dialogs.get(dialog) ?? new Set()).add(transaction));
    if (address !== '') this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    if (mergeKey !== '' && !this.#merges.has(mergeKey)) this.#merges.set(mergeKey, transaction);
    this.#user.request(request, identity, transaction, flow);
  }

  /** `address`: where a request outside of dialogs comes from; empty for one within. */
  #hasRoom(address: string): boolean {
    const { maxTransactions, maxTransactionsPerAddress = maxTransactions } = this.#options;
    if (this.isFull) this.#dropRefusal();
    if (address === '') return this.size < 2 * maxTransactions;
    return !this.isFull && (this.#addresses.get(address) ?? 0) < maxTransactionsPerAddress;
  }

  /**
   * Whoever is in a call, or knows its tags, could otherwise take the room of all. The oldest answered request gives its place up:
   * a copy of it is told from its CSeq to be an old one. The end of the call is always heard.
   */
  #hasRoomIn(dialog: string, method: string): boolean {
    const transactions = this.#dialogs.get(dialog);
    const { maxTransactions, maxTransactionsPerDialog = maxTransactions } = this.#options;
    if (transactions === undefined || transactions.size < maxTransactionsPerDialog) return true;
    for (const transaction of transactions) {
      if (!transaction.isAnswered) continue;
      transaction.abandon();
      return true;
    }
    return method === 'BYE';
  }

  /** The oldest refusal is not sent again: a copy of its request would be a new one, and be refused anew. */
  #dropRefusal(): void {
    const [oldest] = this.#refused;
    oldest?.abandon();
  }

  #forget(transaction: ServerTransaction): void {
    this.#servers.delete(transaction.key);
    this.#refused.delete(transaction);
    if (this.#merges.get(transaction.mergeKey) === transaction) this.#merges.delete(transaction.mergeKey);
    const { address, dialog } = transaction;
    const ofDialog = this.#dialogs.get(dialog);
    if (ofDialog?.delete(transaction) === true && ofDialog.size === 0) this.#dialogs.delete(dialog);
    const left = (this.#addresses.get(address) ?? 0) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }

  #receiveAck(ack: SipRequest, identity: MessageIdentity, flow: Flow): void {
    const transaction = this.#servers.get(serverTransactionKey(ack.uri, identity, 'INVITE'));
    const matches = transaction && !(isForeignBranch(identity.via) && transaction.toTag !== identity.toTag);
    if (matches) transaction.receiveAck(ack, flow);
    else this.#user.ack(ack, identity, flow);
  }

  #receiveResponse(response: SipResponse, identity: MessageIdentity, flow: Flow): void {
    const branch = identity.via.params.get('branch') ?? '';
    const transaction = this.#clients.get(clientTransactionKey(branch, identity.cseq.method));
    // RFC 3261 §8.1.3.3: more than one Via means that it was meant for somebody else.
    if (response.headers.all('Via').length !== 1 && transaction?.user.isProxy !== true) return;
    if (transaction) transaction.receive(response, flow);
    else this.#user.strayResponse(response, identity, flow);
  }
}
