/** Opens the microphone, the camera and the screen, with errors that say which of them was refused or is missing. */
import { LandbridgeError } from './errors.js';

/** With echo cancellation, noise suppression and automatic gain unless the constraints say otherwise. */
export function openMicrophone(constraints: MediaTrackConstraints = {}): Promise<MediaStream> {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...constraints };
  return open('microphone', (devices) => devices.getUserMedia({ audio }));
}

/** Video alone, 1280 × 720 where the camera can. Publish the microphone beside it under its own alias. */
export function openCamera(constraints: MediaTrackConstraints = {}): Promise<MediaStream> {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...constraints };
  return open('camera', (devices) => devices.getUserMedia({ video }));
}

/** The person chooses what to share. Its sound is included where the browser offers it. */
export function openScreen(
  options: DisplayMediaStreamOptions = { video: true, audio: true },
): Promise<MediaStream> {
  return open('screen', (devices) => devices.getDisplayMedia(options));
}

async function open(
  device: 'microphone' | 'camera' | 'screen',
  get: (devices: MediaDevices) => Promise<MediaStream>,
): Promise<MediaStream> {
  // Undefined outside secure contexts, whatever the type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
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
