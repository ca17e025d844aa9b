/** The transaction of a request that came in. */
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import {
  inviteServerMachine,
  type InviteServerInput,
  type InviteServerState,
} from './invite-server-machine.js';
import type { Action, Machine } from './machine.js';
import {
  nonInviteServerMachine,
  type NonInviteServerInput,
  type NonInviteServerState,
} from './non-invite-server-machine.js';
import { Transaction, type TransactionContext } from './transaction.js';

/** Whoever answers a request hears of its transaction through this. */
export interface ServerTransactionUser {
  /** An ACK that matches the transaction after a 2xx (RFC 6026 §7.1). */
  acknowledged(ack: SipRequest, flow: Flow): void;
  /** A refusal was never acknowledged, or the response could not be sent. The transaction goes on or ends by itself. */
  transactionFailed(why: 'timeout' | 'transport error'): void;
  transactionEnded(): void;
}

export interface ServerTransactionContext extends TransactionContext {
  /** A refusal was sent, and is kept until it is known to have arrived. */
  refused(transaction: ServerTransaction): void;
}

export interface ServerTransactionBeginning {
  readonly mergeKey: string;
  readonly method: string;
  readonly flow: Flow;
  readonly address: string;
  readonly dialog: string;
}

type State = InviteServerState | NonInviteServerState;
type Input = InviteServerInput | NonInviteServerInput;

/** One request that came in, until its answer is safely there (RFC 3261 §17.2). */
export class ServerTransaction extends Transaction<State, Input> {
  readonly method: string;
  user: ServerTransactionUser | undefined;
  /** Identifies a request that came by two ways (RFC 3261 §8.2.2.2); empty when it has a To tag. */
  readonly mergeKey: string;
  /** Where a request outside of dialogs came from; empty for one within. */
  readonly address: string;
  /** Names the dialog of a request within one; empty for one outside. */
  readonly dialog: string;
  /** To tag of the responses; what tells the ACK of an RFC 2543 client apart (§17.2.3). */
  toTag = '';
  readonly #onRefused: () => void;
  #last: Buffer | undefined;
  #pending: Buffer | undefined;
  #pendingAck: { ack: SipRequest; flow: Flow } | undefined;

  /** `flow`: the way the responses go. */
  constructor(
    key: string,
    { mergeKey, method, flow, address, dialog }: ServerTransactionBeginning,
    context: ServerTransactionContext,
  ) {
    const isInvite = method === 'INVITE';
    const machine: unknown = isInvite ? inviteServerMachine : nonInviteServerMachine;
    super(
      {
        key,
        // The two machines share their letters; which of them runs is settled here and nowhere else.
        machine: machine as Machine<State, Input>,
        state: isInvite ? 'proceeding' : 'trying',
        flow,
      },
      context,
    );
    this.method = method;
    this.mergeKey = mergeKey;
    this.address = address;
    this.dialog = dialog;
    this.#onRefused = () => context.refused(this);
  }

  /** The same request once more. */
  receiveAgain(): void {
    this.context.counters.retransmissionsReceived += 1;
    this.step('request');
  }

  receiveAck(ack: SipRequest, flow: Flow): void {
    this.#pendingAck = { ack, flow };
    this.step('ack');
    this.#pendingAck = undefined;
  }

  /** Sends a response. False when one is no longer possible in this state, and nothing was sent. */
  respond(status: number, bytes: Buffer): boolean {
    return this.#send(status, bytes, status < 200 ? 'send 1xx' : status < 300 ? 'send 2xx' : 'send 3xx-6xx');
  }

  /**
   * Refuses an INVITE whose sender heard nothing before: it is sent again until the refusal is there, which need not go out again by
   * itself. So whoever forged the address of another has nothing sent there twice. Deviation: RFC 3261 §17.2.1 has it go out again
   * over UDP whatever was sent before (timer G).
   */
  refuseOnce(status: number, bytes: Buffer): boolean {
    return this.#send(status, bytes, 'send 3xx-6xx once');
  }

  #send(status: number, bytes: Buffer, input: Input): boolean {
    this.#pending = bytes;
    const sent = this.step(input);
    this.#pending = undefined;
    // Over a connection it may be over by now, and has no place to give up.
    if (sent && status >= 300 && this.state !== 'terminated') this.#onRefused();
    return sent;
  }

  /** The same 2xx of an INVITE once more (RFC 3261 §13.3.1.4). */
  respondAgain(status: number, bytes: Buffer): void {
    this.context.counters.retransmissionsSent += 1;
    this.respond(status, bytes);
  }

  /** All that is left to it is to answer copies of its request, and of a refusal to wait for the ACK. */
  get isAnswered(): boolean {
    return this.state === 'completed' || this.state === 'confirmed';
  }

  /** Ends without an answer. */
  abandon(): void {
    this.step('abandon');
  }

  protected override perform(action: Action): void {
    switch (action) {
      case 'send':
        if (!this.#pending) return;
        // A 2xx to INVITE is the user's to retransmit; keeping a copy here would only cost memory.
        this.#last = this.state === 'accepted' ? undefined : this.#pending;
        this.transmit(this.#pending);
        return;
      case 'resend':
        if (!this.#last) return;
        this.context.counters.retransmissionsSent += 1;
        this.transmit(this.#last);
        return;
      case 'pass':
        if (this.#pendingAck) this.user?.acknowledged(this.#pendingAck.ack, this.#pendingAck.flow);
        return;
      case 'inform timeout':
        this.context.counters.transactionTimeouts += 1;
        this.user?.transactionFailed('timeout');
        return;
      case 'inform transport error':
        this.user?.transactionFailed('transport error');
        return;
      default:
    }
  }
}
