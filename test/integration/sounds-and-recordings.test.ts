/** What phones are played and what is recorded, proved by sound, over a whole gateway. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { overallLevel } from '../../src/media/worker/sound/dominant-frequency.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import { formatWav, readWavMono } from '../../src/media/worker/sound/wav.js';
import type { EventFollower } from '../support/events.js';
import { callGateway } from '../support/gateway-phone.js';
import { phoneHears, phoneHearsNot } from '../support/phone-hearing.js';
import { TestGateway } from '../support/start-gateway.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
let events: EventFollower;
let directory: string;
const calls: Awaited<ReturnType<typeof callGateway>>[] = [];

async function start(environment: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start({
    environment: { LANDBRIDGE_RECORDINGS_MIN_FREE_BYTES: '0', ...environment },
  });
  events = await gateway.follow();
}
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-sounds-'));
});
afterEach(async () => {
  await Promise.all(calls.splice(0).map((call) => call.close()));
  await events.close();
  await gateway.stop();
  await rm(directory, { recursive: true });
});

function toneFile(frequencyHz: number, seconds: number, sampleRateHz = 8000): Buffer {
  const samples = new Tone(frequencyHz, sampleRateHz).fill(new Int16Array(seconds * sampleRateHz));
  return formatWav(samples, sampleRateHz);
}

async function upload(name: string, file: Buffer): Promise<void> {
  const answer = await fetch(`${gateway.rest.base}/sounds/${name}`, {
    method: 'PUT',
    headers: { ...gateway.rest.headers, 'content-type': 'audio/wav' },
    body: new Uint8Array(file),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

/** A phone in the session that says a tone, or nothing. */
async function phone(sessionId: string, toneHz?: number) {
  const { id, token } = await gateway.rest.newcomer(sessionId);
  const call = await callGateway(gateway, token, toneHz === undefined ? {} : { toneHz });
  calls.push(call);
  await events.wait('participant.joined', ({ participantId }) => participantId === id);
  return { id, call };
}

interface Recording {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly durationMs: number | null;
  readonly bytes: number;
}

const record = (sessionId: string, body: object = {}) =>
  gateway.rest.done<Recording>('POST', `/sessions/${sessionId}/recordings`, body);
const stop = (id: string) => gateway.rest.done<Recording>('POST', `/recordings/${id}/stop`);

async function download(id: string): Promise<Buffer> {
  const { base, headers } = gateway.rest;
  const answer = await fetch(`${base}/recordings/${id}/media`, { headers });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

/** Until the file has grown to hold so much more WAV sound than when this is asked. */
async function recorded(id: string, moreSeconds: number): Promise<void> {
  const path = join(gateway.dataDirectory, 'recordings', `${id}.wav`);
  const until = statSync(path).size + moreSeconds * 16_000;
  await waitFor('the file has grown', () => statSync(path).size >= until);
}

describe('Playing', () => {
  it('an uploaded sound and a tone are heard by the phone alone, until they are stopped or over', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    const one = await phone(sessionId);
    const other = await phone(sessionId, 1000);
    await upload('welcome', toneFile(700, 1, 44_100));
    const play = (body: object) =>
      gateway.rest.done<{ playbackId: string }>('POST', `/participants/${one.id}/play`, body);

    const over = await play({ sound: 'welcome', times: 'untilStopped' });
    await phoneHears(one, 700);
    await phoneHears(one, 1000);
    await play({
      ...{ tone: { frequenciesHz: [1500], durationMs: 1000 }, times: 'untilStopped' },
      mode: 'instead',
    });
    await events.wait('playback.ended', ({ data }) => data.how === 'replaced');
    await phoneHears(one, 1500);
    await phoneHearsNot(one, 1000);
    await gateway.rest.done('DELETE', `/participants/${one.id}/play`);
    await phoneHears(one, 1000);
    await phoneHearsNot(one, 1500);
    expect(other.call.heard.hears(700, 200)).toBe(false);

    const once = await play({ sound: 'welcome' });
    await events.wait(
      'playback.ended',
      ({ data }) => data.playbackId === once.playbackId && data.how === 'completed',
    );
    await play({ sound: 'welcome', times: 1000 });
    expect((await gateway.metrics()).get('landbridge_playbacks')).toBe(1);
    await one.call.hangUp();
    await events.wait('playback.ended', ({ data }) => data.how === 'leg-ended');
    expect(events.ofType('playback.started').map(({ data }) => data.sound)).toEqual([
      ...['welcome', null, 'welcome', 'welcome'],
    ]);
    expect(events.ofType('playback.ended')[0]?.data).toMatchObject({ playbackId: over.playbackId });
    expect((await gateway.metrics()).get('landbridge_playbacks')).toBe(0);
  });

  it('hold music is what a caller hears who is alone, until somebody is there', async () => {
    const holdMusic = join(directory, 'hold.wav');
    writeFileSync(holdMusic, toneFile(600, 2));
    await start({ LANDBRIDGE_SOUNDS_HOLD_MUSIC: holdMusic });
    const sessionId = await gateway.rest.createSession();
    const one = await phone(sessionId);
    await phoneHears(one, 600);
    const other = await phone(sessionId, 1000);
    await phoneHears(one, 1000);
    await phoneHearsNot(one, 600);
    await other.call.hangUp();
    await phoneHears(one, 600);
  });

  it('silence is what a caller hears who is alone, where hold music is not wanted', async () => {
    await start({ LANDBRIDGE_SOUNDS_HOLD_MUSIC_WHEN_ALONE: 'false' });
    const one = await phone(await gateway.rest.createSession());
    // Longer than the hold sound is silent.
    await waitFor('four seconds', () => one.call.heard.durationMs > 4000);
    expect(overallLevel(one.call.heard.recording())).toBeLessThan(-60);
  });

  it('who joins is announced to the phones that are there', async () => {
    await start({
      LANDBRIDGE_SOUNDS_JOIN_TONE: 'true',
      LANDBRIDGE_SOUNDS_LEAVE_TONE: 'true',
      // Its notes are nearly the same.
      LANDBRIDGE_SOUNDS_HOLD_MUSIC_WHEN_ALONE: 'false',
    });
    const sessionId = await gateway.rest.createSession();
    const one = await phone(sessionId);
    const { id, token } = await gateway.rest.newcomer(sessionId);
    const heard = Promise.all([phoneHears(one, 440), phoneHears(one, 660)]);
    const call = await callGateway(gateway, token);
    calls.push(call);
    await heard;
    await events.wait('participant.joined', ({ participantId }) => participantId === id);
    expect(call.heard.hears(440, 200)).toBe(false);
  });

  it('a start with hold music that cannot be played says so', async () => {
    await start();
    const holdMusic = join(directory, 'hold.mp3');
    writeFileSync(holdMusic, 'ID3');
    await expect(
      TestGateway.start({ environment: { LANDBRIDGE_SOUNDS_HOLD_MUSIC: holdMusic } }),
    ).rejects.toThrow(/sounds\.holdMusic: \S+ cannot be used: it is no WAV file/);
  });
});

