/**
 * The offer of a refresh by re-INVITE is the application's to make, and the answer is for it: to the application this is a
 * re-INVITE of the peer's without an offer, whose ACK brings the answer. So the address, codec or direction that the peer
 * answers with counts, as it would had the application begun (RFC 4028 §7.4, RFC 3264 §8).
 */
import { HeaderFields } from '../message/header-fields.js';
import { formatMessage } from '../message/format-message.js';
import { formatHostPort } from '../message/host-port.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Application, OwnedDialog, SendResult } from './application.js';
import type { UserAgentEnvironment } from './environment.js';
import { newBranch, newTransactionId } from './identifiers.js';
import { createResponse } from './responses.js';

/** An application that does not answer is left out of it. */
const longestAnswerMs = 5_000;

export interface RefreshOffer {
  readonly body: Buffer;
  readonly contentType: string;
  /** The peer's 2xx; null: it came to nothing. To be called once. */
  settle(response: SipResponse | null): void;
}

interface Question {
  readonly dialog: OwnedDialog;
  readonly owner: Application;
  readonly invite: SipRequest;
  readonly timer: unknown;
  readonly answered: (offer: RefreshOffer | 'busy' | null) => void;
}

export class RefreshOffers {
  readonly #environment: UserAgentEnvironment;
  /** By the identifier that the application knows. */
  readonly #questions = new Map<string, Question>();

  constructor(environment: UserAgentEnvironment) {
    this.#environment = environment;
    environment.dialogs.onEnd((dialog) => {
      for (const [id, question] of this.#questions) if (question.dialog === dialog) this.#settle(id, null);
    });
  }

  /** Asks the application for an offer. `busy`: it has an exchange of its own under way. Null: there is none, or it made no offer. */
  ask(dialog: OwnedDialog): Promise<RefreshOffer | 'busy' | null> {
    const { owner } = dialog;
    if (owner === undefined) return Promise.resolve(null);
    return new Promise((answered) => {
      const id = newTransactionId();
      const invite = asFromPeer(dialog, 'INVITE');
      const timer = this.#environment.clock.setTimer(longestAnswerMs, () => this.#settle(id, null));
      this.#questions.set(id, { dialog, owner, invite, timer, answered });
      owner.request(invite, dialog.flow, id, dialog.publicId);
    });
  }

  /** Takes an application's response where it is to such a question; null where it is to something else. */
  respond(transactionId: string, draft: SipResponse, owner: Application): SendResult | null {
    const question = this.#questions.get(transactionId);
    if (question?.owner !== owner) return null;
    const { dialog, invite } = question;
    const { status, body } = draft;
    if (status >= 300) this.#settle(transactionId, status === 491 || status === 500 ? 'busy' : null);
    else if (status >= 200) {
      const contentType = draft.headers.get('Content-Type') ?? 'application/sdp';
      const settle = (response: SipResponse | null): void =>
        this.#acknowledge(question, transactionId, response);
      this.#settle(transactionId, body.length === 0 ? null : { body, contentType, settle });
    }
    // It is nowhere sent; the application is told what a peer would have seen.
    const bytes = formatMessage({ ...createResponse(invite, status, dialog.localTag), body });
    return { ok: true, bytes, flow: dialog.flow, transactionId, dialogId: dialog.publicId };
  }

  close(): void {
    for (const id of [...this.#questions.keys()]) this.#settle(id, null);
  }

  #settle(id: string, offer: RefreshOffer | 'busy' | null): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    this.#environment.clock.clearTimer(question.timer);
    question.answered(offer);
  }

  #acknowledge({ dialog, owner }: Question, id: string, response: SipResponse | null): void {
    if (dialog.owner !== owner || dialog.state === 'terminated') return;
    const ack = asFromPeer(dialog, 'ACK');
    const contentType = response?.headers.get('Content-Type');
    if (response !== null && response.body.length > 0) {
      if (contentType !== undefined) ack.headers.append('Content-Type', contentType);
      ack.body = response.body;
    }
    owner.acknowledged(ack, dialog.flow, id, dialog.publicId);
  }
}

/** A request as the peer would write it. */
function asFromPeer({ remote, local, callId, flow }: OwnedDialog, method: 'INVITE' | 'ACK'): SipRequest {
  const hostPort = formatHostPort(flow.remoteAddress, flow.remotePort);
  const via = `SIP/2.0/${flow.protocol.toUpperCase()} ${hostPort};branch=${newBranch()}`;
  const headers = new HeaderFields([
    ['Via', via],
    ['Max-Forwards', '70'],
    ['From', remote],
    ['To', local],
    ['Call-ID', callId],
    ['CSeq', `1 ${method}`],
  ]);
  return { kind: 'request', method, uri: 'sip:localhost', headers, body: Buffer.alloc(0) };
}
