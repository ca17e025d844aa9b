/** The ACKs of 2xx responses, which are no part of any transaction. */
import { formatMessage } from '../message/format-message.js';
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { notSent, refusals, type OwnedDialog, type SendResult } from './application.js';
import { streamFor } from './dialog-stream.js';
import { findFlow, knownFlow } from './dialog-way.js';
import type { UserAgentEnvironment } from './environment.js';
import { newBranch, newTransactionId } from './identifiers.js';
import { completeInDialog } from './requests.js';

/** Sends the ACK of every 2xx to our INVITEs, and again when the 2xx comes again (RFC 3261 §13.2.2.4). */
export class Acknowledger {
  readonly #environment: UserAgentEnvironment;
  readonly #hangUp: (dialog: OwnedDialog, status: number, why: string) => void;
  /** Waits for the ACK of an application. */
  readonly #guards = new Map<OwnedDialog, unknown>();

  constructor(
    environment: UserAgentEnvironment,
    hangUp: (dialog: OwnedDialog, status: number, why: string) => void,
  ) {
    this.#environment = environment;
    this.#hangUp = hangUp;
    environment.dialogs.onEnd((dialog) => this.#stopWaiting(dialog));
  }

  /**
   * A 2xx waits for an ACK out of `acknowledge`. An application that never sends one leaves the far end waiting: after
   * 64 · T1 the call is acknowledged and ended.
   */
  expect(dialog: OwnedDialog): void {
    const { clock, timers } = this.#environment;
    this.#stopWaiting(dialog);
    const guard = clock.setTimer(64 * timers.t1Ms, () => {
      this.#guards.delete(dialog);
      this.acknowledgeAndEnd(dialog, 408, 'the application sent no ACK');
    });
    this.#guards.set(dialog, guard);
  }

  /** Sends the ACK of the INVITE that waits for one, with the body and fields of the draft. Where it finds no way the call is ended. */
  async acknowledge(dialog: OwnedDialog, draft?: SipRequest): Promise<SendResult> {
    const cseq = dialog.takeOwedAck();
    if (cseq === null) return notSent('no INVITE waits for an ACK');
    this.#stopWaiting(dialog);
    let flow: Flow;
    try {
      flow = knownFlow(dialog) ?? (await findFlow(dialog, this.#environment.connect));
    } catch {
      // The far end gives a call up that is never acknowledged, and could not be told that we do.
      this.#hangUp(dialog, 503, 'no way to the far end');
      return notSent(refusals.noTransport);
    }
    const looked = draft === undefined ? null : streamFor(dialog, draft, flow, this.#environment);
    const stream = looked && (await looked);
    const ack = dialog.createRequest('ACK', cseq);
    const by = stream ?? flow;
    completeInDialog(ack, draft, { flow: by, branch: newBranch() }, this.#environment);
    const bytes = formatMessage(ack);
    dialog.described(ack.body);
    dialog.acknowledged({ cseq, bytes, flow: by });
    sendQuietly(by, bytes);
    return { ok: true, bytes, flow: by, transactionId: newTransactionId(), dialogId: dialog.publicId };
  }

  /** Accepts a call only to end it: nobody wants it any more. */
  acknowledgeAndEnd(dialog: OwnedDialog, status: number, why: string): void {
    void this.acknowledge(dialog).then(() => this.#hangUp(dialog, status, why));
  }

  /** The 2xx came again: its ACK was lost. Nothing happens while the application has not sent one. */
  acknowledgeAgain(dialog: OwnedDialog, cseq: number): void {
    this.#environment.transactions.counters.retransmissionsReceived += 1;
    const { lastAck } = dialog;
    if (lastAck?.cseq !== cseq) return;
    // One that is too long for a datagram goes by one all the same where its connection is gone.
    const flow = lastAck.flow.isOpen ? lastAck.flow : (knownFlow(dialog) ?? lastAck.flow);
    sendQuietly(flow, lastAck.bytes);
  }

  /** No ACK is awaited in the dialog any more. */
  #stopWaiting(dialog: OwnedDialog): void {
    const guard = this.#guards.get(dialog);
    if (guard === undefined) return;
    this.#guards.delete(dialog);
    this.#environment.clock.clearTimer(guard);
  }

  close(): void {
    for (const dialog of [...this.#guards.keys()]) this.#stopWaiting(dialog);
  }
}

/** An ACK has no transaction: when it is lost the 2xx comes again and so does it. */
function sendQuietly(flow: Flow, bytes: Buffer): void {
  flow.send(bytes).catch(() => undefined);
}
