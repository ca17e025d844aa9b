/** Rules for requests within a dialog: which may come, and when one must wait. */
import type { SipRequest } from '../message/message.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { OwnedDialog } from './application.js';
import type { IncomingRequest } from './incoming-request.js';
import { checkExtensions, checkSessionInterval, type Refusal } from './request-checks.js';

/** Methods that may come in a dialog. */
export const inDialogMethods: ReadonlySet<string> = new Set([
  'INVITE', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'NOTIFY', 'REFER', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH',
]); // prettier-ignore

/** Methods that are about a call, and mean nothing to a subscription. */
const callMethods: ReadonlySet<string> = new Set(['INVITE', 'BYE', 'UPDATE', 'PRACK']);

/**
 * The order of requests, and what they require (RFC 3261 §12.2.2, §8.2.2.3). Deviation: a BYE is taken whatever its number, and
 * whatever it requires. Who sends one has left (§15.1.1): to refuse it would keep a call up without its peer.
 */
export function checkOrderAndExtensions(
  dialog: OwnedDialog,
  request: SipRequest,
  { cseq }: MessageIdentity,
  supported: readonly string[],
): Refusal | null {
  const { method } = request;
  // RFC 5057 §5.1: there is no call that these could mean.
  if (dialog.usage === 'subscription' && callMethods.has(method)) return { status: 481 };
  if (method === 'BYE') return null;
  if (!dialog.acceptsCSeq(cseq.number)) return { status: 500, reason: 'CSeq out of order' };
  return checkExtensions(request, supported);
}

/** A PRACK ends the repetition of the provisional response that it names, or is refused (RFC 3262 §3). */
export function takePrack(prack: SipRequest, invite: IncomingRequest | undefined): Refusal | null {
  const rack = readRack(prack);
  const isNamed =
    rack !== null && invite?.reliable?.rseq === rack.rseq && invite.identity.cseq.number === rack.cseq;
  if (!isNamed) return { status: 481 };
  invite.reliable?.stop();
  invite.reliable = undefined;
  return null;
}

/** The PRACK of a provisional response whose INVITE was answered meanwhile (RFC 3262 §3): it is taken, and told to nobody. */
export function takeLatePrack(dialog: OwnedDialog, request: SipRequest): boolean {
  const rack = request.method === 'PRACK' ? readRack(request) : null;
  return rack !== null && dialog.takesPrack(rack.rseq, rack.cseq);
}

/** Some write the method twice: the numbers tell which one is meant. */
function readRack({ headers }: SipRequest): { rseq: number; cseq: number } | null {
  const rack = /^(\d+)\s+(\d+)\s+\S/.exec(headers.get('RAck') ?? '');
  return rack && { rseq: Number(rack[1]), cseq: Number(rack[2]) };
}

/**
 * INVITE and UPDATE that cross another (RFC 3261 §14.2, RFC 3311 §5.2): 491 when ours is on its way, 500 with a time to
 * wait when the peer's own earlier one (`isModifying`) has no answer yet.
 */
export function checkModification(
  dialog: OwnedDialog,
  request: SipRequest,
  isModifying: boolean,
): Refusal | null {
  const { method } = request;
  if (method !== 'INVITE' && method !== 'UPDATE') return null;
  const crossesInvite = dialog.hasPendingInvite && (method === 'INVITE' || request.body.length > 0);
  if (crossesInvite || dialog.hasPendingUpdate) return { status: 491 };
  if (isModifying || (method === 'INVITE' && dialog.state === 'early')) {
    return { status: 500, headers: [['Retry-After', String(Math.floor(Math.random() * 11))]] };
  }
  return checkSessionInterval(request);
}
