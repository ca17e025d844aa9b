/** Rules for new requests, before anybody is asked (RFC 3261 §8.2). */
import { beginsSubscription, contactUri } from '../dialog/dialog.js';
import { minimumSessionSeconds, optionTags, parseSessionExpires } from '../dialog/session-expires.js';
import type { SipRequest } from '../message/message.js';

/** Why a request is refused before any application sees it. */
export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Methods that mean something only within a dialog. */
const inDialogOnly = new Set(['BYE', 'UPDATE', 'PRACK']);

/** The duties of RFC 3261 §8.2 on a request outside of a dialog; null: it may go on. */
export function checkNewRequest(request: SipRequest, supported: readonly string[]): Refusal | null {
  const { headers, method } = request;
  if (inDialogOnly.has(method)) return { status: 481 };
  // As a gateway we are the last hop of the one call and the first of another: a loop through us must end.
  // OPTIONS begins no other, and asks with 0 for whoever is here (RFC 3261 §11).
  if (method !== 'OPTIONS' && Number(headers.get('Max-Forwards') ?? '70') === 0) return { status: 483 };
  if (!/^(?:sips?|tel):/i.test(request.uri)) return { status: 416 };
  const unsupported = checkExtensions(request, supported);
  if (unsupported) return unsupported;
  // RFC 6665 §4.2.1.2.
  if (method === 'SUBSCRIBE' && !headers.has('Event')) return { status: 489 };
  if (method !== 'INVITE' && !beginsSubscription(method)) return null;
  if (contactUri(headers) === null) {
    return { status: 400, reason: headers.has('Contact') ? 'Bad Contact' : 'Missing Contact' };
  }
  return method === 'INVITE' ? checkSessionInterval(request) : null;
}

/** RFC 3261 §8.2.2.3: 420 for an extension that we do not have. RFC 3891 §3: Replaces belongs to INVITE; but a BYE is a BYE. */
export function checkExtensions(request: SipRequest, supported: readonly string[]): Refusal | null {
  const { method } = request;
  if (method !== 'INVITE' && method !== 'BYE' && request.headers.has('Replaces'))
    return { status: 400, reason: 'Replaces without INVITE' };
  if (!request.headers.has('Require')) return null;
  const unknown = optionTags(request.headers, 'Require').filter((tag) => !supported.includes(tag));
  return unknown.length === 0 ? null : { status: 420, headers: [['Unsupported', unknown.join(', ')]] };
}

/** RFC 4028 §9: an interval below our minimum, from a client that can do something about it. */
export function checkSessionInterval(request: SipRequest): Refusal | null {
  const wanted = parseSessionExpires(request.headers);
  if (!wanted || wanted.seconds >= minimumSessionSeconds) return null;
  if (!optionTags(request.headers, 'Supported').includes('timer')) return null;
  return { status: 422, headers: [['Min-SE', String(minimumSessionSeconds)]] };
}

/** Whether a refusal only asks for a password. Every call that shows one begins so: nothing is held against it. */
export function isChallenge({ status }: Refusal): boolean {
  return status === 401;
}
