/** What is seen and heard of a session: the grid of tiles, and the buttons under it. */
import type { Connection, RemoteParticipant } from '../src/api.js';
import { DeviceMenu } from './device-menu.js';
import { element } from './element.js';
import { OwnMedia } from './own-media.js';
import { SpeechDetector } from './speech.js';
import { TileView, type TileContext } from './tile-view.js';
import { nameOf, tilesOf, type TileModel } from './tiles.js';
import { button, Toolbar } from './toolbar.js';

export interface CallViewOptions {
  readonly connection: Connection;
  readonly audioOnly: boolean;
  /** Said to screen readers, not shown. */
  readonly announce: (text: string) => void;
  readonly onProblem: (error: unknown) => void;
  readonly onLeave: () => void;
}

const outsideText =
  'You are in no session at the moment: nobody hears you, until somebody lets you in again.';

export class CallView {
  readonly root = element('div', { class: 'call' });
  readonly own: OwnMedia;
  readonly #options: CallViewOptions;
  readonly #grid = element('ul', { class: 'grid', part: 'grid', role: 'list', 'aria-label': 'Participants' });
  readonly #alone = element('li', { class: 'alone' });
  readonly #status = element('div', { class: 'banner', part: 'status', role: 'status' });
  readonly #soundBlocked: HTMLElement;
  readonly #toolbar: Toolbar;
  readonly #menu: DeviceMenu;
  readonly #speech = new SpeechDetector();
  readonly #tiles = new Map<string, TileView>();
  readonly #context: TileContext;
  #speakerId = '';
  /** One action of the person's at a time; a second press while one is under way does nothing. */
  #isBusy = false;

