/** How a softphone’s call ended. */
import type { HeaderFields } from '../sip-server/message/header-fields.js';
import { parseParameters, splitCommas } from '../sip-server/message/parameters.js';

/** A value of the Reason header field (RFC 3326). */
export interface CallReason {
  /** `SIP`, `Q.850`, … */
  readonly protocol: string;
  readonly cause?: number;
  readonly text?: string;
}

export type CallEndWhy =
  /** A BYE, from the side that `by` tells. */
  | 'hang-up'
  /** We gave up before the answer. */
  | 'cancelled'
  /** A final response of 300 to 699. */
  | 'refused'
  | 'timeout'
  | 'transport-error'
  /** Answered with a session description that we cannot take part in. */
  | 'unusable-answer';

/** How a call ended: always an outcome, never an exception. */
export interface CallEnd {
  readonly by: 'local' | 'remote' | 'network';
  readonly why: CallEndWhy;
  /** The status of the refusal. */
  readonly status?: number;
  readonly reasonPhrase?: string;
  /** What the far end's Reason header field says. */
  readonly reason?: CallReason;
}

export function readReason(headers: HeaderFields): CallReason | null {
  const value = headers.all('Reason').flatMap(splitCommas)[0];
  if (value === undefined) return null;
  const semicolon = value.indexOf(';');
  const protocol = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
  const parameters = semicolon < 0 ? undefined : parseParameters(value, semicolon);
  const cause = parameters?.get('cause');
  const text = parameters?.get('text');
  return {
    protocol,
    ...(cause !== undefined && /^\d{1,3}$/.test(cause) && { cause: Number(cause) }),
    ...(text !== undefined && { text }),
  };
}
