import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger } from '../../src/domain/logger.js';
import { startRestServer, type RestServer } from '../support/rest-server.js';

let directory: string;
let server: RestServer;
let sessionId: string;
async function start(recordingLimits: Parameters<typeof startRestServer>[0] = {}) {
  server = await startRestServer({ directory, ...recordingLimits });
  sessionId = ((await (await server.request('POST', '/sessions', {})).json()) as { id: string }).id;
}
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-rest-'));
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

interface Recording {
  readonly id: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

const record = (body: object = {}, headers: Record<string, string> = {}) =>
  server.request('POST', `/sessions/${sessionId}/recordings`, body, headers);
const recorded = async (body: object = {}) => (await (await record(body)).json()) as Recording;

describe('Recordings', () => {
  it('begin, are listed and looked at, stopped, downloaded and deleted', async () => {
    await start();
    const answer = await record({ tag: 'support', format: 'wav' });
    expect(answer.status).toBe(201);
    const recording = (await answer.json()) as Recording;
    const { id, ...rest } = recording;
    expect(rest).toEqual({
      ...{ sessionId, tag: 'support', format: 'wav', state: 'recording', durationMs: null, bytes: 0 },
      ...{ startedAt: rest['startedAt'], endedAt: null },
    });
    const [media] = server.media.recordings;
    expect(media?.request.path).toBe(join(directory, 'recordings', `${id}.wav`));
    await writeFile(media?.request.path ?? '', 'RIFF and what was said');
    expect((await server.request('GET', `/recordings/${id}/media`)).status).toBe(409);
    expect((await server.request('GET', `/recordings/${id}`)).status).toBe(200);

    if (media !== undefined) media.result = { durationMs: 4000, bytes: 22 };
    const stopped = await server.request('POST', `/recordings/${id}/stop`);
    expect([stopped.status, await stopped.json()]).toEqual([
      200,
      expect.objectContaining({ id, state: 'completed', reason: 'stopped', durationMs: 4000, bytes: 22 }),
    ]);
    const file = await server.request('GET', `/recordings/${id}/media`);
    expect(file.headers.get('content-type')).toBe('audio/wav');
    expect(file.headers.get('content-length')).toBe('22');
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="${id}.wav"`);
    expect(await file.text()).toBe('RIFF and what was said');
    const part = await server.request('GET', `/recordings/${id}/media`, undefined, { range: 'bytes=-4' });
    expect([part.status, await part.text()]).toEqual([206, 'said']);

    expect((await server.request('DELETE', `/recordings/${id}`)).status).toBe(204);
    expect(await readdir(join(directory, 'recordings'))).toEqual([]);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/media'],
      ['POST', '/stop'],
      ['DELETE', ''],
    ] as const) {
      expect((await server.request(method, `/recordings/${id}${path}`)).status).toBe(404);
    }
  });

  it('are Ogg unless told, and listed page by page, also after their session', async () => {
    await start();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.unshift((await recorded()).id);
    interface Page {
      readonly recordings: Recording[];
      readonly next: string | null;
    }
    const page = async (path: string) => (await (await server.request('GET', path)).json()) as Page;
    const ofSession = await page(`/sessions/${sessionId}/recordings?limit=2`);
    expect(ofSession.recordings.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(ofSession.recordings[0]?.['format']).toBe('ogg');
    const rest = await page(`/sessions/${sessionId}/recordings?limit=2&after=${ofSession.next ?? ''}`);
    expect(rest).toMatchObject({ recordings: [{ id: ids[2] }], next: null });
    await server.request('DELETE', `/sessions/${sessionId}`);
    expect((await server.request('GET', `/sessions/${sessionId}/recordings`)).status).toBe(404);
    expect((await page(`/recordings?sessionId=${sessionId}`)).recordings).toHaveLength(3);
    expect((await page('/recordings')).recordings).toHaveLength(3);
    expect((await server.request('GET', '/recordings?after=x')).status).toBe(400);
  });

  it('are one for one idempotency key', async () => {
    await start();
    const key = { 'idempotency-key': 'take-1' };
    const [one, other] = await Promise.all([record({}, key), record({}, key)]);
    expect([one.status, other.status]).toEqual([201, 201]);
    expect(((await one.json()) as Recording).id).toBe(((await other.json()) as Recording).id);
    expect((await record({ format: 'wav' }, key)).status).toBe(409);
  });

  it('are refused with what it is that does not allow them', async () => {
    const faults: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (fields) => faults.push(fields), child: () => logger };
    await start({ recordingLimits: { maxAtOnce: 1, minFreeBytes: 0, maxBytesPerAccount: 40 }, logger });
    const absent = (await (await server.request('POST', '/participants', {})).json()) as {
      participant: { id: string };
    };
    const participantId = absent.participant.id;
    expect((await record({ participantId })).status).toBe(404);
    await server.request('PUT', `/sessions/${sessionId}/participants/${participantId}`, { sessionId });
    expect((await record({ participantId })).status).toBe(409);
    for (const bad of [{ format: 'mp3' }, { tag: 'x'.repeat(51) }, { participantId: 'x' }, [], 'text']) {
      expect((await record(bad as object)).status).toBe(400);
    }
    const gone = await server.request('POST', `/sessions/${participantId}/recordings`, {});
    expect(gone.status).toBe(404);
    const { id } = await recorded();
    const tooMany = await record();
    expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([503, '1']);
    await server.request('POST', `/recordings/${id}/stop`);
    const full = await record();
    expect([full.status, await full.json()]).toEqual([
      507,
      expect.objectContaining({ error: 'The account’s recordings are as large as they may be' }),
    ]);
    expect(faults).toEqual([]);
  });

  it('are no other account’s', async () => {
    await start();
    const { id } = await recorded();
    const asOther = async (method: string, path: string) => {
      const authorization = `Basic ${Buffer.from('bob:secret').toString('base64')}`;
      const answer = await fetch(`${server.url}/v1/accounts/other${path}`, {
        method,
        headers: { authorization },
      });
      return answer.status;
    };
    expect(await asOther('GET', `/recordings/${id}`)).toBe(404);
    expect(await asOther('GET', `/recordings/${id}/media`)).toBe(404);
    expect(await asOther('POST', `/recordings/${id}/stop`)).toBe(404);
    expect(await asOther('DELETE', `/recordings/${id}`)).toBe(404);
    expect(await asOther('POST', `/sessions/${sessionId}/recordings`)).toBe(404);
    expect(await asOther('GET', `/sessions/${sessionId}/recordings`)).toBe(404);
    expect((await server.request('GET', `/recordings/${id}`)).status).toBe(200);
  });

  it('whose file somebody took away are 404 for that alone', async () => {
    await start();
    const { id } = await recorded();
    await server.request('POST', `/recordings/${id}/stop`);
    expect((await server.request('GET', `/recordings/${id}/media`)).status).toBe(404);
    expect((await server.request('GET', `/recordings/${id}`)).status).toBe(200);
  });
});
