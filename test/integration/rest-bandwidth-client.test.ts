import { randomUUID } from 'node:crypto';
import {
  ApiController,
  Client,
  DeviceApiVersionEnum,
  Environment,
  PublishPermissionEnum,
} from '@bandwidth/webrtc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountId, password, startRestServer, username, type RestServer } from '../support/rest-server.js';

describe('The official @bandwidth/webrtc client', () => {
  let server: RestServer;
  let api: ApiController;

  const clientOf = (basicAuthUserName: string, basicAuthPassword: string) =>
    new ApiController(
      new Client({
        environment: Environment.Custom,
        baseUrl: `${server.url}/v1`,
        basicAuthUserName,
        basicAuthPassword,
      }),
    );

  beforeAll(async () => {
    server = await startRestServer({ maxParticipantsPerSession: 2 });
    api = clientOf(username, password);
  });
  afterAll(() => server.close());

  const createSession = async () => (await api.createSession(accountId, { tag: 's' })).result.id ?? '';
  const createParticipant = async () =>
    (await api.createParticipant(accountId, {})).result.participant?.id ?? '';

  it('creates a participant and gets a token and, beside it, a join code', async () => {
    const { statusCode, result, body } = await api.createParticipant(accountId, {
      callbackUrl: 'http://example.com/callback',
      publishPermissions: [PublishPermissionEnum.AUDIO],
      tag: 'caller',
      deviceApiVersion: DeviceApiVersionEnum.V3,
    });
    expect(statusCode).toBe(200);
    expect(result.participant).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      callbackUrl: 'http://example.com/callback',
      publishPermissions: ['AUDIO'],
      sessions: [],
      subscriptions: {},
      tag: 'caller',
      deviceApiVersion: 'V3',
    });
    expect(result.token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(JSON.parse(body as string)).toMatchObject({ joinCode: expect.stringMatching(/^[0-9A-Z]{12}$/) });
  });

  it('creates a participant with no body, which may publish both', async () => {
    const { result } = await api.createParticipant(accountId);
    expect(result.participant).toMatchObject({ callbackUrl: null, publishPermissions: ['AUDIO', 'VIDEO'] });
    expect(result.participant).not.toHaveProperty('tag');
  });

  it('gets and deletes a participant, once', async () => {
    const id = await createParticipant();
    expect((await api.getParticipant(accountId, id)).result.id).toBe(id);
    expect((await api.deleteParticipant(accountId, id)).statusCode).toBe(204);
    await expect(api.deleteParticipant(accountId, id)).rejects.toMatchObject({
      statusCode: 404,
      result: {
        error: 'Participant not found',
        code: 'participant-not-found',
        requestId: expect.any(String),
      },
    });
    await expect(api.getParticipant(accountId, id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('creates a session with a tag and without a body, gets and deletes it', async () => {
    const { statusCode, result } = await api.createSession(accountId, { tag: 'room' });
    expect(statusCode).toBe(200);
    expect(result).toMatchObject({ id: expect.any(String), tag: 'room' });
    expect((await api.createSession(accountId)).result).not.toHaveProperty('tag');
    const id = result.id ?? '';
    expect((await api.getSession(accountId, id)).result).toMatchObject({ id, tag: 'room' });
    expect((await api.deleteSession(accountId, id)).statusCode).toBe(204);
    await expect(api.getSession(accountId, id)).rejects.toMatchObject({
      statusCode: 404,
      result: { error: 'Session not found' },
    });
    await expect(api.deleteSession(accountId, id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('adds participants with and without subscriptions, lists and removes them', async () => {
    const session = await createSession();
    expect((await api.listSessionParticipants(accountId, session)).result).toEqual([]);
    const [one, two] = [await createParticipant(), await createParticipant()];
    expect(
      (await api.addParticipantToSession(accountId, session, one, { sessionId: session })).statusCode,
    ).toBe(204);
    expect((await api.addParticipantToSession(accountId, session, two)).statusCode).toBe(204);
    const { result } = await api.listSessionParticipants(accountId, session);
    expect(result).toMatchObject([
      { id: one, sessions: [session], subscriptions: { sessionId: session } },
      { id: two, sessions: [session], subscriptions: {} },
    ]);
    expect((await api.removeParticipantFromSession(accountId, session, one)).statusCode).toBe(204);
    await expect(api.removeParticipantFromSession(accountId, session, one)).rejects.toMatchObject({
      statusCode: 404,
    });
    expect((await api.getParticipant(accountId, one)).result).toMatchObject({
      sessions: [],
      subscriptions: {},
    });
  });

  it('reads, replaces and clears subscriptions', async () => {
    const session = await createSession();
    const [listener, speaker] = [await createParticipant(), await createParticipant()];
    await api.addParticipantToSession(accountId, session, listener);
    expect((await api.getParticipantSubscriptions(accountId, session, listener)).result).toEqual({});
    const wanted = { participants: [{ participantId: speaker, streamAliases: ['mic'] }] };
    expect((await api.updateParticipantSubscriptions(accountId, session, listener, wanted)).statusCode).toBe(
      204,
    );
    expect((await api.getParticipantSubscriptions(accountId, session, listener)).result).toEqual(wanted);
    expect((await api.updateParticipantSubscriptions(accountId, session, listener)).statusCode).toBe(204);
    expect((await api.getParticipantSubscriptions(accountId, session, listener)).result).toEqual({});
    await expect(api.getParticipantSubscriptions(accountId, session, speaker)).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(
      api.updateParticipantSubscriptions(accountId, session, speaker, wanted),
    ).rejects.toMatchObject({
      statusCode: 404,
    });
  });

  it('is told 409 of a participant in another session and of a full session', async () => {
    const [session, elsewhere] = [await createSession(), await createSession()];
    const [one, two, three] = [
      await createParticipant(),
      await createParticipant(),
      await createParticipant(),
    ];
    await api.addParticipantToSession(accountId, session, one);
    await expect(api.addParticipantToSession(accountId, elsewhere, one)).rejects.toMatchObject({
      statusCode: 409,
      result: { error: 'Participant is in another session', requestId: expect.any(String) },
    });
    await api.addParticipantToSession(accountId, session, two);
    await expect(api.addParticipantToSession(accountId, session, three)).rejects.toMatchObject({
      statusCode: 409,
      result: { error: 'Session is full', code: 'session-full' },
    });
  });

  it('is told 404 of unknown sessions and participants, and 400 of what is no UUID or too long', async () => {
    const session = await createSession();
    await expect(api.addParticipantToSession(accountId, session, randomUUID())).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(
      api.addParticipantToSession(accountId, randomUUID(), await createParticipant()),
    ).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(api.listSessionParticipants(accountId, randomUUID())).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(api.getSession(accountId, 'NOTFOUND')).rejects.toMatchObject({
      statusCode: 400,
      result: { error: 'sessionId: is not a UUID', code: 'invalid-request', field: 'sessionId' },
    });
    await expect(api.createSession(accountId, { tag: 'x'.repeat(51) })).rejects.toMatchObject({
      statusCode: 400,
      result: { error: 'tag: must have at most 50 characters' },
    });
  });

  it('is told 401 with wrong credentials and 403 for another account', async () => {
    await expect(clientOf(username, 'wrong').createSession(accountId)).rejects.toMatchObject({
      statusCode: 401,
      // Bandwidth’s field, and ours beside it.
      result: { message: 'Unauthorized', code: 'unauthorized' },
    });
    await expect(clientOf('bob', 'secret').createSession(accountId)).rejects.toMatchObject({
      statusCode: 403,
      result: { message: expect.any(String), code: 'wrong-account' },
    });
  });
});
