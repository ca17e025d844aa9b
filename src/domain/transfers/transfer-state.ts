/** The states of a transfer, and everything that moves it from one to another: the service and the stores read this table. */

/**
 *                ┌───────── arrived ◄──────────┐
 *                ▼                             │ the token works again until it expires
 *   requested ─► arrived ─► answered ⇄ joined ─► completed
 *      ├─► canceled     (also from arrived, answered and joined)
 *      └─► expired
 */
export type TransferState =
  | 'requested'
  | 'arrived'
  | 'answered'
  | 'joined'
  | 'completed'
  | 'canceled'
  | 'expired';

export type TransferMove =
  /** Its call is there, not answered yet. */
  | 'call-arrived'
  | 'call-answered'
  | 'caller-joined'
  /** The caller is connected and in the session no longer. */
  | 'caller-left'
  | 'call-ended'
  /** The platform says that the call is over before we saw it. */
  | 'reported-over'
  /** By request. */
  | 'cancel'
  /** The participant was deleted before its call came. Later, the end of the call says so. */
  | 'participant-deleted'
  /** The call did not come in time. */
  | 'time-over';

/** Where each move leads from each state. A move that a state does not name leaves the transfer as it is. */
export const transferMoves: Readonly<
  Record<TransferState, Readonly<Partial<Record<TransferMove, TransferState>>>>
> = {
  requested: {
    'call-arrived': 'arrived',
    'reported-over': 'completed',
    cancel: 'canceled',
    'participant-deleted': 'canceled',
    'time-over': 'expired',
  },
  arrived: { 'call-answered': 'answered', 'call-ended': 'completed', cancel: 'canceled' },
  answered: { 'caller-joined': 'joined', 'call-ended': 'completed', cancel: 'canceled' },
  joined: { 'caller-left': 'answered', 'call-ended': 'completed', cancel: 'canceled' },
  completed: { 'call-arrived': 'arrived' },
  canceled: {},
  expired: {},
};

/** The state after the move, or null where the transfer stays as it is. */
export function stateAfter(state: TransferState, move: TransferMove): TransferState | null {
  return transferMoves[state][move] ?? null;
}

/** There is a call of it now. */
export const liveTransferStates = [
  'arrived',
  'answered',
  'joined',
] as const satisfies readonly TransferState[];
