/** All that the page shows. */
import type { Account } from './gateway-api.js';
import type { StreamState } from './event-stream.js';
import type { GatewayState } from './gateway-state.js';
import type { CreatedParticipant, GatewayEvent, Leg, Participant, Session, SessionStream } from './model.js';
import type { OwnCall } from './own-call.js';

export interface Toast {
  readonly id: number;
  readonly tone: 'error' | 'info';
  readonly text: string;
}

export type CallInSound = 'voice' | 'low' | 'high';

export type Dialog =
  | { readonly kind: 'add-participant' }
  | { readonly kind: 'credentials'; readonly created: CreatedParticipant }
  | {
      readonly kind: 'confirm';
      readonly title: string;
      readonly text: string;
      readonly action: string;
      readonly confirm: () => Promise<void>;
    };

export interface State {
  readonly account: Account | null;
  readonly signInError: string | null;
  readonly stream: StreamState;
  readonly gateway: GatewayState;
  /** Null until loaded. */
  readonly sessions: readonly Session[] | null;
  readonly participants: readonly Participant[];
  readonly legs: readonly Leg[];
  readonly selectedId: string | null;
  /** Null until loaded. */
  readonly members: readonly Participant[] | null;
  /** Those of the selected session. */
  readonly streams: readonly SessionStream[];
  readonly call: OwnCall | null;
  /** Rises when the call's own facts change. */
  readonly callRevision: number;
  /** Console phone calls by participant id. */
  readonly phoneCalls: ReadonlyMap<string, string>;
  readonly callInSound: CallInSound;
  /** What is being done now; buttons that would do it again are disabled. */
  readonly busy: ReadonlySet<string>;
  readonly log: readonly GatewayEvent[];
  /** Names of participants and sessions by id, also of those that are gone while the log speaks of them. */
  readonly names: ReadonlyMap<string, string>;
  readonly dialog: Dialog | null;
  readonly toasts: readonly Toast[];
}

export const initialState: State = {
  account: null,
  signInError: null,
  stream: 'connecting',
  gateway: { is: 'unasked' },
  sessions: null,
  participants: [],
  legs: [],
  selectedId: null,
  members: null,
  streams: [],
  call: null,
  callRevision: 0,
  phoneCalls: new Map(),
  callInSound: 'voice',
  busy: new Set(),
  log: [],
  names: new Map(),
  dialog: null,
  toasts: [],
};

/** The legs that are connected, by participant. */
export function legsByParticipant({ legs }: State): ReadonlyMap<string, Leg> {
  return new Map(legs.filter(({ state }) => state !== 'ended').map((leg) => [leg.participantId, leg]));
}