  constructor(options: CallViewOptions) {
    this.#options = options;
    const { connection, audioOnly } = options;
    this.own = new OwnMedia(connection, () => this.#show());
    this.#context = {
      speech: this.#speech,
      speakerId: () => this.#speakerId,
      onSoundBlocked: () => {
        this.#soundBlocked.hidden = false;
      },
    };
    this.#soundBlocked = element(
      'div',
      { class: 'banner', role: 'alert', hidden: true },
      'Your browser has not turned the sound on yet.',
      button('Turn on sound', 'sound', () => this.#turnOnSound(), { part: 'sound-button', look: 'primary' }),
    );
    this.#menu = new DeviceMenu({
      hasCamera: !audioOnly,
      current: () => ({
        microphone: deviceOf(this.own.microphone?.mediaStream),
        camera: deviceOf(this.own.camera?.mediaStream),
        speaker: this.#speakerId === '' ? 'default' : this.#speakerId,
      }),
      onMicrophone: (deviceId) => void this.#act(() => this.own.switchMicrophone(deviceId)),
      onCamera: (deviceId) => void this.#act(() => this.own.switchCamera(deviceId)),
      onSpeaker: (deviceId) => {
        this.#speakerId = deviceId;
        this.#playAll();
      },
    });
    this.#toolbar = new Toolbar(
      {
        mute: () => void this.#act(() => this.own.toggleMute()),
        camera: () => void this.#act(() => this.own.toggleCamera()),
        screen: () => void this.#act(() => this.own.toggleScreen()),
        devices: () => void this.#toggleMenu(),
        leave: options.onLeave,
      },
      audioOnly,
    );
    this.#toolbar.root.append(this.#menu.root);
    this.root.append(this.#status, this.#soundBlocked, this.#grid, this.#toolbar.root);
    this.root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#menu.isOpen) return;
      void this.#toggleMenu();
      event.stopPropagation();
    });

    this.#sayWhatOthersDo();
    for (const name of [
      'streamAvailable',
      'streamChanged',
      'streamUnavailable',
      'participantJoined',
      'participantLeft',
      'participantUnsubscribed',
      'participantChanged',
      'selfChanged',
    ] as const)
      connection.on(name, () => this.#show());
    connection.on('stateChanged', () => this.#show());
    this.#show();
  }

  focus(): void {
    this.#toolbar.focus();
  }

  close(): void {
    this.#menu.close();
    for (const tile of this.#tiles.values()) tile.close();
    this.#tiles.clear();
    this.#speech.close();
    this.own.release();
    this.root.remove();
  }

  #sayWhatOthersDo(): void {
    const { connection, announce } = this.#options;
    const muted = new Set<string>();
    /** Whom we no longer hear though they are still there: when we hear them again, they have not joined. */
    const unsubscribed = new Set<string>();
    /** Who has come and was not announced yet, with the timer that will do it. */
    const coming = new Map<string, ReturnType<typeof setTimeout>>();
    const isMuted = (participant: RemoteParticipant): boolean =>
      tilesOf([participant]).some((tile) => tile.isMuted);
    /** Forgets the participant. True where its going is to be announced, since its coming was. */
    const goes = ({ participantId }: RemoteParticipant): boolean => {
      muted.delete(participantId);
      clearTimeout(coming.get(participantId));
      // Where we have left ourselves, that is what is said.
      return !coming.delete(participantId) && connection.connected;
    };
    const comes = (participantId: string): void => {
      clearTimeout(coming.get(participantId));
      coming.delete(participantId);
      const participant = connection.participants.get(participantId);
      if (participant === undefined) return;
      const name = nameOf(participant);
      announce(unsubscribed.delete(participantId) ? `You hear ${name} again` : `${name} joined`);
    };
    connection.on('participantJoined', (joined) => {
      const { participantId } = joined;
      if (isMuted(joined)) muted.add(participantId);
      // Where a stream comes first, the gateway tells the name a moment later.
      if (joined.kind !== undefined) comes(participantId);
      else
        coming.set(
          participantId,
          setTimeout(() => comes(participantId), 300),
        );
    });
    connection.on('participantLeft', (participant) => {
      if (goes(participant)) announce(`${nameOf(participant)} left`);
    });
    connection.on('participantUnsubscribed', (participant) => {
      if (!goes(participant)) return;
      unsubscribed.add(participant.participantId);
      // In no session it is everybody at once, which is said already.
      if (connection.self.sessionId !== null) announce(`You no longer hear ${nameOf(participant)}`);
    });
    let wasMuted = false;
    let wasOutside = false;
    connection.on('selfChanged', ({ sessionId }) => {
      const isNow = this.#isMutedByModerator;
      if (isNow !== wasMuted)
        announce(isNow ? 'A moderator has muted you.' : 'You are no longer muted by a moderator.');
      const isOutside = sessionId === null;
      if (isOutside !== wasOutside) announce(isOutside ? outsideText : 'You are in a session again.');
      wasMuted = isNow;
      wasOutside = isOutside;
    });
    connection.on('participantChanged', (participant) => {
      const { participantId } = participant;
      if (coming.has(participantId)) comes(participantId);
      if (isMuted(participant) === muted.has(participantId)) return;
      if (muted.delete(participantId)) announce(`${nameOf(participant)} is no longer muted`);
      else {
        muted.add(participantId);
        announce(`${nameOf(participant)} was muted`);
      }
    });
  }

  /** Nobody hears us, whatever our own button says. */
  get #isMutedByModerator(): boolean {
    const { microphone } = this.own;
    return (
      microphone !== undefined &&
      this.#options.connection.self.mutedStreams.some(({ alias }) => alias === microphone.alias)
    );
  }

  #show(): void {
    const { connection } = this.#options;
    const { microphone, camera, screen, isMuted } = this.own;
    const isReconnecting = connection.state === 'reconnecting';
    this.#status.hidden = !isReconnecting;
    if (isReconnecting) this.#status.textContent = 'The connection was lost. Reconnecting…';
    const others = tilesOf(connection.participants.values());
    const own: TileModel = {
      key: 'own',
      name: 'You',
      note: [
        ...(screen === undefined ? [] : ['sharing your screen']),
        ...(this.#isMutedByModerator ? ['a moderator has muted you'] : []),
      ].join(', '),
      kind: 'own',
      isScreen: false,
      picture: camera?.mediaStream,
      sounds: [],
      isMuted: isMuted || this.#isMutedByModerator,
    };
    this.#showTiles([...others, own]);
    this.#tiles.get('own')?.watchOwn(own.isMuted ? undefined : microphone?.mediaStream);
    this.#alone.textContent = connection.self.sessionId === null ? outsideText : 'Nobody else is here yet.';
    if (others.length === 0) this.#grid.append(this.#alone);
    else this.#alone.remove();
    this.#toolbar.show({
      isMuted,
      hasMicrophone: microphone !== undefined,
      hasCamera: camera !== undefined,
      sharesScreen: screen !== undefined,
      menuIsOpen: this.#menu.isOpen,
    });
  }

  /** Tiles keep their elements, so that nothing flickers or falls silent. */
  #showTiles(models: readonly TileModel[]): void {
    const keys = new Set(models.map(({ key }) => key));
    for (const [key, tile] of this.#tiles) {
      if (keys.has(key)) continue;
      tile.close();
      this.#tiles.delete(key);
    }
    models.forEach((model, index) => {
      let tile = this.#tiles.get(model.key);
      if (tile === undefined) {
        tile = new TileView(this.#context);
        this.#tiles.set(model.key, tile);
      }
      tile.update(model);
      // Moving an element that plays would interrupt it.
      if (this.#grid.children[index] !== tile.root)
        this.#grid.insertBefore(tile.root, this.#grid.children[index] ?? null);
    });
  }

  async #act(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await work();
    } catch (error) {
      this.#options.onProblem(error);
    } finally {
      this.#isBusy = false;
    }
    if (this.#options.connection.connected) this.#show();
  }

  async #toggleMenu(): Promise<void> {
    if (this.#menu.isOpen) {
      this.#menu.close();
      this.#toolbar.focusDevices();
    } else await this.#menu.open();
    this.#show();
  }

  #turnOnSound(): void {
    this.#soundBlocked.hidden = true;
    this.#playAll();
  }

  #playAll(): void {
    for (const tile of this.#tiles.values()) tile.play();
  }
}

function deviceOf(stream: MediaStream | undefined): string {
  return stream?.getTracks()[0]?.getSettings().deviceId ?? '';
}
