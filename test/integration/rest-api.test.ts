import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountId, basic, startRestServer, type RestServer } from '../support/rest-server.js';
import type { PhoneCaller, PhoneCallRequest, PhoneCallStatus } from '../../src/rest/phone-calls.js';

interface Created {
  readonly participant: { readonly id: string };
  readonly token: string;
  readonly joinCode: string;
}

/** Remembers what it was asked; makes no calls. */
class RecordingPhone implements PhoneCaller {
  readonly requests: PhoneCallRequest[] = [];
  readonly calls = new Map<string, PhoneCallStatus>();
  isBusy = false;

  start(request: PhoneCallRequest): Promise<PhoneCallStatus | null> {
    if (this.isBusy) return Promise.resolve(null);
    this.requests.push(request);
    const status = { callId: randomUUID(), state: 'calling' } as const;
    this.calls.set(status.callId, status);
    return Promise.resolve(status);
  }
  get(_accountId: string, callId: string): PhoneCallStatus | null {
    return this.calls.get(callId) ?? null;
  }
  hangUp(_accountId: string, callId: string): Promise<boolean> {
    return Promise.resolve(this.calls.delete(callId));
  }
}

let server: RestServer;
const phone = new RecordingPhone();
beforeAll(async () => {
  server = await startRestServer({ phone, authentication: { failuresPerMinute: 1000, maxSources: 10 } });
});
afterAll(() => server.close());

const create = async (body?: unknown) =>
  (await (await server.request('POST', '/participants', body)).json()) as Created;
const createSession = async () =>
  ((await (await server.request('POST', '/sessions')).json()) as { id: string }).id;
const errorBody = {
  error: expect.any(String),
  code: expect.any(String),
  requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
};

