/** What is told of a call is kept, in records and for those who read events: without the message that it came in. */
import { expect, it } from 'vitest';
import { cutOut, keptBytes, littleBytes } from '../../../test/support/heap.js';
import { readCaller } from './caller-identity.js';
import { parseReason } from './reason-header.js';
import { readUserToUser } from './user-to-user.js';

const hex = (at: number): string => String(at).padStart(40, 'a1');
it.each<[string, (at: number) => unknown]>([
  [
    'who calls',
    (at) =>
      readCaller({
        get: (name) =>
          name === 'From' ? cutOut(`Jenny the ${at}th <sip:+14155551${at}9@carrier>`) : undefined,
      }),
  ],
  ['the voice call id', (at) => readUserToUser(cutOut(`${hex(at)};encoding=base64`)).voiceCallId],
  ['why it ended', (at) => parseReason(cutOut(`SIP;cause=200;text="completed elsewhere, ${at}"`)).text],
])('%s', async (_, read) => {
  const kept: unknown[] = [];
  const bytes = await keptBytes(() => {
    for (let at = 100; at < 600; at += 1) kept.push(read(at));
  });
  expect(kept).not.toContain(null);
  expect(kept).not.toContain(undefined);
  expect(bytes).toBeLessThan(littleBytes);
});
