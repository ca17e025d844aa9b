/** Key presses in RTP (RFC 4733), as the browser sends them beside its audio. */
import type { DtmfOptions } from './api.js';
import { LandbridgeError } from './errors.js';

/** Resolves when every key is sent. Keys that are asked for while others are being sent follow those. */
export function sendDigits(
  sender: RTCDTMFSender | null,
  digits: string,
  { durationMs = 100, gapMs = 70 }: DtmfOptions,
): Promise<void> {
  const keys = digits.toUpperCase();
  if (!/^[0-9A-D*#,]+$/.test(keys)) {
    return Promise.reject(
      new LandbridgeError('invalid-argument', 'Keys are 0 to 9, *, #, A to D and the comma.'),
    );
  }
  if (sender === null || !sender.canInsertDTMF) {
    return Promise.reject(
      new LandbridgeError('dtmf-not-possible', 'Keys can be sent only in audio that is published.'),
    );
  }
  return new Promise((resolve, reject) => {
    const onToneChange = ({ tone }: RTCDTMFToneChangeEvent): void => {
      if (tone !== '') return;
      sender.removeEventListener('tonechange', onToneChange);
      resolve();
    };
    sender.addEventListener('tonechange', onToneChange);
    try {
      // What has not been sent yet would be replaced.
      sender.insertDTMF(sender.toneBuffer + keys, durationMs, gapMs);
    } catch (cause) {
      sender.removeEventListener('tonechange', onToneChange);
      reject(new LandbridgeError('dtmf-not-possible', 'The browser does not send these keys.', { cause }));
    }
  });
}
