/**
 * What our probes say of a drachtio-server's hearing, as a table of states.
 *
 *   unproven ─ lost ─► unreachable        no probe ever came back from where it is now: that says nothing of the server
 *      │ heard              │ heard
 *      └───────► hears ◄────┘
 *               ▲  │ ▲ └─ ignored ─► lossy      probes are lost though it is alive: it is flooded, or its SIP is broken
 *        heard  │  │ └───── heard ─────┤
 *               │  └─ lost ─► deaf ◄───┘ lost
 *               └──────────────┘
 *   hears, lossy, deaf, unreachable ─ moved ─► unproven
 *
 * `lost` and `ignored` stand for as many probes in a row as make a server deaf.
 */
export const hearings = ['unproven', 'unreachable', 'hears', 'lossy', 'deaf'] as const;
export type Hearing = (typeof hearings)[number];

export const hearingInputs = [
  /** A probe came back. */
  'heard',
  /** Probes were lost, and nothing else shows that the server is alive. */
  'lost',
  /** Probes were lost, but the server is alive: it told us of requests meanwhile, and answers on its admin connection. */
  'ignored',
  /** It is at another address than before. */
  'moved',
] as const;
export type HearingInput = (typeof hearingInputs)[number];

const table: Readonly<Record<Hearing, Partial<Record<HearingInput, Hearing>>>> = {
  unproven: { heard: 'hears', lost: 'unreachable' },
  unreachable: { heard: 'hears', moved: 'unproven' },
  hears: { lost: 'deaf', ignored: 'lossy', moved: 'unproven' },
  lossy: { heard: 'hears', lost: 'deaf', moved: 'unproven' },
  deaf: { heard: 'hears', moved: 'unproven' },
};

/** The state after the input: the same where the input means nothing in it. */
export function nextHearing(hearing: Hearing, input: HearingInput): Hearing {
  return table[hearing][input] ?? hearing;
}
