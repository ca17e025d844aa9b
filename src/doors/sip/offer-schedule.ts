/**
 * When an offer of ours may go out within a dialog, as a table of states: one at a time, none before the dialog is confirmed,
 * and none too soon after one that came to nothing.
 *
 *   early ──── confirmed ───► idle ─ wanted ─► due ─ begun ─► offering ─ answered ─► idle
 *     │ wanted                 ▲                ▲              │   │ wanted
 *     ▼                        │                │ elapsed,     │   ▼
 *   early-due ─ confirmed ─► due                │ heard        │  offering-again ─ answered ─► due
 *                                               │              │   │
 *   offering, idle ─ refused ─► paused ─ wanted ─► paused-due ◄─ refused ┘ (due, too)
 *                           └─ elapsed, heard ─► idle          │
 *   offering, offering-again ─ collided ─► collided ─ elapsed ─► due
 *
 *   idle, paused ─ asked ─► asked ─ answered, withdrawn ─► idle
 *                             │ wanted
 *                             ▼
 *   due, paused-due, ─ asked ─► asked-due ─ answered, withdrawn ─► due
 *   collided
 *
 *   any state ─ closed ─► closed
 *
 * `asked`: our offer is in the answer to a re-INVITE without one, and the ACK is to bring the far end's answer. `collided` is
 * glare (491, RFC 3261 §14.1): only its own time ends it. `paused` is after an offer that was refused or could not be sent: a
 * sign of life from the far end (`heard`, `asked`) ends it early.
 */
export const offerStates = [
  'early',
  'early-due',
  'idle',
  'due',
  'offering',
  'offering-again',
  'paused',
  'paused-due',
  'collided',
  'asked',
  'asked-due',
  'closed',
] as const;
export type OfferState = (typeof offerStates)[number];

export const offerInputs = [
  /** What the leg receives has changed. */
  'wanted',
  /** Both sides know of the dialog. */
  'confirmed',
  /** The offer that was due is being made. */
  'begun',
  'answered',
  /** It came to nothing, or its answer cannot be used. */
  'refused',
  /** It met one of the far end's (491). */
  'collided',
  /** The wait after a refusal or a collision is over. */
  'elapsed',
  /** The far end made an offer of its own, which was answered. */
  'heard',
  /** The far end wants an offer, in the answer to its INVITE. */
  'asked',
  /** The offer that it wanted is given up: no ACK brought an answer. */
  'withdrawn',
  'closed',
] as const;
export type OfferInput = (typeof offerInputs)[number];

const table: Readonly<Record<OfferState, Partial<Record<OfferInput, OfferState>>>> = {
  early: { wanted: 'early-due', confirmed: 'idle' },
  'early-due': { confirmed: 'due' },
  idle: { wanted: 'due', asked: 'asked', refused: 'paused' },
  due: { begun: 'offering', asked: 'asked-due', refused: 'paused-due' },
  offering: { wanted: 'offering-again', answered: 'idle', refused: 'paused', collided: 'collided' },
  'offering-again': { answered: 'due', refused: 'paused-due', collided: 'collided' },
  paused: { wanted: 'paused-due', elapsed: 'idle', heard: 'idle', asked: 'asked' },
  'paused-due': { elapsed: 'due', heard: 'due', asked: 'asked-due' },
  collided: { elapsed: 'due', asked: 'asked-due' },
  asked: { wanted: 'asked-due', answered: 'idle', withdrawn: 'idle' },
  'asked-due': { answered: 'due', withdrawn: 'due' },
  closed: {},
};

/** The state after the input: the same where the input means nothing in it. */
export function nextOfferState(state: OfferState, input: OfferInput): OfferState {
  return input === 'closed' ? 'closed' : (table[state][input] ?? state);
}

/**
 * What becomes of an offer of the far end, or of its wish for one of ours. `take`: it has its turn. `collide`: 491, for ours is
 * open (RFC 3261 §14.2, RFC 3311 §5.2). `overtake`: ours is given up, for only an ACK that was lost can have brought its answer:
 * nobody begins another INVITE before the one before it is over (RFC 3261 §14.1).
 */
export type Reception = 'take' | 'collide' | 'overtake';

export function receptionOf(state: OfferState, method: 'INVITE' | 'UPDATE'): Reception {
  switch (state) {
    case 'offering':
    case 'offering-again':
      return 'collide';
    case 'asked':
    case 'asked-due':
      return method === 'INVITE' ? 'overtake' : 'collide';
    default:
      return 'take';
  }
}