describe('Participants', () => {
  it('are told the SIP URI, with its port, that a phone reaches them at', async () => {
    const sipAddress = () => ({ sipUri: 'sip:join@192.0.2.7:5070;transport=tcp' });
    const reachable = await startRestServer({ sipAddress });
    try {
      const answer = await reachable.request('POST', '/participants', {});
      const { joinCode, sipUri } = (await answer.json()) as {
        readonly joinCode: string;
        readonly sipUri: string;
      };
      expect(sipUri).toBe(`sip:${joinCode}@192.0.2.7:5070;transport=tcp`);
    } finally {
      await reachable.close();
    }
  });

  it('have a display name and a token use beside Bandwidth’s fields', async () => {
    const { participant, joinCode } = await create({
      displayName: 'Zoë',
      tokenUse: 'once',
      deviceApiVersion: 'v3',
      tag: null,
    });
    expect(joinCode).toMatch(/^[0-9A-Z]{12}$/);
    expect(participant).toEqual({
      id: expect.any(String),
      callbackUrl: null,
      publishPermissions: ['AUDIO', 'VIDEO'],
      sessions: [],
      subscriptions: {},
      deviceApiVersion: 'V3',
      displayName: 'Zoë',
      attributes: {},
      tokenUse: 'once',
      createdAt: expect.stringMatching(/Z$/),
    });
  });

  it('may be created with no body, an empty one, null, or unknown fields', async () => {
    for (const body of [undefined, '', 'null', {}, { sessions: [], unknown: 1 }]) {
      expect((await server.request('POST', '/participants', body)).status).toBe(200);
    }
  });

  it.each([
    ['POST', '/participants', { publishPermission: ['AUDIO'] }, 'publishPermission'],
    ['POST', '/sessions', { Tag: 'x' }, 'Tag'],
  ])('are not made, nor sessions, where a field is misspelt: %s %s %j', async (method, path, body, field) => {
    const answer = await server.request(method, path, body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid-request', field });
  });

  it('are listed, newest first, up to a limit', async () => {
    const { participant } = await create();
    const response = await server.request('GET', '/participants?limit=2');
    expect(await response.json()).toMatchObject([{ id: participant.id }, {}]);
  });

  it.each([
    [{ tag: 'x'.repeat(51) }, 'tag: must have at most 50 characters'],
    [{ tag: 5 }, 'tag: must be a text'],
    [{ callbackUrl: 'ftp://example.com' }, 'callbackUrl: must be an http or https URL'],
    [{ callbackUrl: 'javascript:alert(1)' }, 'callbackUrl: must be an http or https URL'],
    [{ publishPermissions: ['AUDIO', 'AUDIO'] }, 'publishPermissions: must not name a type twice'],
    [{ publishPermissions: 'AUDIO' }, 'publishPermissions: must be a list'],
    [{ deviceApiVersion: 'V2' }, 'deviceApiVersion: must be V3'],
    [{ tokenUse: 'twice' }, 'tokenUse: must be one of slot, once'],
    [[], 'The request body must be an object'],
    ['"text"', 'The request body must be an object'],
  ])('cannot be created with %j', async (body, error) => {
    const response = await server.request('POST', '/participants', body);
    expect(response.status).toBe(400);
    const [, field] = /^(\w+): /.exec(((await response.clone().json()) as { error: string }).error) ?? [];
    expect(await response.json()).toEqual({
      ...errorBody,
      error,
      code: 'invalid-request',
      ...(field === undefined ? {} : { field }),
    });
  });
});

describe('Subscriptions', () => {
  it('take null and the empty text as missing, and UUIDs in any case', async () => {
    const session = await createSession();
    const { participant } = await create();
    const path = `/sessions/${session}/participants/${participant.id}`;
    expect(
      (
        await server.request(
          'PUT',
          path.toUpperCase().replace('/SESSIONS', '/sessions').replace('/PARTICIPANTS', '/participants'),
          { sessionId: '', participants: null },
        )
      ).status,
    ).toBe(204);
    expect(await (await server.request('GET', `${path}/subscriptions`)).json()).toEqual({});
    const wanted = {
      sessionId: session.toUpperCase(),
      participants: [{ participantId: session, streamAliases: null }],
    };
    expect((await server.request('PUT', `${path}/subscriptions`, wanted)).status).toBe(204);
    expect(await (await server.request('GET', `${path}/subscriptions`)).json()).toEqual({
      sessionId: session,
      participants: [{ participantId: session }],
    });
  });

  it('are refused where they are malformed or name another session', async () => {
    const [session, another] = [await createSession(), await createSession()];
    const { participant } = await create();
    const path = `/sessions/${session}/participants/${participant.id}`;
    for (const body of [
      { sessionId: another },
      { participants: [{}] },
      { participants: {} },
      { sessionId: 'x' },
    ]) {
      const response = await server.request('PUT', path, body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject(errorBody);
    }
    expect(await (await server.request('GET', `/sessions/${session}/participants`)).json()).toEqual([]);
  });
});

describe('Legs', () => {
  it('are listed while they live, with what they publish, and hung up', async () => {
    const session = await createSession();
    const { participant, token } = await create();
    await server.request('PUT', `/sessions/${session}/participants/${participant.id}`);
    const leg = await server.connect(token);
    const [listed] = (await (await server.request('GET', '/legs')).json()) as unknown[];
    expect(listed).toEqual({
      id: leg.legId,
      participantId: participant.id,
      sessionId: session,
      kind: 'phone',
      door: 'test',
      callId: 'call',
      trunkId: null,
      caller: null,
      stir: null,
      headers: null,
      state: 'established',
      since: expect.stringMatching(/Z$/),
      held: false,
      streams: [{ id: expect.stringContaining(participant.id), alias: 'microphone', mediaTypes: ['AUDIO'] }],
      quality: {
        packetsReceived: 3,
        packetsSent: 2,
        packetsLost: 1,
        packetsFromStrangers: 0,
        jitterMs: 4,
        audio: null,
      },
    });
    expect((await server.request('DELETE', `/legs/${leg.legId}`)).status).toBe(204);
    expect(leg.hasEnded).toBe(true);
    expect((await server.request('DELETE', `/legs/${leg.legId}`)).status).toBe(404);
    expect(await (await server.request('GET', '/legs')).json()).toEqual([]);
  });

  it('end at once when their participant or, for phones, their session is deleted', async () => {
    const session = await createSession();
    const [one, two] = [await create(), await create()];
    for (const { participant } of [one, two]) {
      await server.request('PUT', `/sessions/${session}/participants/${participant.id}`);
    }
    const legs = [await server.connect(one.token), await server.connect(two.token)];
    await server.request('DELETE', `/participants/${one.participant.id}`);
    expect(legs.map((leg) => leg.hasEnded)).toEqual([true, false]);
    await server.request('DELETE', `/sessions/${session}`);
    expect(legs.map((leg) => leg.hasEnded)).toEqual([true, true]);
  });
});

describe('Phone calls of the console', () => {
  it('are started with a token or a join code, looked at and hung up', async () => {
    const started = await server.request('POST', '/phone-calls', { token: 'abc', toneHz: 440 });
    const { id } = (await started.json()) as { id: string };
    expect(started.status).toBe(200);
    await server.request('POST', '/phone-calls', { joinCode: 'abcd-efgh-jkmn' });
    expect(phone.requests).toEqual([
      { accountId, token: 'abc', toneHz: 440 },
      { accountId, joinCode: 'ABCDEFGHJKMN' },
    ]);
    phone.calls.set(id, { callId: id, state: 'ended', sipStatus: 403, reason: 'token-invalid' });
    expect(await (await server.request('GET', `/phone-calls/${id}`)).json()).toEqual({
      id,
      state: 'ended',
      sipStatus: 403,
      reason: 'token-invalid',
    });
    expect((await server.request('DELETE', `/phone-calls/${id}`)).status).toBe(204);
    expect((await server.request('DELETE', `/phone-calls/${id}`)).status).toBe(404);
    expect((await server.request('GET', `/phone-calls/${id}`)).status).toBe(404);
  });

  it('need exactly one credential, and are limited', async () => {
    for (const body of [
      undefined,
      {},
      { token: 'a', joinCode: 'ABCDEFGHJKMN' },
      { joinCode: 'short' },
      { token: 'a', toneHz: 1 },
      // It would end the header field that the token goes into.
      { token: 'a\r\nRoute: <sip:127.0.0.1:9;lr>' },
    ]) {
      expect((await server.request('POST', '/phone-calls', body)).status).toBe(400);
    }
    phone.isBusy = true;
    const response = await server.request('POST', '/phone-calls', { token: 'abc' });
    phone.isBusy = false;
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
  });
});

describe('Bad requests', () => {
  it.each(['0', '1001', '-1', 'ten', '1e2', '', '00000000000000001'])(
    'are told of ?limit=%s',
    async (limit) => {
      const response = await server.request('GET', `/sessions?limit=${limit}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        ...errorBody,
        error: 'limit: must be a number from 1 to 1000',
        code: 'invalid-request',
        field: 'limit',
      });
    },
  );

  it.each([
    ['malformed JSON', '{"tag":', 400, 'unreadable-request'],
    ['JSON with a poisoned prototype', '{"__proto__": {"tag": "x"}}', 400, 'unreadable-request'],
    ['more than 64 kB', JSON.stringify({ tag: 'x'.repeat(66_000) }), 413, 'body-too-large'],
  ])('with %s get an error body', async (_, body, status, code) => {
    const response = await server.request('POST', '/sessions', body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ ...errorBody, code });
  });

  it.each([
    ['/sessions', '{"tag":', 'The request body is not valid JSON'],
    ['/sessions', "{'tag': 'x'}", 'The request body is not valid JSON'],
    ['/sessions/%ff', undefined, 'The request path is badly escaped'],
  ])('that cannot be read are told which part of them: %s with %j', async (path, body, words) => {
    const response = await server.request('POST', path, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining(words),
      code: 'unreadable-request',
    });
  });

  it('with a parameter that nobody knows are refused, also where there is none: it might have been a filter', async () => {
    const session = await createSession();
    for (const [method, path] of [
      ['GET', '/legs?sessionId=x'],
      ['GET', '/participants/00000000-0000-4000-8000-000000000000?limit=5'],
      ['GET', `/sessions/${session}/participants?tag=x`],
      ['DELETE', `/sessions/${session}?dryRun=true`],
      ['POST', '/sessions?tag=x'],
    ] as const) {
      const response = await server.request(method, path);
      expect([path, response.status]).toEqual([path, 400]);
      const [, field] = /\?(\w+)=/.exec(path) ?? [];
      expect(await response.json()).toMatchObject({
        error: `${field}: is not known here`,
        code: 'invalid-request',
        field,
      });
    }
    expect((await server.request('GET', `/sessions/${session}`)).status).toBe(200);
  });

  it('to change something of a participant that there is not, are refused: it might have been a permission', async () => {
    const { participant } = await create();
    for (const field of ['publishPermission', 'display_name', 'sessionId']) {
      const response = await server.request('PATCH', `/participants/${participant.id}`, { [field]: [] });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid-request', field });
    }
  });

  it('with a body that is no JSON get 415', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const response = await server.request('POST', '/sessions', 'tag=x', { 'content-type': type });
      expect(response.status).toBe(415);
      expect(await response.json()).toEqual({
        ...errorBody,
        error: 'Unsupported media type: send application/json',
        code: 'unsupported-media-type',
      });
    }
  });

  it('to paths that are not there get 404, with methods that are not there 405 and what is', async () => {
    for (const path of ['/nothing', '/sessions/a/b/c/d', '/../../etc/passwd']) {
      const response = await server.request('GET', path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ ...errorBody, code: 'route-not-found' });
    }
    const response = await server.request('PATCH', `/sessions/${randomUUID()}`, {});
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, DELETE');
    expect(await response.json()).toEqual({ ...errorBody, code: 'method-not-allowed' });
    expect((await server.request('PUT', '/sessions', {})).headers.get('allow')).toBe('POST, GET');
  });

  it('of any JSON at all never make a fault of ours', async () => {
    const session = await createSession();
    const { participant } = await create();
    const member = `/sessions/${session}/participants/${participant.id}`;
    await server.request('PUT', member);
    const operations = [
      ['POST', '/sessions'],
      ['POST', '/participants'],
      ['POST', '/phone-calls'],
      ['PUT', member],
      ['PUT', `${member}/subscriptions`],
    ] as const;
    const key = fc.constantFrom(
      'tag',
      'callbackUrl',
      'publishPermissions',
      'displayName',
      'sessionId',
      'participants',
      'token',
      'toneHz',
    );
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...operations), body, async ([method, path], value) => {
        const response = await server.request(method, path, JSON.stringify(value));
        expect([200, 204, 400]).toContain(response.status);
        await response.arrayBuffer();
      }),
      { numRuns: 300 },
    );
  });

  it('bear their id in the header too', async () => {
    const response = await server.request('GET', `/sessions/${randomUUID()}`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-request-id')).toBe(
      ((await response.json()) as { requestId: string }).requestId,
    );
  });

  it('without credentials are turned away before their body is read', async () => {
    const response = await fetch(`${server.url}/v1/accounts/${accountId}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{'.repeat(100_000),
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="Landbridge", charset="UTF-8"');
    expect(await response.json()).toEqual({
      ...errorBody,
      error: 'Unauthorized',
      message: 'Unauthorized',
      code: 'unauthorized',
    });
  });

  it('for another account get 403, whether there is such an account or not', async () => {
    for (const account of ['other', 'nobody']) {
      const response = await fetch(`${server.url}/v1/accounts/${account}/sessions`, {
        headers: { authorization: basic },
      });
      expect(response.status).toBe(403);
      const error = 'These credentials are not for this account';
      expect(await response.json()).toEqual({ ...errorBody, error, message: error, code: 'wrong-account' });
    }
  });
});

it('Guessing passwords is answered 429 with its code', async () => {
  const guarded = await startRestServer({ authentication: { failuresPerMinute: 1, maxSources: 10 } });
  const guess = () =>
    fetch(`${guarded.url}/v1/accounts/${accountId}/sessions`, {
      headers: { authorization: `Basic ${Buffer.from('alice:guess').toString('base64')}` },
    });
  expect((await guess()).status).toBe(401);
  const blocked = await guess();
  expect(blocked.status).toBe(429);
  expect(blocked.headers.get('retry-after')).toBe('60');
  expect(await blocked.json()).toEqual({
    ...errorBody,
    error: 'Too Many Requests',
    code: 'too-many-failures',
  });
  await guarded.close();
});

it('Answers are counted by route pattern', async () => {
  server.answers.length = 0;
  await server.request('GET', `/sessions/${randomUUID()}`);
  await server.request('GET', '/nothing');
  expect(server.answers).toMatchObject([
    { method: 'GET', route: '/v1/accounts/:accountId/sessions/:sessionId', status: 404 },
    { method: 'GET', route: 'unknown', status: 404 },
  ]);
});

it('A store that is gone is answered 503, and a fault of ours 500 without its detail', async () => {
  const broken = await startRestServer();
  await broken.stores.close();
  const response = await broken.request('POST', '/sessions');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await response.json()).toEqual({
    ...errorBody,
    error: 'The store cannot be reached',
    code: 'store-unavailable',
  });
  broken.legs.list = () => {
    throw new Error('a detail');
  };
  const fault = await broken.request('GET', '/legs');
  expect(fault.status).toBe(500);
  expect(await fault.json()).toEqual({
    ...errorBody,
    error: 'Internal server error',
    code: 'internal-error',
  });
  await broken.close();
});
