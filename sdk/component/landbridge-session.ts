/**
 * `<landbridge-session token="…">`: a whole client in one element. It asks before it joins, shows who is there, and says
 * what went wrong.
 */
import type { Connection, Disconnection } from '../src/api.js';
import { connect } from '../src/connect.js';
import { openMicrophone } from '../src/devices.js';
import { LandbridgeError } from '../src/errors.js';
import { CallView } from './call-view.js';
import { element } from './element.js';
import { stopTracks } from './own-media.js';
import { endText, needsNewInvitation, problemText } from './problem-text.js';
import { styles } from './styles.js';
import { button } from './toolbar.js';

export interface JoinOptions {
  /** False: listens, and sends nothing until the person turns the microphone on. Default true. */
  readonly microphone?: boolean;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(styles);

export class LandbridgeSession extends HTMLElement {
  static readonly observedAttributes = ['token'];

  readonly #frame = element('div', { class: 'frame' });
  readonly #announcer = element('div', { class: 'sr-only', 'aria-live': 'polite' });
  #connection: Connection | undefined;
  #call: CallView | undefined;
  /** Ends joining that is under way. */
  #joining: AbortController | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#frame, this.#announcer);
  }

  /** What the SDK gives for the session that is joined: for whatever else the page wants to do in it. */
  get connection(): Connection | null {
    return this.#connection ?? null;
  }

  /** STUN and TURN servers, as `POST /participants` gave them; for the next time that it joins. */
  iceServers: readonly RTCIceServer[] = [];

  get token(): string {
    return this.getAttribute('token') ?? '';
  }

  set token(token: string) {
    this.setAttribute('token', token);
  }

  connectedCallback(): void {
    this.#showLobby();
    if (this.hasAttribute('autojoin') && this.token !== '') void this.join();
  }

  /** An element that is moved within the page leaves too: what plays in it stops anyway. */
  disconnectedCallback(): void {
    void this.leave();
  }

