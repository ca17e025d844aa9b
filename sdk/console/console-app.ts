/** What the page can do. Each action tells the gateway, and the gateway's events bring the page up to date. */
import { EventStream } from './event-stream.js';
import { ApiError, GatewayApi, type Account, type NewParticipant } from './gateway-api.js';
import {
  nameOf,
  sessionName,
  type GatewayEvent,
  type Participant,
  type PhoneCall,
  type Session,
} from './model.js';
import { OwnCall, stopTracks } from './own-call.js';
import { initialState, type CallInSound, type Dialog, type State } from './state.js';
import { toggled, withMode, type Mode, type Subscriptions } from './subscriptions.js';
import { Store } from './view/store.js';

const storageKey = 'landbridge-account';
const maxLogEntries = 200;
const toastMs = 8000;
const refreshDelayMs = 60;
const phoneTones: Readonly<Record<CallInSound, number | undefined>> = {
  voice: undefined,
  low: 440,
  high: 880,
};

interface Slot {
  readonly participantId: string;
  readonly token: string;
}

export class ConsoleApp {
  readonly store = new Store<State>(initialState);
  #api: GatewayApi | undefined;
  #events: EventStream | undefined;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  #refreshing: Promise<void> | undefined;
  #toastId = 0;
  /** Changes of subscriptions, in the order of the clicks. */
  #writes: Promise<void> = Promise.resolve();
  /** Rises when such a change begins and when it ends: what was asked for in between is out of date. */
  #writeRevision = 0;
  /** Tokens of the participants that this page made for itself, by session, so that joining again needs no new one. */
  readonly #ownSlots = new Map<string, Slot>();
  readonly #phoneSlots = new Map<string, Slot[]>();

  get state(): State {
    return this.store.state;
  }

  async start(): Promise<void> {
    this.selectFromAddress();
    const stored = sessionStorage.getItem(storageKey);
    if (stored !== null) await this.signIn(JSON.parse(stored) as Account);
  }

