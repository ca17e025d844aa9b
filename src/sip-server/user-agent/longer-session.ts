/** Repeats a request with the longer session interval that a 422 response demands (RFC 4028 §7.3). */
import { longestSessionSeconds, parseMinSeconds, parseSessionExpires } from '../dialog/session-expires.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';

/** The request with the interval that the 422 names; null where it asked for none, or that would be no longer. */
export function withLongerSession(request: SipRequest, response: SipResponse): SipRequest | null {
  const asked = parseSessionExpires(request.headers);
  const seconds = parseMinSeconds(response.headers);
  if (response.status !== 422 || asked === null) return null;
  if (seconds <= asked.seconds || seconds > longestSessionSeconds) return null;
  const headers = new HeaderFields(request.headers);
  const refresher = asked.refresher === undefined ? '' : `;refresher=${asked.refresher}`;
  headers.set('Session-Expires', `${seconds}${refresher}`);
  headers.set('Min-SE', String(seconds));
  return { ...request, headers };
}
