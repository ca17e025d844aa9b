/** Chooses microphone, camera and speaker; shown on demand, up to date with what is plugged in. */
import { listDevices, onDevicesChanged, type Device, type Devices } from '../src/devices.js';
import { element } from './element.js';

export interface DeviceMenuOptions {
  readonly hasCamera: boolean;
  /** Device ids in use; empty where none is. */
  readonly current: () => { readonly microphone: string; readonly camera: string; readonly speaker: string };
  readonly onMicrophone: (deviceId: string) => void;
  readonly onCamera: (deviceId: string) => void;
  readonly onSpeaker: (deviceId: string) => void;
}

export class DeviceMenu {
  readonly root = element('div', { class: 'menu', part: 'menu', role: 'group', 'aria-label': 'Devices' });
  readonly #options: DeviceMenuOptions;
  #stop: (() => void) | undefined;

  constructor(options: DeviceMenuOptions) {
    this.#options = options;
    this.root.hidden = true;
  }

  get isOpen(): boolean {
    return !this.root.hidden;
  }

  async open(): Promise<void> {
    this.root.hidden = false;
    this.#stop ??= onDevicesChanged((devices) => this.#show(devices));
    this.#show(await listDevices());
    this.root.querySelector('select')?.focus();
  }

  close(): void {
    this.root.hidden = true;
    this.#stop?.();
    this.#stop = undefined;
  }

  #show({ microphones, cameras, speakers }: Devices): void {
    const { hasCamera, current, onMicrophone, onCamera, onSpeaker } = this.#options;
    const { microphone, camera, speaker } = current();
    const hasSpeakers = 'setSinkId' in HTMLMediaElement.prototype && speakers.length > 0;
    this.root.replaceChildren(
      field('Microphone', microphones, microphone, onMicrophone),
      ...(hasCamera ? [field('Camera', cameras, camera, onCamera)] : []),
      ...(hasSpeakers ? [field('Speaker', speakers, speaker, onSpeaker)] : []),
    );
  }
}

function field(
  label: string,
  devices: readonly Device[],
  current: string,
  onChoice: (deviceId: string) => void,
): HTMLElement {
  const select = element('select', { part: 'select' });
  if (!devices.some(({ deviceId }) => deviceId === current)) {
    const none = element(
      'option',
      { value: '', disabled: true },
      devices.length === 0 ? 'None found' : 'Choose…',
    );
    none.selected = true;
    select.append(none);
  }
  devices.forEach(({ deviceId, label: name }, index) => {
    const option = element('option', { value: deviceId }, name === '' ? `${label} ${index + 1}` : name);
    option.selected = deviceId === current;
    select.append(option);
  });
  select.disabled = devices.length === 0;
  select.addEventListener('change', () => onChoice(select.value));
  return element('label', { class: 'field' }, element('span', {}, label), select);
}
