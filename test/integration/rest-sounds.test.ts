import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger } from '../../src/domain/logger.js';
import { accountId, basic, startRestServer, type RestServer } from '../support/rest-server.js';
import { makeSmallDisk, smallDiskIsPossible } from '../support/small-disk.js';
import { waitFor } from '../support/wait-for.js';
import { wavFile } from '../support/wav-file.js';

let directory: string;
let server: RestServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-rest-'));
  server = await startRestServer({ directory, maxPlaybacks: 2 });
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const ofOther = `Basic ${Buffer.from('bob:secret').toString('base64')}`;

function upload(
  name: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${server.url}/v1/accounts/${accountId}/sounds/${name}`, {
    method: 'PUT',
    headers: { authorization: basic, 'content-type': 'audio/wav', ...headers },
    body,
  });
}

const file = (options: Parameters<typeof wavFile>[0]) => new Uint8Array(wavFile(options));

async function newcomer(kind: 'phone' | 'browser' | 'absent' = 'phone', sessionId: string | null = null) {
  const created = await server.request('POST', '/participants', {});
  const { participant, token } = (await created.json()) as { participant: { id: string }; token: string };
  if (sessionId !== null) {
    await server.request('PUT', `/sessions/${sessionId}/participants/${participant.id}`, { sessionId });
  }
  if (kind !== 'absent') await server.connect(token, kind);
  return participant.id;
}

describe('Sounds', () => {
  it('are uploaded, listed, described, downloaded whole and in part, and deleted', async () => {
    const wav = wavFile({ seconds: 1 });
    const put = await upload('welcome', new Uint8Array(wav));
    expect(put.status).toBe(200);
    const sound = (await put.json()) as object;
    expect(sound).toMatchObject({ name: 'welcome', bytes: 16_044, durationMs: 1000, sampleRateHz: 8000 });
    expect(await (await server.request('GET', '/sounds')).json()).toEqual([sound]);
    expect(await (await server.request('GET', '/sounds/welcome')).json()).toEqual(sound);

    const whole = await server.request('GET', '/sounds/welcome/media');
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': '16044',
      'accept-ranges': 'bytes',
      'content-disposition': 'attachment; filename="welcome.wav"',
      'x-content-type-options': 'nosniff',
    });
    expect(Buffer.from(await whole.arrayBuffer()).equals(wav)).toBe(true);
    const part = await server.request('GET', '/sounds/welcome/media', undefined, { range: 'bytes=0-3' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 0-3/16044',
      'RIFF',
    ]);
    const none = await server.request('GET', '/sounds/welcome/media', undefined, { range: 'bytes=99999-' });
    expect([none.status, none.headers.get('content-range')]).toEqual([416, 'bytes */16044']);
    // We tell no validator: what somebody holds a part of may be another sound.
    const conditional = { range: 'bytes=0-3', 'if-range': '"of another server"' };
    expect((await server.request('GET', '/sounds/welcome/media', undefined, conditional)).status).toBe(200);
    const head = await server.request('HEAD', '/sounds/welcome/media', undefined, { range: 'bytes=0-3' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '16044']);

    expect((await server.request('DELETE', '/sounds/welcome')).status).toBe(204);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/media'],
      ['DELETE', ''],
    ] as const) {
      expect((await server.request(method, `/sounds/welcome${path}`)).status).toBe(404);
    }
  });

  it('are no other account’s, whatever path is tried', async () => {
    await upload('welcome', file({ seconds: 1 }));
    const asOther = (path: string) =>
      fetch(`${server.url}/v1/accounts/other${path}`, { headers: { authorization: ofOther } });
    expect((await asOther('/sounds/welcome')).status).toBe(404);
    expect(await (await asOther('/sounds')).json()).toEqual([]);
    const [, path = ''] = /\/([0-9a-f]{40})\//.exec(await pathOf('welcome')) ?? [];
    for (const name of [`..%2f${path}%2fwelcome`, '%2e%2e%2fx', 'a%00b', 'ä', 'x'.repeat(65)]) {
      expect([400, 404]).toContain((await asOther(`/sounds/${name}`)).status);
    }
  });

  it('that cannot be taken are refused, and nothing of them stays', async () => {
    const status = async (answer: Promise<Response>) => (await answer).status;
    expect(await status(upload('bad', 'no sound at all'))).toBe(400);
    expect(await status(upload('bad', file({ seconds: 1 }), { 'content-type': 'audio/mpeg' }))).toBe(415);
    expect(await status(upload('bad', '{}', { 'content-type': 'application/json' }))).toBe(415);
    expect(await status(upload('bad', file({ seconds: 2.5 })))).toBe(413);
    expect(await status(upload('bad', new Uint8Array(3_000_000)))).toBe(413);
    expect(await status(upload('no%20name', file({ seconds: 1 })))).toBe(400);
    for (const name of ['a', 'b', 'c']) expect(await status(upload(name, file({ seconds: 1 })))).toBe(200);
    expect(await status(upload('d', file({ seconds: 1 })))).toBe(409);
    expect(await status(upload('c', file({ seconds: 2 })))).toBe(200);
    expect(await (await server.request('GET', '/sounds')).json()).toHaveLength(3);
    const stranger = await fetch(`${server.url}/v1/accounts/${accountId}/sounds/x`, {
      method: 'PUT',
      headers: { 'content-type': 'audio/wav' },
      body: file({ seconds: 1 }),
    });
    expect(stranger.status).toBe(401);
    const missing = await server.request('PUT', '/sounds/x');
    expect([400, 415]).toContain(missing.status);
  });
});

it('A sound whose upload is broken off leaves no trace, and is no fault of ours', async () => {
  const faults: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (fields) => faults.push(fields), child: () => logger };
  await server.close();
  server = await startRestServer({ directory, logger });
  const client = connect(server.port, '127.0.0.1');
  const head = [
    `PUT /v1/accounts/${accountId}/sounds/half HTTP/1.1`,
    ...['Host: x', `Authorization: ${basic}`, 'Content-Type: audio/wav', 'Content-Length: 100000'],
  ];
  client.write(`${head.join('\r\n')}\r\n\r\n`);
  client.write(file({ seconds: 1 }));
  const ofAccount = () => readdir(join(directory, 'sounds'), { recursive: true });
  await waitFor('the upload has begun', async () =>
    (await ofAccount()).some((name) => name.endsWith('.tmp')),
  );
  client.destroy();
  await waitFor('it is given up', async () => !(await ofAccount()).some((name) => name.includes('.')));
  expect(await (await server.request('GET', '/sounds')).json()).toEqual([]);
  expect(faults).toEqual([]);
});

describe.skipIf(!smallDiskIsPossible)('A sound for a full disk (skipped: needs root)', () => {
  it('is answered 507, and nothing of it stays', async () => {
    const disk = await makeSmallDisk(100);
    const beside = join(directory, 'beside');
    await mkdir(beside);
    await symlink(disk.path, join(beside, 'sounds'));
    const small = await startRestServer({ directory: beside });
    try {
      const answer = await fetch(`${small.url}/v1/accounts/${accountId}/sounds/large`, {
        method: 'PUT',
        headers: { authorization: basic, 'content-type': 'audio/wav' },
        body: file({ seconds: 2, channels: 2, sampleRateHz: 48_000 }),
      });
      expect(answer.status).toBe(507);
      expect(await answer.json()).toMatchObject({ error: 'The disk has no room for a sound' });
      const entries = await readdir(disk.path, { recursive: true, withFileTypes: true });
      expect(entries.filter((entry) => entry.isFile())).toEqual([]);
    } finally {
      await small.close();
      await disk.remove();
    }
  });
});

/** Where the file of a sound is, as a phone would be told. */
async function pathOf(sound: string): Promise<string> {
  const participantId = await newcomer();
  await server.request('POST', `/participants/${participantId}/play`, { sound });
  const playing = server.media.ofParticipant(participantId).playing?.sound;
  return playing?.kind === 'file' ? playing.path : '';
}

describe('Playing to a phone', () => {
  it('begins, is looked at, and is stopped', async () => {
    await upload('welcome', file({ seconds: 1 }));
    const id = await newcomer();
    const answer = await server.request('POST', `/participants/${id}/play`, {
      ...{ sound: 'welcome', times: 'untilStopped', mode: 'instead' },
    });
    expect(answer.status).toBe(201);
    const playback = (await answer.json()) as { playbackId: string };
    expect(playback).toMatchObject({
      ...{ participantId: id, sound: 'welcome', times: 'untilStopped', mode: 'instead' },
    });
    expect(await (await server.request('GET', `/participants/${id}/play`)).json()).toEqual([playback]);
    expect(server.media.ofParticipant(id).playing).toMatchObject({ times: null, mode: 'instead' });
    const path = `/participants/${id}/play/${playback.playbackId}`;
    expect((await server.request('DELETE', path)).status).toBe(204);
    expect((await server.request('DELETE', path)).status).toBe(404);
    expect((await server.request('DELETE', `/participants/${id}/play`)).status).toBe(204);
    expect(await (await server.request('GET', `/participants/${id}/play`)).json()).toEqual([]);
  });

  it('takes tones within their limits', async () => {
    const id = await newcomer();
    const play = async (body: object) =>
      (await server.request('POST', `/participants/${id}/play`, body)).status;
    const tone = { frequenciesHz: [440], durationMs: 500 };
    expect(await play({ tone })).toBe(201);
    expect(server.media.ofParticipant(id).playing?.sound).toEqual({ kind: 'tone', ...tone, levelDb: -12 });
    for (const bad of [
      {},
      { tone, sound: 'both' },
      { tone: { ...tone, frequenciesHz: [] } },
      { tone: { ...tone, frequenciesHz: [1, 2, 3] } },
      { tone: { ...tone, frequenciesHz: [5000] } },
      { tone: { ...tone, durationMs: 1 } },
      { tone: { ...tone, levelDb: 3 } },
      { tone, times: 0 },
      { tone, times: 1001 },
      { tone, times: 'forever' },
      { tone, mode: 'under' },
      { sound: '../x' },
      null,
      [],
      'text',
    ]) {
      expect(await play(bad as object), JSON.stringify(bad)).toBe(400);
    }
  });

  it('needs a connected phone of the account, and a sound', async () => {
    await upload('welcome', file({ seconds: 1 }));
    const play = async (id: string, sound = 'welcome') =>
      (await server.request('POST', `/participants/${id}/play`, { sound })).status;
    expect(await play(await newcomer('absent'))).toBe(409);
    expect(await play(await newcomer('browser'))).toBe(409);
    expect(await play(await newcomer(), 'unknown')).toBe(404);
    expect(await play('0b7c5f0e-6c1c-4f5e-9d0b-7a2f3f1d9c11')).toBe(404);
    const id = await newcomer();
    const asOther = await fetch(`${server.url}/v1/accounts/other/participants/${id}/play`, {
      method: 'POST',
      headers: { authorization: ofOther, 'content-type': 'application/json' },
      body: '{"sound":"welcome"}',
    });
    expect(asOther.status).toBe(404);
  });

  it('goes to every phone of a session, up to how many may be played at once', async () => {
    const session = (await (await server.request('POST', '/sessions', {})).json()) as { id: string };
    const play = () =>
      server.request('POST', `/sessions/${session.id}/play`, {
        tone: { frequenciesHz: [440], durationMs: 500 },
      });
    expect(await (await play()).json()).toEqual({ playbacks: [] });
    const id = await newcomer('phone', session.id);
    await newcomer('browser', session.id);
    const { playbacks } = (await (await play()).json()) as { playbacks: { participantId: string }[] };
    expect(playbacks.map(({ participantId }) => participantId)).toEqual([id]);
    await newcomer('phone', session.id);
    const tooMany = await play();
    expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([503, '1']);
  });
});