  async signIn(account: Account): Promise<void> {
    const api = new GatewayApi(account);
    await this.#busy('sign-in', async () => {
      try {
        await api.listSessions();
      } catch (error) {
        sessionStorage.removeItem(storageKey);
        this.store.update({ signInError: signInMessage(error) });
        return;
      }
      sessionStorage.setItem(storageKey, JSON.stringify(account));
      this.#api = api;
      this.store.update({ account, signInError: null });
      this.#events = new EventStream({
        api,
        onEvent: (event) => this.#onEvent(event),
        onGap: () => this.refresh(),
        onState: (stream) => {
          this.store.update({ stream });
          // What happened during a break is seen at once, whether the gateway remembers it or not.
          if (stream === 'open') this.refresh();
        },
        onUnauthorized: () => this.signOut('The credentials no longer hold.'),
      });
      await this.#load();
    });
  }

  signOut(message: string | null = null): void {
    sessionStorage.removeItem(storageKey);
    this.#events?.close();
    this.#events = undefined;
    this.#api = undefined;
    clearTimeout(this.#refreshTimer);
    void this.state.call?.leave();
    this.#ownSlots.clear();
    this.#phoneSlots.clear();
    this.store.update({ ...initialState, selectedId: this.state.selectedId, signInError: message });
  }

  /** The address names the session, so that it can be linked to and the back button works. */
  selectFromAddress(): void {
    const id = /^#\/sessions\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
    if (id === this.state.selectedId) return;
    this.store.update({ selectedId: id, members: null });
    if (this.#api !== undefined) void this.#load();
  }

  async createSession(tag: string): Promise<void> {
    await this.#act('create-session', async (api) => this.#select((await api.createSession(tag)).id));
  }

  deleteSession(sessionId: string): Promise<void> {
    return this.#act(`delete-session ${sessionId}`, async (api) => {
      if (this.state.call?.sessionId === sessionId) await this.state.call.leave();
      await api.deleteSession(sessionId);
      if (this.state.selectedId === sessionId) location.hash = '';
    });
  }

  /** The first steps in one: a session, and this browser in it. */
  async quickStart(): Promise<void> {
    await this.#act('join', async (api) => {
      const microphone = await OwnCall.openMicrophone();
      const { id } = await api.createSession(this.#quickStartName());
      this.#select(id);
      await this.#join(api, id, microphone);
    });
  }

  async join(sessionId: string): Promise<void> {
    await this.#act('join', async (api) => this.#join(api, sessionId, await OwnCall.openMicrophone()));
  }

  async leave(): Promise<void> {
    await this.#act('leave', async () => this.state.call?.leave());
  }

  async toggleCamera(): Promise<void> {
    await this.#act('camera', async () => this.state.call?.toggleCamera());
  }

  toggleMute(): void {
    this.state.call?.toggleMute();
  }

  chooseCallInSound(callInSound: CallInSound): void {
    this.store.update({ callInSound });
  }

  callIn(sessionId: string): Promise<void> {
    return this.#act('call-in', async (api) => {
      const slots = this.#phoneSlots.get(sessionId) ?? [];
      this.#phoneSlots.set(sessionId, slots);
      let slot = slots.find(({ participantId }) => this.#isFree(sessionId, participantId));
      if (slot === undefined) {
        const displayName = this.#freeName('Phone caller');
        slot = await this.#create(api, sessionId, {
          tag: 'phone',
          displayName,
          publishPermissions: ['AUDIO'],
        });
        slots.push(slot);
      }
      const call = await api.startPhoneCall(slot.token, phoneTones[this.state.callInSound]);
      this.#setPhoneCall(slot.participantId, call.id);
      await this.#awaitAnswer(api, call);
    });
  }

  /** As the caller would. */
  hangUpPhone(participantId: string): Promise<void> {
    return this.#act(`hang-up ${participantId}`, async (api) => {
      const callId = this.state.phoneCalls.get(participantId);
      this.#setPhoneCall(participantId, undefined);
      if (callId !== undefined) await api.endPhoneCall(callId);
    });
  }

  endLeg(legId: string): Promise<void> {
    return this.#act(`end ${legId}`, (api) => api.endLeg(legId));
  }

  addParticipant(sessionId: string, participant: NewParticipant): Promise<void> {
    return this.#act('add-participant', async (api) => {
      const created = await api.createParticipant(participant);
      await api.addToSession(sessionId, created.participant.id, { sessionId });
      this.store.update({ dialog: { kind: 'credentials', created } });
    });
  }

  addToSession(sessionId: string, participantId: string): Promise<void> {
    return this.#act(`add ${participantId}`, (api) =>
      api.addToSession(sessionId, participantId, { sessionId }),
    );
  }

  removeFromSession(sessionId: string, participantId: string): Promise<void> {
    return this.#act(`remove ${participantId}`, (api) => api.removeFromSession(sessionId, participantId));
  }

  deleteParticipant(participantId: string): Promise<void> {
    return this.#act(`delete ${participantId}`, (api) => api.deleteParticipant(participantId));
  }

  toggleSubscription(sessionId: string, listenerId: string, speakerId: string): Promise<void> {
    return this.#subscribe(sessionId, listenerId, (subscriptions, memberIds) =>
      toggled(subscriptions, memberIds, listenerId, speakerId),
    );
  }

  setMode(sessionId: string, listenerId: string, mode: Mode): Promise<void> {
    return this.#subscribe(sessionId, listenerId, (subscriptions, memberIds) =>
      withMode(mode, subscriptions, sessionId, memberIds, listenerId),
    );
  }

  showDialog(dialog: Dialog | null): void {
    this.store.update({ dialog });
  }

  async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.toast('info', `${what} copied.`);
    } catch {
      this.toast('error', 'The browser does not allow copying; select the text instead.');
    }
  }

  toast(tone: 'error' | 'info', text: string): void {
    const id = (this.#toastId += 1);
    this.store.update({ toasts: [...this.state.toasts.slice(-3), { id, tone, text }] });
    setTimeout(() => this.dismissToast(id), toastMs);
  }

  dismissToast(id: number): void {
    this.store.update({ toasts: this.state.toasts.filter((toast) => toast.id !== id) });
  }

  clearLog(): void {
    this.store.update({ log: [] });
  }

  /** Soon; a burst of events makes one. */
  refresh(): void {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => void this.#load(), refreshDelayMs);
  }

  async #load(): Promise<void> {
    // One at a time, and once more where something happened meanwhile: an older answer must not win.
    while (this.#refreshing !== undefined) await this.#refreshing;
    this.#refreshing = this.#loadNow().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  async #loadNow(): Promise<void> {
    const api = this.#api;
    if (api === undefined) return;
    const { selectedId } = this.state;
    const writeRevision = this.#writeRevision;
    try {
      const [sessions, participants, legs, members] = await Promise.all([
        api.listSessions(),
        api.listParticipants(),
        api.listLegs(),
        selectedId === null ? null : api.listMembers(selectedId).catch(noneWhereGone),
      ]);
      if (api !== this.#api) return;
      this.store.update({
        sessions,
        participants,
        legs,
        names: this.#names(sessions, [...participants, ...(members ?? [])]),
      });
      // An answer from before a click must not undo what the click shows; the change loads anew when it is done.
      if (selectedId === this.state.selectedId && writeRevision === this.#writeRevision) {
        this.store.update({ members });
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.signOut('The credentials no longer hold.');
      // Unreachable: the event stream says so in the header, and refreshes when it is back.
    }
  }

  #names(sessions: readonly Session[], participants: readonly Participant[]): ReadonlyMap<string, string> {
    const { log, names } = this.state;
    const spokenOf = new Set(log.flatMap(({ participantId, sessionId }) => [participantId, sessionId]));
    return new Map([
      ...[...names].filter(([id]) => spokenOf.has(id)),
      ...sessions.map((session) => [session.id, sessionName(session)] as const),
      ...participants.map((participant) => [participant.id, nameOf(participant)] as const),
    ]);
  }

  #onEvent(event: GatewayEvent): void {
    this.store.update({ log: [...this.state.log.slice(1 - maxLogEntries), event] });
    if (event.type === 'call.ended' && event.participantId !== null)
      this.#setPhoneCall(event.participantId, undefined);
    this.refresh();
  }

  #select(sessionId: string): void {
    location.hash = `#/sessions/${sessionId}`;
    this.selectFromAddress();
  }

  async #join(api: GatewayApi, sessionId: string, microphone: MediaStream): Promise<void> {
    try {
      await this.state.call?.leave();
      let slot = this.#ownSlots.get(sessionId);
      if (slot === undefined || !this.#isMember(slot.participantId)) {
        slot = await this.#create(api, sessionId, {
          tag: 'console',
          displayName: this.#freeName('Console'),
        });
        this.#ownSlots.set(sessionId, slot);
      }
      const { participantId, token } = slot;
      const call = await OwnCall.open(token, microphone, {
        participantId,
        sessionId,
        onChange: () => this.store.update({ callRevision: this.state.callRevision + 1 }),
        onEnded: ({ by, reason }) => {
          this.store.update({ call: null });
          if (by !== 'local')
            this.toast(by === 'network' ? 'error' : 'info', `Your connection ended: ${reason}.`);
        },
      });
      this.store.update({ call });
    } catch (error) {
      stopTracks(microphone);
      throw error;
    }
  }

  async #create(api: GatewayApi, sessionId: string, participant: NewParticipant): Promise<Slot> {
    const created = await api.createParticipant(participant);
    await api.addToSession(sessionId, created.participant.id, { sessionId });
    return { participantId: created.participant.id, token: created.token };
  }

  #quickStartName(): string {
    if (this.state.sessions?.length === 0) return 'First session';
    return `Session at ${new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })}`;
  }

  /** `Console`, `Console 2`, … whichever no member has. */
  #freeName(base: string): string {
    const taken = new Set(this.state.members?.map(nameOf));
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base} ${number}`;
    return name;
  }

  #isMember(participantId: string): boolean {
    return this.state.members?.some(({ id }) => id === participantId) ?? false;
  }

  #isFree(sessionId: string, participantId: string): boolean {
    const { legs, selectedId } = this.state;
    return (
      selectedId === sessionId &&
      this.#isMember(participantId) &&
      !legs.some((leg) => leg.participantId === participantId && leg.state !== 'ended')
    );
  }

  #setPhoneCall(participantId: string, callId: string | undefined): void {
    const phoneCalls = new Map(this.state.phoneCalls);
    if (callId === undefined) phoneCalls.delete(participantId);
    else phoneCalls.set(participantId, callId);
    this.store.update({ phoneCalls });
  }

  /** The refusal of a call is known only to the phone; a call that is up is known by its events. */
  async #awaitAnswer(api: GatewayApi, call: PhoneCall): Promise<void> {
    let { state, reason } = call;
    for (let asked = 0; state === 'calling' && asked < 40; asked += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      ({ state, reason } = { ...(await api.getPhoneCall(call.id)) });
    }
    if (state === 'ended' && reason !== undefined && reason !== 'hangup') {
      this.toast('error', `The call ended: ${reason}.`);
    }
  }

  /** Every click counts: shown at once, written one after the other, and the gateway has the last word. */
  async #subscribe(
    sessionId: string,
    listenerId: string,
    change: (subscriptions: Subscriptions, memberIds: readonly string[]) => Subscriptions,
  ): Promise<void> {
    const api = this.#api;
    if (api === undefined) return;
    const members = this.state.members ?? [];
    const listener = members.find(({ id }) => id === listenerId);
    const subscriptions = change(
      listener?.subscriptions ?? {},
      members.map(({ id }) => id),
    );
    this.store.update({
      members: members.map((member) => (member.id === listenerId ? { ...member, subscriptions } : member)),
    });
    this.#writeRevision += 1;
    this.#writes = this.#writes
      .then(() => api.setSubscriptions(sessionId, listenerId, subscriptions))
      .catch((error: unknown) => this.toast('error', messageOf(error)))
      .finally(() => {
        this.#writeRevision += 1;
        this.refresh();
      });
    await this.#writes;
  }

  /** Does something once at a time, says what went wrong, and looks at the state afterwards. */
  async #act(name: string, action: (api: GatewayApi) => Promise<unknown>): Promise<void> {
    const api = this.#api;
    if (api === undefined || this.state.busy.has(name)) return;
    await this.#busy(name, async () => {
      try {
        await action(api);
      } catch (error) {
        this.toast('error', messageOf(error));
      }
    });
    this.refresh();
  }

  async #busy(name: string, action: () => Promise<void>): Promise<void> {
    this.store.update({ busy: new Set([...this.state.busy, name]) });
    try {
      await action();
    } finally {
      this.store.update({ busy: new Set([...this.state.busy].filter((other) => other !== name)) });
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function signInMessage(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 401) return 'The user name or the password is wrong.';
  return error.status === 403 ? 'This user has no such account.' : error.message;
}

/** The selected session may be gone already. */
function noneWhereGone(error: unknown): null {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}
