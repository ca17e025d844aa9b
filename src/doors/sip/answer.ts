/** What our 200 to an INVITE or a new offer says beside its description, and whether the server takes it. */
import { responseBytes } from './request-guard.js';
import type { ServerTraits } from './server-traits.js';
import { sessionTimerHeaders } from './session-timer.js';
import type { SrfRequest } from './srf.js';

export interface Answer {
  readonly localSdp: string;
  readonly headers: Record<string, string>;
}

/** Null where the answer would be longer than what the server takes. */
export function composeAnswer(
  traits: ServerTraits,
  request: SrfRequest,
  localSdp: string,
  isReinvite: boolean,
): Answer | null {
  const { allow, keepsSessionTimers, maxMessageBytes } = traits;
  const timer = keepsSessionTimers ? {} : sessionTimerHeaders(request, isReinvite);
  const headers = { 'Content-Type': 'application/sdp', Allow: allow, ...timer };
  const isTooLong = maxMessageBytes !== null && responseBytes(request, headers, localSdp) > maxMessageBytes;
  return isTooLong ? null : { localSdp, headers };
}
