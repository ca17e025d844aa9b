/** What the page can do. Each action tells the gateway, and the gateway's events bring the page up to date. */
import { ConsoleContext } from './console-context.js';
import { EventStream } from './event-stream.js';
import { GatewayWatch } from './gateway-state.js';
import { ApiError, GatewayApi, type Account, type NewParticipant } from './gateway-api.js';
import { createMember, freeName, isMember, type Slot } from './members.js';
import type { GatewayEvent, SessionStream } from './model.js';
import { OwnCall, stopTracks } from './own-call.js';
import { PhoneCallers } from './phone-callers.js';
import { StateLoader } from './state-loader.js';
import { initialState, type CallInSound, type Dialog, type State } from './state.js';
import { SubscriptionWrites } from './subscription-writes.js';
import { toggled, withMode, type Mode } from './subscriptions.js';
import type { Observed } from './view/observed.js';

const storageKey = 'landbridge-account';
const maxLogEntries = 200;

export class ConsoleApp {
  readonly #context = new ConsoleContext(() => this.refresh());
  readonly #loader = new StateLoader(this.#context, () => this.signOut('The credentials no longer hold.'));
  readonly #phoneCallers = new PhoneCallers(this.#context);
  readonly #subscriptionWrites = new SubscriptionWrites(this.#context, this.#loader);
  /** Participants that this page made for itself, by session, so that joining again needs no new one. */
  readonly #ownSlots = new Map<string, Slot>();
  #events: EventStream | undefined;
  #gateway: GatewayWatch | undefined;

  get store(): Observed<State> {
    return this.#context.store;
  }

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
    await this.#context.busy('sign-in', async () => {
      try {
        await api.listSessions();
      } catch (error) {
        sessionStorage.removeItem(storageKey);
        this.store.update({ signInError: signInMessage(error) });
        return;
      }
      sessionStorage.setItem(storageKey, JSON.stringify(account));
      this.#context.api = api;
      this.store.update({ account, signInError: null });
      this.#events = new EventStream({
        api,
        onEvent: (event) => this.#onEvent(event),
        onGap: () => this.refresh(),
        onState: (stream) => {
          this.store.update({ stream });
          // A stream that began or broke is a gateway that came or went.
          this.#gateway?.ask();
          // What happened during a break is seen at once, whether the gateway remembers it or not.
          if (stream === 'open') this.refresh();
        },
        onUnauthorized: () => this.signOut('The credentials no longer hold.'),
      });
      this.#gateway = new GatewayWatch(api, (gateway) => {
        if (this.state.gateway.is === 'away' && gateway.is !== 'away') this.#events?.hasten();
        this.store.update({ gateway });
      });
      await this.#loader.load();
    });
  }

  signOut(message: string | null = null): void {
    sessionStorage.removeItem(storageKey);
    this.#events?.close();
    this.#events = undefined;
    this.#gateway?.close();
    this.#gateway = undefined;
    this.#context.api = undefined;
    this.#loader.stop();
    void this.state.call?.leave();
    this.#ownSlots.clear();
    this.#phoneCallers.forget();
    this.store.update({ ...initialState, selectedId: this.state.selectedId, signInError: message });
  }

  /** The address names the session, so that it can be linked to and the back button works. */
  selectFromAddress(): void {
    const id = /^#\/sessions\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
    if (id === this.state.selectedId) return;
    this.store.update({ selectedId: id, members: null });
    if (this.#context.api !== undefined) void this.#loader.load();
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
    return this.#phoneCallers.callIn(sessionId);
  }

  /** As the caller would. */
  hangUpPhone(participantId: string): Promise<void> {
    return this.#phoneCallers.hangUp(participantId);
  }

  /** Nobody receives a muted stream, however they subscribe. */
  toggleStreamMute(sessionId: string, { participantId, alias, muted }: SessionStream): Promise<void> {
    return this.#act(`mute ${participantId} ${alias}`, (api) =>
      api.setMuted(sessionId, participantId, alias, !muted),
    );
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
    return this.#subscriptionWrites.change(sessionId, listenerId, (subscriptions, memberIds) =>
      toggled(subscriptions, memberIds, listenerId, speakerId),
    );
  }

  setMode(sessionId: string, listenerId: string, mode: Mode): Promise<void> {
    return this.#subscriptionWrites.change(sessionId, listenerId, (subscriptions, memberIds) =>
      withMode(mode, subscriptions, { sessionId, memberIds, listenerId }),
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
    this.#context.toast(tone, text);
  }

  dismissToast(id: number): void {
    this.#context.dismissToast(id);
  }

  clearLog(): void {
    this.store.update({ log: [] });
  }

  /** Soon; a burst of events makes one. */
  refresh(): void {
    this.#loader.refresh();
  }

  #onEvent(event: GatewayEvent): void {
    // Every ten seconds of each leg: it would fill the log, and is loaded with the legs.
    if (event.type === 'leg.quality') return;
    this.store.update({ log: [...this.state.log.slice(1 - maxLogEntries), event] });
    if (event.type === 'call.ended' && event.participantId !== null)
      this.#phoneCallers.ended(event.participantId);
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
      if (slot === undefined || !isMember(this.#context, slot.participantId)) {
        slot = await createMember(api, sessionId, {
          tag: 'console',
          displayName: freeName(this.#context, 'Console'),
        });
        this.#ownSlots.set(sessionId, slot);
      }
      const { participantId } = slot;
      const call = await OwnCall.open(slot, microphone, {
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

  #quickStartName(): string {
    if (this.state.sessions?.length === 0) return 'First session';
    return `Session at ${new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })}`;
  }

  #act(name: string, action: (api: GatewayApi) => Promise<unknown>): Promise<void> {
    return this.#context.act(name, action);
  }
}

function signInMessage(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 401) return 'The user name or the password is wrong.';
  return error.status === 403 ? 'This user has no such account.' : error.message;
}
