/** How a leg or a membership ended. */

/** Who ended it. */
export type EndedBy = 'participant' | 'application' | 'gateway';

export type EndReason =
  | 'hangup'
  | 'canceled'
  | 'participant-deleted'
  | 'session-deleted'
  | 'removed-from-session'
  | 'no-session'
  | 'pin-refused'
  | 'media-timeout'
  | 'media-lost'
  | 'ice-failed'
  | 'no-ack'
  | 'connection-lost'
  | 'refused'
  | 'gateway-restarted'
  | 'gateway-stopping';

const reasons: Readonly<Record<EndReason, true>> = {
  hangup: true,
  canceled: true,
  'participant-deleted': true,
  'session-deleted': true,
  'removed-from-session': true,
  'no-session': true,
  'pin-refused': true,
  'media-timeout': true,
  'media-lost': true,
  'ice-failed': true,
  'no-ack': true,
  'connection-lost': true,
  refused: true,
  'gateway-restarted': true,
  'gateway-stopping': true,
};

export const endReasons = Object.keys(reasons) as readonly EndReason[];

/** How it ended: who, why, and the far end's own words where it gave any. Data, not an exception. */
export interface Outcome {
  /** The far end, the application over REST, or the gateway. */
  readonly endedBy: EndedBy;
  /** Why: see docs/events.md#outcomes. */
  readonly reason: EndReason;
  /** SIP status of a refusal or of a failed request. */
  readonly sipStatus?: number;
  /** Q.850 cause, from the far end's Reason header (RFC 3326). */
  readonly q850Cause?: number;
  /** The far end's Reason text. */
  readonly text?: string;
}

/** Why a recording ended. */
export type RecordingReason =
  /** By request. */
  | 'stopped'
  | 'session-deleted'
  /** It was a recording of one leg alone, which has ended or is in the session no longer. */
  | 'participant-left'
  | 'too-long'
  | 'too-large'
  /** The account's recordings together are as large as they may be. */
  | 'quota-exceeded'
  /** Less space is left on the disk than is to be left free. */
  | 'disk-low'
  | 'gateway-stopping'
  /** Those of failures. */
  | 'disk-full'
  | 'media-lost'
  | 'gateway-restarted'
  | 'file-lost'
  | 'internal-error';
