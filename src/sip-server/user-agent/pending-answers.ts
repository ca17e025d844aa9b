/** Our 2xx responses that are not acknowledged yet, and the BYEs that must wait for that. */
import { AnswerRetransmitter } from '../dialog/answer-retransmitter.js';
import type { SipRequest } from '../message/message.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { OwnedDialog } from './application.js';
import type { UserAgentEnvironment } from './environment.js';
import type { IncomingRequest } from './incoming-request.js';

interface Answer {
  readonly inviteId: string;
  readonly isInitial: boolean;
  readonly transaction: ServerTransaction;
  readonly retransmitter: AnswerRetransmitter;
  /** A BYE of ours that waits for the ACK (RFC 3261 §15). */
  heldBye: (() => void) | undefined;
}

/** The 2xx that wait for their ACK, one a dialog (RFC 3261 §13.3.1.4). */
export class PendingAnswers {
  readonly #environment: UserAgentEnvironment;
  readonly #hangUp: (dialog: OwnedDialog, status: number, why: string) => void;
  readonly #answers = new Map<OwnedDialog, Answer>();

  constructor(
    environment: UserAgentEnvironment,
    hangUp: (dialog: OwnedDialog, status: number, why: string) => void,
  ) {
    this.#environment = environment;
    this.#hangUp = hangUp;
    // A dialog that is over needs no ACK any more.
    environment.dialogs.onEnd((dialog) => this.stop(dialog));
  }

  /** The 2xx `bytes` has gone out: it is sent again until its ACK comes; without one the call is ended. */
  add(dialog: OwnedDialog, incoming: IncomingRequest, bytes: Buffer): void {
    const { clock, timers } = this.#environment;
    const { transaction, identity, id, isInitialInvite: isInitial } = incoming;
    const giveUp = (): void => this.#noAck(dialog, 'no ACK received');
    const { number } = identity.cseq;
    const retransmitter = new AnswerRetransmitter({
      cseq: number,
      transaction,
      bytes,
      clock,
      timers,
      giveUp,
    });
    this.#answers.set(dialog, { inviteId: id, isInitial, transaction, retransmitter, heldBye: undefined });
    // An ACK that bears the branch of its INVITE (RFC 2543 habits) reaches the transaction instead of the dialog.
    transaction.user = {
      acknowledged: (ack, flow) => this.acknowledge(dialog, number, ack, flow),
      transactionFailed: () => undefined,
      transactionEnded: () => undefined,
    };
  }

  /** An ACK came; only the first one with the right CSeq is told. */
  acknowledge(dialog: OwnedDialog, cseq: number, ack: SipRequest, flow: Flow): void {
    const answer = this.#answers.get(dialog);
    if (answer?.retransmitter.cseq !== cseq) return;
    const sendBye = this.#settle(dialog, answer);
    // It bears the To tag that only the peer was told. Once for each call: who has one could vouch for any forged address.
    this.#environment.guard?.isGood(flow.remoteAddress);
    dialog.owner?.acknowledged(ack, flow, answer.inviteId, dialog.publicId);
    sendBye?.();
  }

  /** A BYE must wait while the peer has not acknowledged; `send` is called at the ACK, or when none is to come. */
  holdBye(dialog: OwnedDialog, send: () => void): boolean {
    const answer = this.#answers.get(dialog);
    if (!answer || answer.heldBye) return false;
    answer.heldBye = send;
    return true;
  }

  /** No ACK is to be expected any more, or was shown to be lost. */
  stop(dialog: OwnedDialog): void {
    const answer = this.#answers.get(dialog);
    if (answer) this.#settle(dialog, answer)?.();
  }

  /**
   * The connection of the peer is gone for good. One that was in the call already may come back by another connection,
   * and has as long for that as for its ACK.
   */
  flowClosed(flow: Flow): void {
    for (const [dialog, answer] of [...this.#answers]) {
      if (answer.isInitial && answer.transaction.flow.id === flow.id)
        this.#noAck(dialog, 'connection lost before the ACK');
    }
  }

  close(): void {
    for (const answer of this.#answers.values()) answer.retransmitter.stop();
    this.#answers.clear();
  }

  #noAck(dialog: OwnedDialog, why: string): void {
    const answer = this.#answers.get(dialog);
    const sendBye = answer && this.#settle(dialog, answer);
    if (sendBye) sendBye();
    else this.#hangUp(dialog, 408, why);
  }

  /** Ends the wait; gives the BYE that waited too. */
  #settle(dialog: OwnedDialog, answer: Answer): (() => void) | null {
    this.#answers.delete(dialog);
    answer.retransmitter.stop();
    // The transaction stays for 32 s to absorb copies; what hangs on its user need not.
    answer.transaction.user = undefined;
    return answer.heldBye ?? null;
  }
}
