/** What people read when something did not work: what it was, and what they can do. */
import type { Disconnection } from '../src/api.js';
import { LandbridgeError, type LandbridgeErrorCode } from '../src/errors.js';

const texts: Partial<Record<LandbridgeErrorCode, string>> = {
  'microphone-denied':
    'Your browser does not let this page use the microphone. Allow it in the site settings, next to the address, and join again, or listen only.',
  'microphone-missing': 'No microphone was found. Plug one in and join again, or listen only.',
  'microphone-failed': 'The microphone could not be opened. Another program may be using it.',
  'camera-denied':
    'Your browser does not let this page use the camera. Allow it in the site settings, next to the address.',
  'camera-missing': 'No camera was found.',
  'camera-failed': 'The camera could not be opened. Another program may be using it.',
  'screen-denied': 'Your screen is not shared: that was cancelled, or not permitted.',
  'screen-failed': 'Your screen could not be shared.',
  'not-supported': 'This works only in a browser with WebRTC, on a page served over https.',
  'token-missing': 'There is no invitation yet.',
  'token-invalid': 'This invitation is not valid.',
  'token-expired': 'This invitation has expired. Ask for a new one.',
  'token-used': 'This invitation works once, and has been used.',
  'too-many-guesses': 'Too many wrong codes were tried from your network. Try again in a minute.',
  'participant-gone': 'You are no longer invited to this session.',
  'participant-occupied': 'You are in this session already, in another window or on another device.',
  'session-full': 'This session is full.',
  draining: 'The service is starting anew. Try again in a moment.',
  overloaded: 'The service is busy. Try again in a moment.',
  'connection-failed': 'The service cannot be reached. Check your connection and try again.',
  timeout: 'The service did not answer in time. Check your connection and try again.',
};

/** With these the same invitation will not do another time: only another one does. */
const deadInvitation: ReadonlySet<string> = new Set([
  'token-missing',
  'token-invalid',
  'token-expired',
  'token-used',
  'participant-gone',
  'participant-deleted',
]);

/** What went wrong, or why it ended, leaves no way back with the invitation that there is. */
export function needsNewInvitation(reason: unknown): boolean {
  const code = reason instanceof LandbridgeError ? reason.code : reason;
  return typeof code === 'string' && deadInvitation.has(code);
}

export function problemText(error: unknown): string {
  const known = error instanceof LandbridgeError ? texts[error.code] : undefined;
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  return `That did not work: ${message}`;
}

export function endText({ by, reason }: Disconnection): string {
  if (by === 'local') return 'You have left.';
  if (by === 'network') return 'The connection was lost.';
  if (reason === 'participant-deleted') return 'You were removed from the session.';
  if (reason === 'session-deleted') return 'The session has ended.';
  const known = (texts as Partial<Record<string, string>>)[reason];
  return known ?? 'Your connection was ended.';
}
