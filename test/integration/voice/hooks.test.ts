import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventFollower } from '../../support/events.js';
import { createHook, hookUrl, newCall, platformOf, send } from '../../support/hooks.js';
import { platformRequests } from '../../support/platform-requests.js';
import { TestGateway } from '../../support/start-gateway.js';

const platforms = Object.keys(platformRequests);
const nobody = '00000000-0000-4000-8000-000000000000';

let gateway: TestGateway;
let events: EventFollower;
beforeAll(async () => {
  gateway = await TestGateway.start();
  events = await gateway.follow();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

async function hook(platform: string, fields: object = {}) {
  const sessionId = await gateway.rest.createSession();
  const number = await createHook(gateway, platform, { kind: 'session', sessionId }, fields);
  return { sessionId, number, url: hookUrl(gateway, platform, number.id) };
}

function members(sessionId: string) {
  return gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`);
}

describe.each(platforms)('The hook of %s', (platform) => {
  const { call: request } = platformOf(platform);

  it('answers a repeated delivery as it did the first, at once or later, and makes one participant', async () => {
    const { sessionId, url } = await hook(platform);
    const call = newCall();
    const nowMs = Date.now();
    const deliver = async () => (await send(request(url, call, nowMs))).text();
    const answers = await Promise.all([deliver(), deliver(), deliver()]);
    answers.push(await deliver());
    expect(new Set(answers).size).toBe(1);
    expect(await members(sessionId)).toHaveLength(1);
    const requested = events.ofType('transfer.requested').filter(({ data }) => data.voiceCallId === call.id);
    expect(requested).toHaveLength(1);
  });

  it('refuses a wrong proof and an old one with 403, and makes nothing', async () => {
    const { sessionId, url } = await hook(platform);
    const { method, headers, body, url: address } = request(url, newCall());
    const wrong = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, name === 'content-type' ? value : 'Bearer AAAA']),
    );
    const refused = await send({ method, url: address, body, headers: wrong });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      ...{ code: 'webhook-not-genuine', error: 'Forbidden', requestId: expect.any(String) },
    });
    expect((await send({ method, url: address, body, headers: {} })).status).toBe(403);
    if (['telnyx', 'vonage', 'jambonz'].includes(platform)) {
      expect((await send(request(url, newCall(), Date.now() - 301_000))).status).toBe(403);
    }
    expect(await members(sessionId)).toEqual([]);
  });

  it('is unknown under another id, number or platform', async () => {
    const { number } = await hook(platform);
    const other = platforms.find((name) => name !== platform) ?? '';
    const unknown = [
      hookUrl(gateway, platform, nobody),
      hookUrl(gateway, platform, '+15550000000'),
      hookUrl(gateway, platform, 'x'.repeat(150)),
      hookUrl(gateway, platform, "'; DROP TABLE numbers; --"),
    ];
    // As one whose secret is not known: it was 404, which told strangers which hooks there are.
    for (const url of unknown) {
      const answer = await send(request(url, newCall()));
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'webhook-not-genuine', error: 'Forbidden' });
    }
    // Another platform's: as if nobody had it there, by whichever method it calls.
    const [elsewhere, nobodys] = await Promise.all(
      [number.id, nobody].map((id) => send(request(hookUrl(gateway, other, id), newCall()))),
    );
    expect(elsewhere?.status).toBe(nobodys?.status);
    expect([403, 405]).toContain(elsewhere?.status);
    const answer = await send(request(hookUrl(gateway, 'carrierpigeon', number.id), newCall()));
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'hook-not-found' });
  });

  it('answers what is genuine and no request about a call with 400', async () => {
    const { url } = await hook(platform);
    const broken = request(url, { id: '', from: '', to: '' });
    expect((await send(broken)).status).toBe(400);
  });

  it('bears 8 kB, quotes, percent signs and UTF-8 in the caller’s name and number', async () => {
    const { sessionId, url } = await hook(platform);
    const hostile = ['"/><Hangup/>', "'; a,b;c%zz%00", 'Zoë 🐌 \u202e', 'x'.repeat(8000), '\u0000\r\nVia: x'];
    for (const [index, text] of hostile.entries()) {
      const call = { ...newCall({ CallerName: text, Zusatz: text }), from: text };
      const answer = await send(request(url, call));
      // A URL of 8 kB may be too long for HTTP itself.
      if (answer.status === 431) continue;
      expect(answer.status, String(index)).toBe(200);
      const body = await answer.text();
      expect(body).not.toContain('<Hangup/>');
      expect(body).not.toContain('Via: x');
    }
    expect((await members(sessionId)).length).toBeGreaterThanOrEqual(4);
  });
});

it('finds a hook by its number in any form, and tells the number’s fields to the participant', async () => {
  const { number, sessionId } = await hook('twilio', {
    number: '(415) 867-5309',
    country: 'US',
    tag: 'support',
    displayName: 'A caller',
    publishPermissions: [],
  });
  expect(number.number).toBe('+14158675309');
  for (const name of ['+14158675309', '%2B14158675309', '14158675309', '+1%20415%20867%205309']) {
    // The signature covers the URL as it was called.
    const url = hookUrl(gateway, 'twilio', name);
    expect((await send(platformOf('twilio').call(url, newCall()))).status).toBe(200);
  }
  expect(await members(sessionId)).toHaveLength(4);
  expect(await members(sessionId)).toContainEqual(
    expect.objectContaining({ tag: 'support', displayName: 'A caller', publishPermissions: [] }),
  );
  const again = await gateway.rest.request('POST', '/numbers', {
    number: '+1 415 867 5309',
    allowFrom: ['192.0.2.1'],
    route: { kind: 'new-session' },
  });
  expect(again.status).toBe(409);
});

it('never answers credentials, over REST or anywhere in the log', async () => {
  for (const platform of platforms) {
    const { number, url } = await hook(platform);
    await send(platformOf(platform).call(url, newCall()));
    await send({ ...platformOf(platform).call(url, newCall()), headers: {} });
    const shown = await gateway.rest.request('GET', `/numbers/${number.id}`);
    const log = gateway.log.map((line) => JSON.stringify(line)).join('\n');
    for (const value of Object.values(platformOf(platform).credentials)) {
      expect(JSON.stringify([number, shown.body])).not.toContain(value);
      expect(log).not.toContain(value);
    }
    expect(log).not.toContain('5551112222');
    expect(log).not.toMatch(/eyJ[\w-]{20}/);
  }
});

it('refuses credentials that cannot work, naming the field', async () => {
  const route = { kind: 'new-session' };
  for (const [platform, credentials, message] of [
    ['twilio', {}, 'credentials.authToken'],
    [
      'twilio',
      { authToken: 'x', other: 'y' },
      'credentials.other: is not known to twilio, whose credentials are authToken',
    ],
    ['telnyx', { publicKey: 'short' }, 'credentials.publicKey'],
    ['bandwidth', { username: 'u' }, 'credentials.password'],
  ] as const) {
    const answer = await gateway.rest.request('POST', '/numbers', { platform, credentials, route });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(message);
  }
});

it('says so and hangs up where the session is full or gone', async () => {
  const { sessionId, url } = await hook('twilio');
  for (let count = 0; count < 20; count += 1) await gateway.rest.newcomer(sessionId);
  const full = await (await send(platformOf('twilio').call(url, newCall()))).text();
  expect(full).toContain('<Say>The conference is full. Please try again later.</Say><Hangup/>');
  await gateway.rest.done('DELETE', `/sessions/${sessionId}`);
  const gone = await (await send(platformOf('twilio').call(url, newCall()))).text();
  expect(gone).toContain('<Say>The conference is over.</Say><Hangup/>');
});

it('makes a session of its own for each call where the number says so', async () => {
  const number = await createHook(gateway, 'jambonz', { kind: 'new-session', tag: 'a call' });
  const calls = [newCall(), newCall()];
  for (const call of calls) {
    await send(platformOf('jambonz').call(hookUrl(gateway, 'jambonz', number.id), call));
  }
  const requested = await Promise.all(
    calls.map(({ id }) => events.wait('transfer.requested', ({ data }) => data.voiceCallId === id)),
  );
  const sessions = new Set(requested.map(({ sessionId }) => sessionId));
  expect(sessions.size).toBe(2);
  for (const sessionId of sessions) {
    const session = await gateway.rest.done<{ tag: string }>('GET', `/sessions/${String(sessionId)}`);
    expect(session.tag).toBe('a call');
  }
});

it('counts its answers by platform and outcome', async () => {
  const { url } = await hook('plivo');
  const counted = async (outcome: string) =>
    (await gateway.metrics()).get(`landbridge_hook_requests_total{platform="plivo",outcome="${outcome}"}`) ??
    0;
  const before = [await counted('transfer'), await counted('forged')];
  await send(platformOf('plivo').call(url, newCall()));
  await send({ ...platformOf('plivo').call(url, newCall()), headers: {} });
  expect([await counted('transfer'), await counted('forged')]).toEqual(before.map((count) => count + 1));
});
