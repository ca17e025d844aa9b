/** Brings the page up to date with the gateway: soon after an event, and from time to time for what no event tells. */
import { noneWhereGone, type ConsoleContext } from './console-context.js';
import { ApiError } from './gateway-api.js';
import { nameOf, sessionName, type Participant, type Session } from './model.js';

const refreshDelayMs = 60;
/** The quality of live connections changes without an event. */
const qualityIntervalMs = 5000;

export class StateLoader {
  readonly #context: ConsoleContext;
  readonly #onUnauthorized: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<void> | undefined;
  /** Rises when a change by this page begins and when it ends: what was asked for in between is out of date. */
  #writeRevision = 0;

  constructor(context: ConsoleContext, onUnauthorized: () => void) {
    this.#context = context;
    this.#onUnauthorized = onUnauthorized;
  }

  /** Soon; a burst of events makes one. */
  refresh(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load(), refreshDelayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A change of what the members hear begins or ends. */
  written(): void {
    this.#writeRevision += 1;
  }

  async load(): Promise<void> {
    // One at a time, and once more where something happened meanwhile: an older answer must not win.
    while (this.#loading !== undefined) await this.#loading;
    this.#loading = this.#loadNow().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #loadNow(): Promise<void> {
    const { api, store, state } = this.#context;
    if (api === undefined) return;
    const { selectedId } = state;
    const writeRevision = this.#writeRevision;
    try {
      const [sessions, participants, legs, members, streams] = await Promise.all([
        api.listSessions(),
        api.listParticipants(),
        api.listLegs(),
        selectedId === null ? null : api.listMembers(selectedId).catch(noneWhereGone),
        selectedId === null ? null : api.listStreams(selectedId).catch(noneWhereGone),
      ]);
      if (api !== this.#context.api) return;
      store.update({
        sessions,
        participants,
        legs,
        names: this.#names(sessions, [...participants, ...(members ?? [])]),
      });
      if (selectedId === this.#context.state.selectedId) {
        store.update({ streams: streams ?? [] });
        // An answer from before a click must not undo what the click shows; the change loads anew when it is done.
        if (writeRevision === this.#writeRevision) store.update({ members });
      }
      if (legs.length > 0) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.load(), qualityIntervalMs);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onUnauthorized();
      // Unreachable: the event stream says so in the header, and refreshes when it is back.
    }
  }

  #names(sessions: readonly Session[], participants: readonly Participant[]): ReadonlyMap<string, string> {
    const { log, names } = this.#context.state;
    const spokenOf = new Set(log.flatMap(({ participantId, sessionId }) => [participantId, sessionId]));
    return new Map([
      ...[...names].filter(([id]) => spokenOf.has(id)),
      ...sessions.map((session) => [session.id, sessionName(session)] as const),
      ...participants.map((participant) => [participant.id, nameOf(participant)] as const),
    ]);
  }
}
