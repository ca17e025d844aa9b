/**
 * The life of a dialog (RFC 3261 §12, §15), as a table of states.
 *
 *            2xx                  BYE of ours
 *   early ─────────► confirmed ───────────────► ending ─────► terminated
 *     │ │                │        on its way,     │ sent, or given up ▲
 *     │ └────────────────┼──────► or held back ───┘                   │
 *     │  BYE of ours     │        until the ACK                       │
 *     └──────────────────┴────────────────────────────────────────────┘
 *       refused, cancelled; BYE of the peer; forgotten by the peer
 *
 * A 2xx changes nothing once a BYE of ours is under way, and no dialog comes back from `terminated`: a fork that answers
 * after all makes a new one (§13.2.2.4).
 */
export const dialogStates = ['early', 'confirmed', 'ending', 'terminated'] as const;
export type DialogState = (typeof dialogStates)[number];

export const dialogInputs = ['accepted', 'bye', 'over'] as const;
/** `accepted`: a 2xx to the INVITE. `bye`: we are about to send BYE. `over`: nothing more needs to be sent. */
export type DialogInput = (typeof dialogInputs)[number];

const table: Readonly<Record<DialogState, Partial<Record<DialogInput, DialogState>>>> = {
  early: { accepted: 'confirmed', bye: 'ending', over: 'terminated' },
  confirmed: { bye: 'ending', over: 'terminated' },
  ending: { over: 'terminated' },
  terminated: {},
};

/** The state after the input: the same where the input means nothing in it. */
export function nextDialogState(state: DialogState, input: DialogInput): DialogState {
  return table[state][input] ?? state;
}
