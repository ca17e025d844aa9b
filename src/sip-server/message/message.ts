/** A SIP message as values: what the parser gives and the formatter takes (RFC 3261 §7). */
import type { HeaderFields } from './header-fields.js';

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  /** Request-URI as written. */
  uri: string;
  readonly headers: HeaderFields;
  body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderFields;
  body: Buffer;
  /** It stands for one that never came, and was made here. */
  readonly isLocal?: true;
}

export type SipMessage = SipRequest | SipResponse;
