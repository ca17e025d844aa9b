/**
 * Session timers (RFC 4028) behind a drachtio-server, which runs them itself: from our 200 to an INVITE, and from a re-INVITE
 * whatever we answer. The phone must hear of it then, or it does not refresh and is hung up on. Our own SIP server needs
 * nothing of this.
 */
import type { SrfRequest } from './srf.js';

/** RFC 4028 §4: no shorter interval may be asked for. */
const minSeconds = 90;
const maxSeconds = 0xffff_ffff;

/** The headers of our 200; none where no timer runs. */
export function sessionTimerHeaders(
  request: Pick<SrfRequest, 'get'>,
  isReinvite: boolean,
): Record<string, string> {
  const [interval = '', ...parameters] = (request.get('Session-Expires') ?? '').split(';');
  const seconds = /^\s*\d{1,10}\s*$/.test(interval) ? Number(interval) : 0;
  if (seconds < minSeconds || seconds > maxSeconds) return {};
  const isOurs = parameters.some((parameter) => /^\s*refresher\s*=\s*uas\s*$/i.test(parameter));
  // We never begin to refresh: drachtio-server does it by a re-INVITE whose answer may kill it.
  if (isOurs && !isReinvite) return {};
  const expires = { 'Session-Expires': `${String(seconds)};refresher=${isOurs ? 'uas' : 'uac'}` };
  return isOurs ? expires : { ...expires, Require: 'timer' };
}
