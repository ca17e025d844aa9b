/** The buttons of a call. Their names say what a press does, and follow the state. */
import { element, icon, type IconName } from './element.js';

export interface ToolbarState {
  readonly isMuted: boolean;
  readonly hasMicrophone: boolean;
  readonly hasCamera: boolean;
  readonly sharesScreen: boolean;
  readonly menuIsOpen: boolean;
}

export interface ToolbarActions {
  readonly mute: () => void;
  readonly camera: () => void;
  readonly screen: () => void;
  readonly devices: () => void;
  readonly leave: () => void;
}

export class Toolbar {
  readonly root = element('div', { class: 'toolbar', part: 'toolbar', role: 'group', 'aria-label': 'Call' });
  readonly #mute: HTMLButtonElement;
  readonly #camera: HTMLButtonElement;
  readonly #screen: HTMLButtonElement;
  readonly #devices: HTMLButtonElement;

  constructor(actions: ToolbarActions, audioOnly: boolean) {
    this.#mute = button('Mute', 'mic', actions.mute, { part: 'mute-button' });
    this.#camera = button('Camera on', 'camera', actions.camera, { part: 'camera-button' });
    this.#screen = button('Share screen', 'screen', actions.screen, { part: 'screen-button' });
    this.#devices = button('Devices', 'settings', actions.devices, { part: 'devices-button' });
    this.#camera.hidden = audioOnly;
    // Phones' browsers cannot capture a display.
    this.#screen.hidden = audioOnly || !canShareScreen();
    const leave = button('Leave', 'leave', actions.leave, { part: 'leave-button', look: 'danger' });
    this.root.append(this.#mute, this.#camera, this.#screen, this.#devices, leave);
  }

  focus(): void {
    this.#mute.focus();
  }

  focusDevices(): void {
    this.#devices.focus();
  }

  show({ isMuted, hasMicrophone, hasCamera, sharesScreen, menuIsOpen }: ToolbarState): void {
    relabel(
      this.#mute,
      isMuted ? (hasMicrophone ? 'Unmute' : 'Microphone on') : 'Mute',
      isMuted ? 'micOff' : 'mic',
    );
    this.#mute.classList.toggle('off', isMuted);
    relabel(this.#camera, hasCamera ? 'Camera off' : 'Camera on', 'camera');
    this.#camera.classList.toggle('on', hasCamera);
    relabel(this.#screen, sharesScreen ? 'Stop sharing' : 'Share screen', 'screen');
    this.#screen.classList.toggle('on', sharesScreen);
    this.#devices.setAttribute('aria-expanded', String(menuIsOpen));
  }
}

export function button(
  label: string,
  iconName: IconName | undefined,
  act: () => void,
  { part, look = '' }: { readonly part: string; readonly look?: string },
): HTMLButtonElement {
  const made = element(
    'button',
    { type: 'button', class: look, part: `button ${part}` },
    iconName === undefined ? undefined : icon(iconName),
    element('span', {}, label),
  );
  made.addEventListener('click', act);
  return made;
}

function relabel(where: HTMLButtonElement, label: string, iconName: IconName): void {
  if (where.textContent === label) return;
  where.replaceChildren(icon(iconName), element('span', {}, label));
}

function canShareScreen(): boolean {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return devices !== undefined && 'getDisplayMedia' in devices;
}
