import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MediaRefusal } from '../../src/domain/media-plane.js';
import { startRestServer, type RestServer } from '../support/rest-server.js';

let server: RestServer;
beforeEach(async () => {
  server = await startRestServer();
});
afterEach(() => server.close());

async function newcomer(kind: 'phone' | 'browser' | 'absent' = 'phone'): Promise<string> {
  const created = await server.request('POST', '/participants', {});
  const { participant, token } = (await created.json()) as { participant: { id: string }; token: string };
  if (kind !== 'absent') await server.connect(token, kind);
  return participant.id;
}

const press = (id: string, body: unknown, headers?: Record<string, string>) =>
  server.request('POST', `/participants/${id}/dtmf`, body, headers);
const keysOf = (id: string) => server.media.ofParticipant(id).log.filter((line) => line.startsWith('keys'));

describe('POST …/participants/{participantId}/dtmf', () => {
  it('answers 204 when the keys were sent', async () => {
    const id = await newcomer();
    let release: () => void = () => undefined;
    server.media.ofParticipant(id).keysSent = new Promise((resolve) => (release = resolve));
    let isAnswered = false;
    const answer = press(id, { digits: '123#,*aD' }).finally(() => (isAnswered = true));
    await expect.poll(() => keysOf(id)).toEqual(['keys 123#,*aD of 160 ms']);
    expect(isAnswered).toBe(false);
    release();
    const { status } = await answer;
    expect([status, isAnswered]).toEqual([204, true]);
    expect((await press(id, { digits: '1', durationMs: 5000 })).status).toBe(204);
    expect(keysOf(id).at(-1)).toBe('keys 1 of 5000 ms');
  });

  it.each([
    [{}, /^digits: /],
    [{ digits: '' }, /^digits: must be digits/],
    [{ digits: '12 3' }, /^digits: must be digits/],
    [{ digits: 'E' }, /^digits: must be digits/],
    [{ digits: 7 }, /^digits: /],
    [{ digits: '1'.repeat(65) }, /^digits: /],
    [{ digits: '1', durationMs: 39 }, /^durationMs: /],
    [{ digits: '1', durationMs: 5001 }, /^durationMs: /],
    [{ digits: '1'.repeat(20), durationMs: 5000 }, /more than 60 seconds/],
  ])('answers 400 to %j, and does not repeat the keys', async (body, message) => {
    const id = await newcomer();
    const answer = await press(id, body);
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: string };
    expect(error).toMatch(message);
    expect(error).not.toMatch(/12 3|111/);
    expect(keysOf(id)).toEqual([]);
  });

  it('answers 404 for a participant that is not there, and 409 for one that is no connected phone', async () => {
    expect((await press('00000000-0000-4000-8000-000000000000', { digits: '1' })).status).toBe(404);
    const absent = await press(await newcomer('absent'), { digits: '1' });
    expect([absent.status, await absent.json()]).toMatchObject([
      409,
      { error: 'The participant is not connected' },
    ]);
    const browser = await press(await newcomer('browser'), { digits: '1' });
    expect([browser.status, await browser.json()]).toMatchObject([
      409,
      { error: 'The participant is no phone' },
    ]);
  });

  it.each([
    ['no-telephone-event', 409, 'The phone takes no key presses'],
    ['on-hold', 409, 'The phone holds the call: keys were not sent, or not all'],
    ['too-many-keys', 409, 'Too many keys wait to be sent to the phone'],
    ['overloaded', 503, 'The media worker cannot send keys at the moment'],
  ] as const)('says so where the phone’s media refuses: %s', async (code, status, error) => {
    const id = await newcomer();
    server.media.ofParticipant(id).refuseNextKeys(new MediaRefusal(code, 'refused'));
    const answer = await press(id, { digits: '1' });
    expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
  });

  it('sends once for an Idempotency-Key, and answers 409 where it is used for other keys', async () => {
    const id = await newcomer();
    const key = { 'idempotency-key': 'abc' };
    expect((await press(id, { digits: '12' }, key)).status).toBe(204);
    expect((await press(id, { digits: '12' }, key)).status).toBe(204);
    expect(keysOf(id)).toHaveLength(1);
    expect((await press(id, { digits: '13' }, key)).status).toBe(409);
    expect((await press(id, { digits: '12' }, { 'idempotency-key': 'a b' })).status).toBe(400);
  });
});
