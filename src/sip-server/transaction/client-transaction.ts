/** The transaction of a request that went out. */
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { formatAckOfRefusal } from './ack.js';
import {
  inviteClientMachine,
  type InviteClientInput,
  type InviteClientState,
} from './invite-client-machine.js';
import type { Action, Machine } from './machine.js';
import {
  nonInviteClientMachine,
  type NonInviteClientInput,
  type NonInviteClientState,
} from './non-invite-client-machine.js';
import { Transaction, type TransactionContext } from './transaction.js';

/** Whoever sends a request hears of its transaction through this. */
export interface ClientTransactionUser {
  /** It passes the request on for others, whose Via fields stand below ours in the responses. */
  readonly isProxy?: boolean;
  /** A response; of an INVITE every 2xx again, for the user must send the ACK again. */
  responded(response: SipResponse, flow: Flow): void;
  /** The last thing heard of the transaction when no final response came. */
  requestFailed(why: 'timeout' | 'transport error'): void;
  /** An INVITE has been ringing for too long: send CANCEL. */
  giveUp(): void;
}

/** A request as it leaves. */
export interface OutgoingMessage {
  readonly request: SipRequest;
  /** The branch of its top Via. */
  readonly branch: string;
  /** The request, formatted. */
  readonly bytes: Buffer;
  readonly flow: Flow;
}

type State = InviteClientState | NonInviteClientState;
type Input = InviteClientInput | NonInviteClientInput;

/** One request that went out, until its answer is there (RFC 3261 §17.1). */
export class ClientTransaction extends Transaction<State, Input> {
  readonly request: SipRequest;
  readonly user: ClientTransactionUser;
  readonly #bytes: Buffer;
  #response: SipResponse | undefined;
  #responseFlow: Flow | undefined;
  #ack: Buffer | undefined;

  constructor(
    key: string,
    { request, bytes, flow }: OutgoingMessage,
    user: ClientTransactionUser,
    context: TransactionContext,
  ) {
    const isInvite = request.method === 'INVITE';
    const machine: unknown = isInvite ? inviteClientMachine : nonInviteClientMachine;
    super(
      {
        key,
        // The two machines share their letters; which of them runs is settled here and nowhere else.
        machine: machine as Machine<State, Input>,
        state: isInvite ? 'calling' : 'trying',
        flow,
      },
      context,
    );
    this.request = request;
    this.user = user;
    this.#bytes = bytes;
  }

  /** Sends the request and starts the timers; once, right after the transaction was registered. */
  start(): void {
    this.transmit(this.#bytes);
    // Entering the first state starts its timers: A and B, or E and F (§17.1.1.2, §17.1.2.2).
    for (const name of this.request.method === 'INVITE' ? (['A', 'B'] as const) : (['E', 'F'] as const)) {
      this.startTimer(name);
    }
  }

  receive(response: SipResponse, flow: Flow): void {
    this.#response = response;
    this.#responseFlow = flow;
    this.step(response.status < 200 ? '1xx' : response.status < 300 ? '2xx' : '3xx-6xx');
    this.#response = undefined;
    this.#responseFlow = undefined;
  }

  /** A CANCEL has been sent for it: from now on the far end has 64 · T1 to end it (RFC 3261 §9.1). */
  cancelled(): void {
    this.step('cancelled');
  }

  /** The request has gone to another server. */
  abandon(): void {
    this.step('abandoned');
  }

  flowClosed(): void {
    this.step('flow closed');
  }

  protected override perform(action: Action): void {
    switch (action) {
      case 'resend':
        this.context.counters.retransmissionsSent += 1;
        this.transmit(this.#bytes);
        return;
      case 'pass':
        if (this.#response && this.#responseFlow) this.user.responded(this.#response, this.#responseFlow);
        return;
      case 'acknowledge':
        if (this.#response) this.#ack ??= formatAckOfRefusal(this.request, this.#response);
        if (this.#ack) this.transmit(this.#ack);
        return;
      case 'cancel':
        this.user.giveUp();
        return;
      case 'inform timeout':
        this.context.counters.transactionTimeouts += 1;
        this.user.requestFailed('timeout');
        return;
      case 'inform transport error':
        this.user.requestFailed('transport error');
        return;
      default:
    }
  }
}