describe('Recording', () => {
  it('a session holds everybody, and a participant what it says and hears', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    const one = await phone(sessionId, 500);
    await phone(sessionId, 900);
    const third = await phone(sessionId, 1400);
    await gateway.rest.done('PUT', `/sessions/${sessionId}/participants/${one.id}/subscriptions`, {
      participants: [{ participantId: third.id }],
    });
    const whole = await record(sessionId, { format: 'wav', tag: 'whole' });
    const ofOne = await record(sessionId, { format: 'wav', participantId: one.id });
    const ogg = await record(sessionId);
    expect((await gateway.metrics()).get('landbridge_recordings_running')).toBe(3);
    await Promise.all([recorded(whole.id, 2), recorded(ofOne.id, 2)]);
    const stopped = await stop(whole.id);
    expect(stopped).toMatchObject({ state: 'completed', reason: 'stopped' });
    expect(stopped.durationMs).toBeGreaterThan(1900);
    // The file's end is written at the stop: the middle is what everybody was there for.
    const middle = (pcm: Int16Array) => pcm.subarray(8000, 15_000);
    const file = await download(whole.id);
    expect(file).toHaveLength(stopped.bytes);
    expectTones(middle(readWavMono(file)), { heard: [500, 900, 1400] });

    await one.call.hangUp();
    await events.wait('recording.stopped', ({ data }) => data.reason === 'participant-left');
    expectTones(middle(readWavMono(await download(ofOne.id))), { heard: [500, 1400], silent: [900] });

    await gateway.rest.done('DELETE', `/sessions/${sessionId}`);
    const ended = await events.wait('recording.stopped', ({ data }) => data.recordingId === ogg.id);
    expect(ended.data.reason).toBe('session-deleted');
    expect((await download(ogg.id)).toString('latin1', 0, 4)).toBe('OggS');
    expect(ended.sequence).toBeLessThan((await events.wait('session.deleted')).sequence);

    const recordings = join(gateway.dataDirectory, 'recordings');
    expect(statSync(recordings).mode & 0o777).toBe(0o700);
    expect(statSync(join(recordings, `${ogg.id}.ogg`)).mode & 0o777).toBe(0o600);
    for (const { id } of [whole, ofOne, ogg]) await gateway.rest.done('DELETE', `/recordings/${id}`);
    expect(readdirSync(recordings)).toEqual([]);
    expect(events.seen.filter(({ type }) => type === 'recording.failed')).toEqual([]);
  });

  it('holds no hold music, which whoever is alone hears', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    const one = await phone(sessionId);
    const whole = await record(sessionId, { format: 'wav' });
    const ofOne = await record(sessionId, { format: 'wav', participantId: one.id });
    const bell = phoneHears(one, 880);
    // The bell sounds every four seconds.
    await Promise.all([bell, recorded(whole.id, 4.5), recorded(ofOne.id, 4.5)]);
    for (const { id } of [whole, ofOne]) {
      await stop(id);
      expect(overallLevel(readWavMono(await download(id)))).toBeLessThan(-60);
    }
  });

  it('who is muted is not in it', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    await phone(sessionId, 500);
    const muted = await phone(sessionId, 900);
    const stream = `/sessions/${sessionId}/participants/${muted.id}/streams/microphone`;
    await gateway.rest.done('POST', `${stream}/mute`);
    const { id } = await record(sessionId, { format: 'wav' });
    await recorded(id, 2);
    await stop(id);
    expectTones(readWavMono(await download(id)).subarray(4000), { heard: [500], silent: [900] });
  });

  it('ends where the account’s quota is used up, and none begins then', async () => {
    await start({ LANDBRIDGE_RECORDINGS_MAX_BYTES_PER_ACCOUNT: '40000' });
    const sessionId = await gateway.rest.createSession();
    const { id } = await record(sessionId, { format: 'wav' });
    const ended = await events.wait('recording.stopped', ({ data }) => data.recordingId === id);
    expect(ended.data.reason).toBe('quota-exceeded');
    expect(ended.data.bytes).toBeLessThanOrEqual(40_000);
    expect(await download(id)).toHaveLength(ended.data.bytes);
    const next = await record(sessionId, { format: 'wav' }).catch((error: Error) => error.message);
    // What little is left of the quota may still hold a head.
    if (typeof next === 'string') expect(next).toContain('507');
    else await events.wait('recording.stopped', ({ data }) => data.recordingId === next.id);
  });

  it('is told as failed after kill -9, with what its file holds; files that nobody knows go', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    await phone(sessionId, 500);
    const wav = await record(sessionId, { format: 'wav' });
    const ogg = await record(sessionId);
    const path = join(gateway.dataDirectory, 'recordings', `${wav.id}.wav`);
    // What the head says is there is what is found again.
    await waitFor('two seconds are in the file', () => readWavMono(readFileSync(path)).length >= 16_000);
    await gateway.kill();
    await events.close();
    calls.splice(0).forEach((call) => void call.close());
    const recordings = join(gateway.dataDirectory, 'recordings');
    const stranger = '0b7c5f0e-6c1c-4f5e-9d0b-7a2f3f1d9c11.wav';
    for (const name of [stranger, 'mine.wav']) writeFileSync(join(recordings, name), 'RIFF');

    gateway = await gateway.restart();
    events = await gateway.follow({ after: '0b7c5f0e-6c1c-4f5e-9d0b-7a2f3f1d9c11' });
    for (const id of [wav.id, ogg.id]) {
      const failed = await events.wait('recording.failed', ({ data }) => data.recordingId === id);
      expect(failed).toMatchObject({ sessionId, data: { reason: 'gateway-restarted' } });
    }
    const kept = await gateway.rest.done<Recording>('GET', `/recordings/${wav.id}`);
    expect(kept).toMatchObject({ state: 'failed', reason: 'gateway-restarted' });
    expect(kept.durationMs).toBeGreaterThanOrEqual(2000);
    const file = await download(wav.id);
    expect(file).toHaveLength(kept.bytes);
    expectTones(readWavMono(file).subarray(8000, 16_000), { heard: [500] });
    expect(readdirSync(recordings).sort()).toEqual([`${wav.id}.wav`, `${ogg.id}.ogg`, 'mine.wav'].sort());
  });

  it('that a dead worker made has failed; a gateway that stops completes its own', async () => {
    await start();
    const sessionId = await gateway.rest.createSession();
    await phone(sessionId, 500);
    const lost = await record(sessionId, { format: 'wav' });
    await recorded(lost.id, 1);
    for (const pid of gateway.workers()) process.kill(pid, 'SIGKILL');
    const failed = await events.wait('recording.failed');
    expect(failed.data).toMatchObject({ recordingId: lost.id, reason: 'media-lost' });
    expect(failed.data.bytes).toBeGreaterThan(10_000);
    const kept = await waitFor('a worker records again', () => record(sessionId).catch(() => null));
    await events.close();
    await gateway.stop({ keepData: true });
    gateway = await gateway.restart();
    events = await gateway.follow();
    expect(await gateway.rest.done('GET', `/recordings/${kept.id}`)).toMatchObject({
      ...{ state: 'completed', reason: 'gateway-stopping' },
    });
  });

  it('in a directory of another gateway are not touched by one that is given it, too', async () => {
    await start({ LANDBRIDGE_RECORDINGS_DIRECTORY: directory });
    const { id } = await record(await gateway.rest.createSession());
    await gateway.rest.done('POST', `/recordings/${id}/stop`);
    await expect(
      TestGateway.start({ environment: { LANDBRIDGE_RECORDINGS_DIRECTORY: directory } }),
    ).rejects.toThrow('recordings.directory: it belongs to the gateway');
    expect(readdirSync(directory)).toContain(`${id}.ogg`);
  });
});
