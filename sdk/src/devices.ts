/** Opens the microphone, the camera and the screen, with errors that say which of them was refused or is missing. */
import { LandbridgeError } from './errors.js';

/** With a `deviceId` that device and no other. Everything else as `getUserMedia` takes it. */
export interface DeviceOptions extends Omit<MediaTrackConstraints, 'deviceId'> {
  readonly deviceId?: string;
}

/** With echo cancellation, noise suppression and automatic gain unless the options say otherwise. */
export function openMicrophone(options: DeviceOptions = {}): Promise<MediaStream> {
  const audio = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...exactly(options),
  };
  return open('microphone', (devices) => devices.getUserMedia({ audio }));
}

/** Video alone, 1280 × 720 where the camera can. Publish the microphone beside it under its own alias. */
export function openCamera(options: DeviceOptions = {}): Promise<MediaStream> {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...exactly(options) };
  return open('camera', (devices) => devices.getUserMedia({ video }));
}

/** The person chooses what to share. Its sound is included where the browser offers it. */
export function openScreen(
  options: DisplayMediaStreamOptions = { video: true, audio: true },
): Promise<MediaStream> {
  return open('screen', (devices) => devices.getDisplayMedia(options));
}

export interface Device {
  readonly deviceId: string;
  /** As the browser names it; empty before the person has permitted the use of such a device. */
  readonly label: string;
}

export interface Devices {
  readonly microphones: readonly Device[];
  readonly cameras: readonly Device[];
  /** For `HTMLMediaElement.setSinkId`, where the browser has that. */
  readonly speakers: readonly Device[];
}

/** What is plugged in. Browsers tell little before a device of the kind has been opened once. */
export async function listDevices(): Promise<Devices> {
  const found = (await mediaDevices()?.enumerateDevices()) ?? [];
  const ofKind = (kind: MediaDeviceKind): Device[] =>
    found
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId, label }) => ({ deviceId, label }));
  return {
    microphones: ofKind('audioinput'),
    cameras: ofKind('videoinput'),
    speakers: ofKind('audiooutput'),
  };
}

/** Tells what is plugged in whenever that changes. Returns a function that ends it. */
export function onDevicesChanged(listener: (devices: Devices) => void): () => void {
  const devices = mediaDevices();
  const changed = (): void => void listDevices().then(listener, () => undefined);
  devices?.addEventListener('devicechange', changed);
  return () => devices?.removeEventListener('devicechange', changed);
}

function exactly({ deviceId, ...rest }: DeviceOptions): MediaTrackConstraints {
  return deviceId === undefined ? rest : { ...rest, deviceId: { exact: deviceId } };
}

/** Undefined outside secure contexts, whatever the type says. */
function mediaDevices(): MediaDevices | undefined {
  return navigator.mediaDevices;
}

async function open(
  device: 'microphone' | 'camera' | 'screen',
  get: (devices: MediaDevices) => Promise<MediaStream>,
): Promise<MediaStream> {
  const devices = mediaDevices();
  if (devices === undefined) {
    throw new LandbridgeError(
      'not-supported',
      `The ${device} can be used only on pages served over https or from localhost.`,
    );
  }
  try {
    return await get(devices);
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    if (name === 'NotAllowedError' || name === 'SecurityError') {
      throw new LandbridgeError(`${device}-denied`, `The use of the ${device} was not permitted.`, { cause });
    }
    if (device !== 'screen' && (name === 'NotFoundError' || name === 'OverconstrainedError')) {
      throw new LandbridgeError(`${device}-missing`, `No ${device} that fits was found.`, { cause });
    }
    throw new LandbridgeError(`${device}-failed`, `The ${device} could not be opened.`, { cause });
  }
}
