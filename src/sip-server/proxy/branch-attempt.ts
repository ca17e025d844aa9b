/** A request that is passed on, at one server: its transaction, and its CANCEL. */
import { formatMessage } from '../message/format-message.js';
import type { SipResponse } from '../message/message.js';
import type {
  ClientTransaction,
  ClientTransactionUser,
  OutgoingMessage,
} from '../transaction/client-transaction.js';
import { identify } from '../transaction/identity.js';
import type { TransactionLayer } from '../transaction/transaction-layer.js';
import type { Flow } from '../transport/flow.js';
import { createCancel } from '../user-agent/requests.js';

/** Hears what comes of it. */
export interface AttemptOwner {
  responded(attempt: BranchAttempt, response: SipResponse, flow: Flow): void;
  failed(attempt: BranchAttempt, why: 'timeout' | 'transport error'): void;
  /** It has rung for too long. */
  rangTooLong(): void;
}

export class BranchAttempt implements ClientTransactionUser {
  /** Its responses bear the Via fields of those before us, too. */
  readonly isProxy = true;
  readonly #transactions: TransactionLayer;
  readonly #departure: OutgoingMessage;
  readonly #owner: AttemptOwner;
  #transaction: ClientTransaction | undefined;
  #wasHeard = false;
  #isProceeding = false;
  #isFinal = false;
  #wantsCancel = false;
  #isCancelled = false;

  constructor(transactions: TransactionLayer, departure: OutgoingMessage, owner: AttemptOwner) {
    this.#transactions = transactions;
    this.#departure = departure;
    this.#owner = owner;
  }

  get flow(): Flow {
    return this.#departure.flow;
  }

  /** Some response has come. */
  get wasHeard(): boolean {
    return this.#wasHeard;
  }

  start(): void {
    this.#transaction = this.#transactions.send(this.#departure, this);
  }

  /** Sends CANCEL, at once or when the server has shown that it is there (RFC 3261 §9.1). */
  cancel(): void {
    this.#wantsCancel = true;
    if (this.#isProceeding && !this.#isFinal) this.#sendCancel();
  }

  /** The request goes to another server. */
  leave(): void {
    this.#transaction?.abandon();
    this.cancel();
  }

  responded(response: SipResponse, flow: Flow): void {
    this.#wasHeard = true;
    if (response.status >= 200) this.#isFinal = true;
    else {
      this.#isProceeding = true;
      if (this.#wantsCancel) this.#sendCancel();
    }
    this.#owner.responded(this, response, flow);
  }

  requestFailed(why: 'timeout' | 'transport error'): void {
    this.#isFinal = true;
    this.#owner.failed(this, why);
  }

  giveUp(): void {
    this.#owner.rangTooLong();
  }

  #sendCancel(): void {
    const { request, flow } = this.#departure;
    if (this.#isCancelled || request.method !== 'INVITE') return;
    this.#isCancelled = true;
    const cancel = createCancel(request, undefined);
    const branch = identify(cancel)?.via.params.get('branch') ?? '';
    this.#transactions.send({ request: cancel, branch, bytes: formatMessage(cancel), flow }, ignored);
    this.#transaction?.cancelled();
  }
}

const ignored: ClientTransactionUser = {
  responded: () => undefined,
  requestFailed: () => undefined,
  giveUp: () => undefined,
};
