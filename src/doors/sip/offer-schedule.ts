/**
 * When an offer of ours may go out within a dialog, as a table of states: one at a time, none before the dialog is confirmed,
 * and none too soon after one that came to nothing.
 *
 *   early ──── confirmed ───► idle ─ wanted ─► due ─ begun ─► offering ─ answered ─► idle
 *     │ wanted                 ▲                ▲              │   │ wanted
 *     ▼                        │                │ elapsed,     │   ▼
 *   early-due ─ confirmed ─► due                │ heard        │  offering-again ─ answered ─► due
 *                                               │              │   │
 *   offering ─ refused ─► paused ─ wanted ─► paused-due ◄─ refused ┘
 *                           └─ elapsed, heard ─► idle          │
 *   offering, offering-again ─ collided ─► collided ─ elapsed ─► due
 *
 *   any state ─ closed ─► closed
 *
 * `collided` is glare (491, RFC 3261 §14.1): only its own time ends it. `paused` is after an offer that was refused or could not
 * be sent: a sign of life from the far end (`heard`) ends it early.
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
  /** It came to nothing. */
  'refused',
  /** It met one of the far end's (491). */
  'collided',
  /** The wait after a refusal or a collision is over. */
  'elapsed',
  /** The far end made an offer of its own, which was answered. */
  'heard',
  'closed',
] as const;
export type OfferInput = (typeof offerInputs)[number];

const table: Readonly<Record<OfferState, Partial<Record<OfferInput, OfferState>>>> = {
  early: { wanted: 'early-due', confirmed: 'idle' },
  'early-due': { confirmed: 'due' },
  idle: { wanted: 'due' },
  due: { begun: 'offering' },
  offering: { wanted: 'offering-again', answered: 'idle', refused: 'paused', collided: 'collided' },
  'offering-again': { answered: 'due', refused: 'paused-due', collided: 'collided' },
  paused: { wanted: 'paused-due', elapsed: 'idle', heard: 'idle' },
  'paused-due': { elapsed: 'due', heard: 'due' },
  collided: { elapsed: 'due' },
  closed: {},
};

/** The state after the input: the same where the input means nothing in it. */
export function nextOfferState(state: OfferState, input: OfferInput): OfferState {
  return input === 'closed' ? 'closed' : (table[state][input] ?? state);
}
