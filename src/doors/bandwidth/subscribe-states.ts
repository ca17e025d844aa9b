/**
 * Where the negotiation of what a device receives stands. Offers go one way, and one at a time.
 *
 *         attach         want             offered              answered
 *   away ───────► idle ──────► offering ──────────► awaiting ──────────► accepting
 *    ▲            ▲ ▲ ▲            │ failed            │                   │  │
 *    │ detach     │ │ └────────────┼───────────────────┘ unanswered        │  │
 *    │            │ └─ resume ─ pausing ◄───────────────────────── failed ─┘  │
 *    │            └────────────────────────────── accepted ───────────────────┘
 *    │
 *    ├── offering-away  ◄─ detach ─ offering      attach: back to where it was
 *    └── accepting-away ◄─ detach ─ accepting     offered, accepted, failed: away
 *
 * `attach` over another connection leads back to `idle` from `awaiting` and `pausing`: nothing that was said before counts.
 * The two `-away` states are there because the media plane cannot be called back from its work: it is asked for nothing else
 * until it has ended. `closed` follows from everywhere, and nothing follows from it.
 */
export type SubscribeState =
  | 'away'
  | 'idle'
  | 'offering'
  | 'awaiting'
  | 'accepting'
  | 'pausing'
  | 'offering-away'
  | 'accepting-away'
  | 'closed';

export type SubscribeEvent =
  /** The device can be told, over a connection that may be another one than before. */
  | 'attach'
  /** The device cannot be told. */
  | 'detach'
  /** What it receives is not what it was last offered. */
  | 'want'
  /** The media plane has made the offer. */
  | 'offered'
  /** The device has answered it. */
  | 'answered'
  /** The device has not answered it in time. */
  | 'unanswered'
  /** The media plane has taken the answer. */
  | 'accepted'
  /** The media plane could not do what it was asked. */
  | 'failed'
  /** The pause after a failure is over. */
  | 'resume'
  | 'close';

type Edges = Readonly<Partial<Record<SubscribeEvent, SubscribeState>>>;

const edges: Readonly<Record<SubscribeState, Edges>> = {
  away: { attach: 'idle', close: 'closed' },
  idle: { attach: 'idle', want: 'offering', detach: 'away', close: 'closed' },
  offering: { offered: 'awaiting', failed: 'pausing', detach: 'offering-away', close: 'closed' },
  awaiting: {
    answered: 'accepting',
    unanswered: 'idle',
    attach: 'idle',
    detach: 'away',
    close: 'closed',
  },
  accepting: { accepted: 'idle', failed: 'pausing', detach: 'accepting-away', close: 'closed' },
  pausing: { resume: 'idle', attach: 'idle', detach: 'away', close: 'closed' },
  'offering-away': { attach: 'offering', offered: 'away', failed: 'away', close: 'closed' },
  'accepting-away': { attach: 'accepting', accepted: 'away', failed: 'away', close: 'closed' },
  closed: {},
};

/** Null where the event changes nothing in this state. */
export function nextState(state: SubscribeState, event: SubscribeEvent): SubscribeState | null {
  return edges[state][event] ?? null;
}
