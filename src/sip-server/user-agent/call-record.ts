/** A call detail record, as drachtio applications may ask for it: a call was tried, began or ended. */
import type { SipMessage } from '../message/message.js';

/** Who sent the message that the record is about: a peer, or an application of ours. */
export type CallRecordSource = 'network' | 'application';
export type CallRecordRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';
/** Why a call ended, in drachtio's words. */
export type CallEndReason =
  | 'call-rejected'
  | 'call-canceled'
  | 'normal-release'
  | 'session-expired'
  | 'system-initiated-termination';

export interface CallRecord {
  readonly kind: 'attempt' | 'start' | 'stop';
  readonly source: CallRecordSource;
  /** For a start our role, for a stop the reason; null for an attempt. */
  readonly detail: CallRecordRole | CallEndReason | null;
  readonly message: SipMessage;
}
