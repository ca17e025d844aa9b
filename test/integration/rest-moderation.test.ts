/** Changing participants and moderating streams over REST. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../src/domain/facts/event.js';
import type { LiveLeg } from '../../src/domain/legs/live-leg.js';
import { accountId, startRestServer, type RestServer } from '../support/rest-server.js';

let server: RestServer;
const events: DomainEvent[] = [];
beforeAll(async () => {
  server = await startRestServer();
  server.events.subscribe({ accountId }, (event) => events.push(event));
});
afterAll(() => server.close());

async function send(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await server.request(method, path, body);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

async function member(fields: object = {}): Promise<{ id: string; session: string; leg: LiveLeg }> {
  const { id: session } = (await send('POST', '/sessions', {})).body as { id: string };
  const created = (await send('POST', '/participants', fields)).body as {
    participant: { id: string };
    token: string;
  };
  const { id } = created.participant;
  await send('PUT', `/sessions/${session}/participants/${id}`, { sessionId: session });
  return { id, session, leg: await server.connect(created.token) };
}

const ofType = (type: DomainEvent['type'], participantId: string) =>
  events.filter((event) => event.type === type && event.participantId === participantId);

describe('A participant', () => {
  it('is changed in what is given, and everybody is told', async () => {
    const { id } = await member({ tag: 'caller', attributes: { seat: '12', vip: 'yes' } });
    const path = `/participants/${id}`;
    const change = { displayName: 'Ann', attributes: { vip: null, hand: 'raised' } };
    expect(await send('PATCH', path, change)).toMatchObject({
      status: 200,
      body: { id, displayName: 'Ann', tag: 'caller', attributes: { seat: '12', hand: 'raised' } },
    });
    expect((await send('GET', path)).body).toMatchObject({ attributes: { seat: '12', hand: 'raised' } });
    expect(ofType('participant.updated', id)).toMatchObject([
      {
        tag: 'caller',
        data: {
          displayName: 'Ann',
          attributes: { seat: '12', hand: 'raised' },
          publishPermissions: ['AUDIO', 'VIDEO'],
        },
      },
    ]);
    expect((await send('PATCH', path, { displayName: null, tag: 'vip' })).body).not.toHaveProperty(
      'displayName',
    );
    server.media.ofParticipant(id).listener.onHeld(true);
    expect(ofType('call.held', id)).toMatchObject([{ tag: 'vip' }]);
    expect(await send('PATCH', path, {})).toMatchObject({ status: 200, body: { tag: 'vip' } });
  });

  it('publishes from then on what it may, and no more', async () => {
    const { id, leg } = await member();
    const path = `/participants/${id}`;
    await send('PATCH', path, { publishPermissions: [] });
    expect(leg.streams).toEqual([]);
    expect(ofType('stream.unpublished', id)).toHaveLength(1);
    await send('PATCH', path, { publishPermissions: ['AUDIO'] });
    expect(leg.streams).toMatchObject([{ alias: 'microphone' }]);
    expect(ofType('stream.published', id)).toHaveLength(2);
    await send('PATCH', path, { publishPermissions: ['AUDIO'] });
    expect(server.media.ofParticipant(id).log.filter((line) => line.startsWith('may publish'))).toHaveLength(
      2,
    );
  });

  it.each([
    [{ displayName: '' }],
    [{ displayName: 'x'.repeat(101) }],
    [{ tag: 'x'.repeat(51) }],
    [{ publishPermissions: null }],
    [{ publishPermissions: ['AUDIO', 'AUDIO'] }],
    [{ publishPermissions: ['SMELL'] }],
    [{ attributes: { a: 1 } }],
    [{ attributes: { a: 'x'.repeat(257) } }],
    [{ attributes: { ['x'.repeat(257)]: 'a' } }],
    [{ attributes: [] }],
    [{ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, 'x'])) }],
    ['text'],
    [null],
    [undefined],
  ])('is not changed by %j', async (body) => {
    const { id } = await member();
    expect((await send('PATCH', `/participants/${id}`, body)).status).toBe(400);
    expect(ofType('participant.updated', id)).toEqual([]);
  });

  it('has at most 32 attributes, also by and by', async () => {
    const { id } = await member();
    for (let i = 0; i < 32; i += 1) {
      expect((await send('PATCH', `/participants/${id}`, { attributes: { [`a${i}`]: '' } })).status).toBe(
        200,
      );
    }
    expect(await send('PATCH', `/participants/${id}`, { attributes: { more: '' } })).toMatchObject({
      status: 400,
      body: { error: 'A participant has at most 32 attributes' },
    });
    const swapped = await send('PATCH', `/participants/${id}`, { attributes: { more: '', a0: null } });
    expect(swapped.status).toBe(200);
    const named = await send('PATCH', `/participants/${id}`, '{"attributes":{"__proto__x":"1"}}');
    expect(named.status).toBe(400);
  });

  it('that is not there is not found', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    expect((await send('PATCH', `/participants/${nobody}`, {})).status).toBe(404);
  });
});

describe('A stream', () => {
  it('is muted and unmuted by alias or id, told once each', async () => {
    const { id, session, leg } = await member();
    const [stream] = leg.streams;
    const streams = `/sessions/${session}/participants/${id}/streams`;
    const muted = async () => {
      const listed = (await send('GET', `/sessions/${session}/streams`)).body as { muted: boolean }[];
      return listed.map((one) => one.muted);
    };
    for (let twice = 0; twice < 2; twice += 1) {
      expect((await send('POST', `${streams}/${stream?.streamId}/mute`)).status).toBe(204);
      expect(await muted()).toEqual([true]);
    }
    expect((await send('POST', `${streams}/microphone/unmute`)).status).toBe(204);
    expect(await muted()).toEqual([false]);
    const data = { alias: 'microphone', streamId: stream?.streamId };
    expect(ofType('stream.muted', id)).toMatchObject([{ sessionId: session, data }]);
    expect(ofType('stream.unmuted', id)).toMatchObject([{ sessionId: session, data }]);
  });

  it('may be muted before it is there, whatever its name, and until its participant is removed', async () => {
    const { id, session } = await member();
    const name = 'écran/de Zoë?#%';
    const path = `/sessions/${session}/participants/${id}`;
    expect((await send('POST', `${path}/streams/${encodeURIComponent(name)}/mute`)).status).toBe(204);
    expect(ofType('stream.muted', id)).toMatchObject([{ data: { alias: name, streamId: null } }]);
    server.media.ofParticipant(id).publish(name, 'microphone');
    const listed = async () => (await send('GET', `/sessions/${session}/streams`)).body;
    expect(await listed()).toMatchObject([
      { alias: name, muted: true, participantId: id, legKind: 'phone', receivers: [] },
      { alias: 'microphone', muted: false },
    ]);
    await send('DELETE', path);
    expect(await listed()).toEqual([]);
    await send('PUT', path, { sessionId: session });
    expect(await listed()).toMatchObject([{ muted: false }, { muted: false }]);
  });

  it('of nobody, of another session, or that has ended is not found', async () => {
    const [one, two] = [await member(), await member()];
    const mute = async (session: string, id: string, stream = 'microphone') =>
      (await send('POST', `/sessions/${session}/participants/${id}/streams/${stream}/mute`)).status;
    expect(await mute(two.session, one.id)).toBe(404);
    expect(await mute('00000000-0000-4000-8000-000000000000', one.id)).toBe(404);
    expect(await mute(one.session, '00000000-0000-4000-8000-000000000000')).toBe(404);
    expect(await mute(one.session, one.id, `${one.id}.ended`)).toBe(404);
    expect(await mute(one.session, one.id, two.leg.streams[0]?.streamId)).toBe(204);
    expect((await send('GET', '/sessions/00000000-0000-4000-8000-000000000000/streams')).status).toBe(404);
    expect(await mute(one.session, one.id, 'x'.repeat(257))).toBe(400);
  });

  it('is one of at most 64 that are muted of one participant', async () => {
    const { id, session } = await member();
    const mute = async (alias: string) =>
      (await send('POST', `/sessions/${session}/participants/${id}/streams/${alias}/mute`)).status;
    for (let i = 0; i < 64; i += 1) expect(await mute(`a${i}`)).toBe(204);
    expect(await mute('more')).toBe(409);
    expect(await mute('a1')).toBe(204);
  });
});