  /** Another token is another participant: who is in a session leaves it. */
  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    void this.leave().then(() => {
      this.#showLobby();
      if (this.hasAttribute('autojoin') && this.token !== '') void this.join();
    });
  }

  /** Resolves once joined, or when that failed: then the element says why, and an `error` event tells it. */
  async join({ microphone = true }: JoinOptions = {}): Promise<void> {
    if (this.#connection !== undefined || this.#joining !== undefined) return;
    const joining = new AbortController();
    this.#joining = joining;
    this.#showJoining(microphone);
    let opened: MediaStream | undefined;
    try {
      if (microphone) opened = await openMicrophone();
      const connection = await connect(this.token, {
        url: this.getAttribute('url') ?? new URL('/sip', import.meta.url),
        iceServers: this.iceServers,
        signal: joining.signal,
      });
      this.#enter(connection);
      if (opened !== undefined) await this.#call?.own.publishMicrophone(opened);
      this.#dispatch('joined', { connection });
    } catch (error) {
      if (opened !== undefined) stopTracks(opened);
      if (joining.signal.aborted) return;
      await this.leave();
      this.#showLobby(error);
      this.#tellError(error);
    } finally {
      if (this.#joining === joining) this.#joining = undefined;
    }
  }

  /** Leaves the session, or gives up joining it. Resolves once the gateway knows. */
  async leave(): Promise<void> {
    this.#joining?.abort();
    this.#joining = undefined;
    await this.#connection?.disconnect();
  }

  get #hasFocus(): boolean {
    return (this.shadowRoot?.activeElement ?? null) !== null;
  }

  #enter(connection: Connection): void {
    this.#connection = connection;
    const call = new CallView({
      connection,
      audioOnly: this.hasAttribute('audio-only'),
      announce: (text) => this.#announce(text),
      onProblem: (error) => this.#showProblem(error),
      onLeave: () => void this.leave(),
    });
    this.#call = call;
    connection.on('disconnected', (disconnection) => this.#left(disconnection));
    const hadFocus = this.#hasFocus;
    this.#frame.replaceChildren(call.root);
    if (hadFocus) call.focus();
    this.#announce('You have joined.');
  }

  #left(disconnection: Disconnection): void {
    const hadFocus = this.#hasFocus;
    this.#call?.close();
    this.#call = undefined;
    this.#connection = undefined;
    if (this.isConnected && this.#joining === undefined) this.#showLobby(undefined, disconnection, hadFocus);
    this.#dispatch('left', disconnection);
  }

  #showLobby(error?: unknown, ended?: Disconnection, focus = error !== undefined): void {
    const join = button(ended === undefined ? 'Join' : 'Join again', 'mic', () => void this.join(), {
      part: 'join-button',
      look: 'primary',
    });
    const listen = button('Listen only', 'sound', () => void this.join({ microphone: false }), {
      part: 'listen-button',
    });
    const hasToken = this.token !== '';
    join.disabled = !hasToken;
    listen.disabled = !hasToken;
    const isOver = needsNewInvitation(error ?? ended?.reason);
    const heading = element('h2', isOver ? { tabindex: '-1' } : {}, headingOf(error, ended));
    this.#frame.replaceChildren(
      element(
        'div',
        { class: 'lobby', part: 'lobby' },
        heading,
        error === undefined
          ? element('p', {}, lobbyText(hasToken, isOver))
          : element('div', { class: 'problem', part: 'problem', role: 'alert' }, problemText(error)),
        isOver ? undefined : element('div', { class: 'actions' }, join, listen),
      ),
    );
    if (ended !== undefined) this.#announce(endText(ended));
    if (focus) (isOver ? heading : join).focus();
  }

  #showJoining(microphone: boolean): void {
    const hadFocus = this.#hasFocus;
    const cancel = button(
      'Cancel',
      undefined,
      () => {
        void this.leave();
        this.#showLobby(undefined, undefined, true);
      },
      { part: 'cancel-button' },
    );
    this.#frame.replaceChildren(
      element(
        'div',
        { class: 'lobby', part: 'lobby' },
        element('h2', { role: 'status' }, 'Joining…'),
        element(
          'p',
          {},
          microphone ? 'Allow the microphone if your browser asks.' : 'You will hear the others.',
        ),
        element('div', { class: 'actions' }, cancel),
      ),
    );
    if (hadFocus) cancel.focus();
  }

  #showProblem(error: unknown): void {
    this.#tellError(error);
    const { root } = this.#call ?? {};
    if (root === undefined) return;
    root.querySelector(':scope > .problem')?.remove();
    const problem = element('div', { class: 'problem', part: 'problem', role: 'alert' }, problemText(error));
    const dismiss = button('Dismiss', 'close', () => problem.remove(), {
      part: 'dismiss-button',
      look: 'plain',
    });
    dismiss.querySelector('span')?.classList.add('sr-only');
    problem.append(dismiss);
    root.prepend(problem);
  }

  #tellError(error: unknown): void {
    const { message } = error instanceof Error ? error : { message: String(error) };
    const code = error instanceof LandbridgeError ? error.code : 'refused';
    this.#dispatch('error', { code, message, error });
  }

  #announce(text: string): void {
    this.#announcer.append(element('p', {}, text));
    while (this.#announcer.childElementCount > 5) this.#announcer.firstElementChild?.remove();
  }

  #dispatch(name: 'joined' | 'left' | 'error', detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

if (customElements.get('landbridge-session') === undefined)
  customElements.define('landbridge-session', LandbridgeSession);

function lobbyText(hasToken: boolean, isOver: boolean): string {
  if (isOver) return 'To come back, ask for a new invitation.';
  return hasToken ? 'Your browser will ask for the microphone.' : 'There is no invitation yet.';
}

function headingOf(error: unknown, ended: Disconnection | undefined): string {
  if (error !== undefined) return 'You have not joined';
  return ended === undefined ? 'Ready to join?' : endText(ended);
}
