/** The Chromium of all browser tests: a fake camera and microphone, no questions, nothing fetched from elsewhere. */
import { chromium, type Browser } from 'playwright-core';

export function launchChromium(...moreArguments: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      ...moreArguments,
    ],
  });
}
