/** What our 200 to an INVITE or a new offer says beside its description, and whether the server takes it. */
import { responseBytes } from './request-guard.js';
import { supportedOptions, type ServerTraits } from './server-traits.js';
import { timerOfOurAnswer, type SessionTimer } from './session-timer.js';
import type { SrfRequest } from './srf.js';

export interface Answer {
  readonly localSdp: string;
  readonly headers: Record<string, string>;
}

/**
 * `timer`: what the server keeps no session timer for by itself. `more`: further header fields. Null where the answer would be longer than
 * what the server takes.
 */
export function composeAnswer(
  traits: ServerTraits,
  request: SrfRequest,
  localSdp: string,
  { timer, more = {} }: { readonly timer: SessionTimer | null; readonly more?: Record<string, string> },
): Answer | null {
  const { allow, maxMessageBytes } = traits;
  const headers = {
    ...{ 'Content-Type': 'application/sdp', Allow: allow },
    ...(traits.isExternal && { Supported: supportedOptions }),
    ...timerOfOurAnswer(timer),
    ...more,
  };
  const isTooLong = maxMessageBytes !== null && responseBytes(request, headers, localSdp) > maxMessageBytes;
  return isTooLong ? null : { localSdp, headers };
}
