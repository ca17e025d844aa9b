/** What our own phone hears, by frequency. */
import { levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import { setImmediate } from 'node:timers/promises';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { waitFor } from './wait-for.js';

export interface HearingPhone {
  readonly call: PhoneCall;
}

const sampleRateHz = 8000;
const heardDbfs = -40;
const unheardDbfs = -55;

/** Until the phone hears the tone. */
export async function phoneHears({ call }: HearingPhone, frequencyHz: number): Promise<void> {
  await waitFor(`the phone hears ${frequencyHz} Hz`, () => call.heard.hears(frequencyHz, 200, heardDbfs));
}

/** Until the tone is absent for 200 ms. Ask while something else is heard, or it says nothing. */
export async function phoneHearsNot({ call }: HearingPhone, frequencyHz: number): Promise<void> {
  await waitFor(
    `the phone hears no ${frequencyHz} Hz`,
    () => levelAt(call.heard.window(200), sampleRateHz, frequencyHz) < unheardDbfs,
  );
}

/**
 * What the phone has heard so far, in milliseconds of sound: the time line of what it was sent, which a busy machine cannot stretch.
 * What waits in its socket counts.
 */
export async function heardSoFarMs({ call }: HearingPhone): Promise<number> {
  await setImmediate();
  await setImmediate();
  return call.heard.durationMs;
}

/** Where on the time line of what the phone hears its last packet with the tone in it is; known 300 ms later. */
export async function lastHeardMs({ call }: HearingPhone, frequencyHz: number): Promise<number> {
  let seenMs = call.heard.durationMs;
  let lastMs = seenMs;
  let packetsSince = 0;
  await waitFor(
    `the phone no longer hears ${frequencyHz} Hz`,
    () => {
      if (call.heard.durationMs === seenMs) return false;
      seenMs = call.heard.durationMs;
      packetsSince += 1;
      if (levelAt(call.heard.window(20), sampleRateHz, frequencyHz) > heardDbfs) {
        lastMs = seenMs;
        packetsSince = 0;
      }
      return packetsSince >= 15;
    },
    { everyMs: 1 },
  );
  return lastMs;
}

/** Where on the time line of what the phone hears the first packet with the tone in it is. Ask while it is not heard. */
export async function firstHeardMs({ call }: HearingPhone, frequencyHz: number): Promise<number> {
  let seenMs = call.heard.durationMs;
  return waitFor(
    `the phone hears ${frequencyHz} Hz`,
    () => {
      if (call.heard.durationMs === seenMs) return false;
      seenMs = call.heard.durationMs;
      return levelAt(call.heard.window(20), sampleRateHz, frequencyHz) > heardDbfs && seenMs;
    },
    { everyMs: 1 },
  );
}
