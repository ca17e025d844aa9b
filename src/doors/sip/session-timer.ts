/**
 * Session timers (RFC 4028) behind a drachtio-server, which runs them itself: from our 200 to an INVITE, and from a re-INVITE
 * whatever we answer. The phone must hear of it then, or it does not refresh and is hung up on. Our own SIP server needs
 * nothing of this.
 */
import type { SrfRequest } from './srf.js';

/** RFC 4028 §4: no shorter interval may be asked for. */
const minSeconds = 90;
/** Three weeks: what a timer of ours can hold. */
const maxSeconds = 1_814_400;

/** The headers of our 200; none where no timer runs. */
export function sessionTimerHeaders(
  request: Pick<SrfRequest, 'get'>,
  isReinvite: boolean,
): Record<string, string> {
  const timer = readTimer(request, isReinvite);
  if (timer === null) return {};
  const expires = { 'Session-Expires': `${String(timer.seconds)};refresher=${timer.isOurs ? 'uas' : 'uac'}` };
  return timer.isOurs ? expires : { ...expires, Require: 'timer' };
}

/** Within which the phone must refresh the call; null where it need not. */
export function refreshSeconds(request: Pick<SrfRequest, 'get'>, isReinvite: boolean): number | null {
  const timer = readTimer(request, isReinvite);
  return timer === null || timer.isOurs ? null : timer.seconds;
}

function readTimer(
  request: Pick<SrfRequest, 'get'>,
  isReinvite: boolean,
): { readonly seconds: number; readonly isOurs: boolean } | null {
  const [interval = '', ...parameters] = (request.get('Session-Expires') ?? '').split(';');
  const seconds = /^\s*\d{1,10}\s*$/.test(interval) ? Number(interval) : 0;
  if (seconds < minSeconds || seconds > maxSeconds) return null;
  const isOurs = parameters.some((parameter) => /^\s*refresher\s*=\s*uas\s*$/i.test(parameter));
  // We never begin to refresh: drachtio-server does it by a re-INVITE whose answer may kill it.
  return isOurs && !isReinvite ? null : { seconds, isOurs };
}
