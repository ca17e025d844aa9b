/** The name of a published stream, where the application gives none or one of its own. */
import { LandbridgeError } from './errors.js';

const maxLength = 64;

export function defaultAlias(stream: MediaStream): string {
  const [video] = stream.getVideoTracks();
  if (video === undefined) return 'microphone';
  // Only captured displays have a display surface (Screen Capture, §5.4).
  return 'displaySurface' in video.getSettings() ? 'screenShare' : 'camera';
}

export function checkAlias(alias: string, taken: Iterable<string>): string {
  if (alias === '' || alias.length > maxLength) {
    throw new LandbridgeError('invalid-argument', `An alias has 1 to ${maxLength} characters.`);
  }
  if ([...taken].includes(alias)) {
    throw new LandbridgeError('alias-in-use', `"${alias}" is published already; choose another alias.`);
  }
  return alias;
}
