/** The CANCEL of an INVITE of ours, which waits until the far end has shown that it is there (RFC 3261 §9.1). */
import { formatMessage } from '../message/format-message.js';
import type { SipRequest } from '../message/message.js';
import { identify } from '../transaction/identity.js';
import type { TransactionLayer } from '../transaction/transaction-layer.js';
import { OutgoingRequest, type OutgoingRequestHandler } from './outgoing-request.js';
import { createCancel } from './requests.js';

/** Cancels the INVITE, once; gives the bytes of its CANCEL back. `draft`: what an application wants to say in it. */
export function cancelInvite(
  outgoing: OutgoingRequest,
  draft: SipRequest | undefined,
  transactions: TransactionLayer,
): Buffer {
  const cancel = createCancel(outgoing.request, draft);
  if (!outgoing.isCancelled) {
    outgoing.isCancelled = true;
    outgoing.heldCancel = cancel;
    if (outgoing.transaction?.state === 'proceeding') releaseCancel(outgoing, transactions);
  }
  return formatMessage(cancel);
}

/** Sends the CANCEL that waits; nothing where none does, or the INVITE has its final response. */
export function releaseCancel(outgoing: OutgoingRequest, transactions: TransactionLayer): void {
  const cancel = outgoing.heldCancel;
  if (!cancel || outgoing.isFinal) return;
  outgoing.heldCancel = undefined;
  const branch = identify(cancel)?.via.params.get('branch') ?? '';
  const own = new OutgoingRequest(ignoreResponses, { request: cancel, flow: outgoing.flow });
  transactions.send({ request: cancel, branch, bytes: formatMessage(cancel), flow: outgoing.flow }, own);
  outgoing.transaction?.cancelled();
}

const ignoreResponses: OutgoingRequestHandler = {
  responded: () => undefined,
  failed: () => undefined,
  giveUp: () => undefined,
};
