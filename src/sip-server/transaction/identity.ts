/** What a message says of where it belongs: Via, From and To tags, Call-ID, CSeq. */
import { parseCSeq, type CSeq } from '../message/cseq.js';
import type { SipMessage } from '../message/message.js';
import { parseNameAddr, type NameAddr } from '../message/name-addr.js';
import { parseVia, type Via } from '../message/via.js';

/** What every layer asks of a message, read once. */
export interface MessageIdentity {
  readonly via: Via;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly from: NameAddr;
  readonly to: NameAddr;
  /** Empty when there is none (RFC 2543 clients). */
  readonly fromTag: string;
  /** Empty when there is none: outside of a dialog. */
  readonly toTag: string;
}

/** Null when one of them is missing or unreadable; the parser lets no such message through. */
export function identify(message: SipMessage): MessageIdentity | null {
  const { headers } = message;
  const via = headers.read('Via', parseVia);
  const cseq = headers.read('CSeq', parseCSeq);
  const from = headers.read('From', parseNameAddr);
  const to = headers.read('To', parseNameAddr);
  const callId = headers.get('Call-ID');
  if (!via || !cseq || !from || !to || callId === undefined) return null;
  return {
    via,
    callId,
    cseq,
    from,
    to,
    fromTag: from.params.get('tag') ?? '',
    toTag: to.params.get('tag') ?? '',
  };
}

const magicCookie = 'z9hG4bK';

/**
 * What a request and its copies, ACK and CANCEL have in common (RFC 3261 §17.2.3). `method` is INVITE for an ACK, and
 * for a CANCEL that of the request it wants to end.
 */
export function serverTransactionKey(uri: string, identity: MessageIdentity, method: string): string {
  const { via, cseq } = identity;
  const branch = via.params.get('branch') ?? '';
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? 5060}`;
  if (branch.length > magicCookie.length && branch.startsWith(magicCookie)) {
    return `${branch} ${sentBy} ${method}`;
  }
  // RFC 2543 client: everything that a copy repeats. The To tag of an ACK is compared by the caller.
  return `2543 ${uri} ${identity.fromTag} ${identity.callId} ${cseq.number} ${branch} ${sentBy} ${method}`;
}

/** True when matching had to fall back on RFC 2543, so that the To tag of an ACK is to be compared as well. */
export function isForeignBranch(via: Via): boolean {
  const branch = via.params.get('branch') ?? '';
  return !branch.startsWith(magicCookie) || branch.length === magicCookie.length;
}

/** The same request by two ways has another branch but this in common (RFC 3261 §8.2.2.2). */
export function mergeKeyOf(identity: MessageIdentity): string {
  const { fromTag, callId, cseq } = identity;
  return `${fromTag} ${callId} ${cseq.number} ${cseq.method}`;
}

/** RFC 3261 §17.1.3: the branch of the top Via and the method of CSeq. */
export function clientTransactionKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}
