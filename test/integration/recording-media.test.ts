import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import type {
  MediaLeg,
  MediaRecording,
  OpenRecordingRequest,
  RecordingFormat,
  RecordingResult,
} from '../../src/domain/media-plane.js';
import { createMediaPlane, type WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import { levelAt, overallLevel } from '../../src/media/worker/sound/dominant-frequency.js';
import { readWavMono } from '../../src/media/worker/sound/wav.js';
import { MediaOwner } from '../support/media-owner.js';
import { readOggOpus, readOggPages } from '../support/ogg-opus.js';
import { makeSmallDisk, type SmallDisk, smallDiskIsPossible } from '../support/small-disk.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';
import { mainConnection } from '../../src/domain/media-plane.js';

const rtpPorts = await takeRtpPorts(200);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Caller {
  readonly phone: TestPhone;
  readonly leg: MediaLeg;
  readonly streamId: string;
}

/** Real worker processes, real files: proved by the tones that are in them. */
describe('recordings of media workers', () => {
  let plane: WorkerMediaPlane;
  let directory: string;
  let callers: Caller[];
  let ended: { reason: string; result: RecordingResult | null }[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-recordings-'));
    callers = [];
    ended = [];
    plane = await createMediaPlane({
      workers: 2,
      rtpPorts,
      bindAddress: '127.0.0.1',
      logger: silent,
      clock: systemClock,
      workerEntry: inject('workerEntry'),
    });
  });
  afterEach(async () => {
    for (const { phone } of callers) phone.close();
    await plane.close();
    await rm(directory, { recursive: true });
  });

  async function call(sessionId: string, toneHz: number): Promise<Caller> {
    const phone = await TestPhone.open();
    const owner = new MediaOwner();
    const leg = await plane.openLeg({
      legId: `leg-${callers.length}`,
      participantId: `participant-${callers.length}`,
      sessionId,
      ...mainConnection('phone', phone.sdp()),
      mayPublish: ['AUDIO'],
      listener: owner,
    });
    phone.talk(portOf(leg.connection('main').localDescription), toneHz);
    await owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    const caller = { phone, leg, streamId: owner.streams[0]!.streamId };
    callers.push(caller);
    return caller;
  }

  const pathOf = (format: RecordingFormat): string => join(directory, `recording.${format}`);

  function record(
    format: RecordingFormat,
    request: Partial<OpenRecordingRequest> = {},
  ): Promise<MediaRecording> {
    return plane.openRecording({
      recordingId: 'recording',
      sessionId: 's1',
      path: pathOf(format),
      format,
      maxBytes: 100_000_000,
      maxDurationMs: 600_000,
      listener: { onEnded: (reason, result) => void ended.push({ reason, result }) },
      ...request,
    });
  }

  async function read(format: RecordingFormat, path = pathOf(format)): Promise<Int16Array> {
    const file = await readFile(path);
    return format === 'ogg' ? readOggOpus(file) : readWavMono(file);
  }

  const recorded = (recording: MediaRecording, ms: number): Promise<unknown> =>
    waitFor(`${ms} ms are recorded`, async () => ((await recording.size())?.durationMs ?? 0) >= ms);

  /** The second half, when everything that begins has begun. */
  const later = (pcm: Int16Array): Int16Array => pcm.subarray(pcm.length / 2);

  describe.each(['wav', 'ogg'] as const)('as %s', (format) => {
    it('hold what both phones say, for as long as it was recorded', async () => {
      const [a, b] = [await call('s1', 440), await call('s1', 1000)];
      const beganMs = performance.now();
      const recording = await record(format);
      await recording.receive([a.streamId, b.streamId]);
      await recorded(recording, 2000);
      const result = await recording.stop();
      const tookMs = performance.now() - beganMs;
      const pcm = await read(format);
      expect(result).toEqual({ durationMs: pcm.length / 8, bytes: (await stat(pathOf(format))).size });
      // No time is left out, and none made up.
      expect(pcm.length / 8).toBeGreaterThanOrEqual(2000);
      expect(pcm.length / 8).toBeLessThanOrEqual(tookMs + 40);
      expectTones(later(pcm), { heard: [440, 1000], silent: [1700] });
      expect((await stat(pathOf(format))).mode & 0o777).toBe(0o600);
      expect(await recording.stop()).toEqual(result);
      expect(ended).toEqual([]);
    });

    it('hold what comes from another worker', async () => {
      const [a, b] = [await call('s1', 440), await call('s2', 1000)];
      expect(plane.statistics().workers.map(({ legs }) => legs)).toEqual([1, 1]);
      const recording = await record(format);
      await recording.receive([a.streamId, b.streamId]);
      await recorded(recording, 2000);
      await recording.stop();
      expectTones(later(await read(format)), { heard: [440, 1000] });
    });

    it('are silent while nobody is received, and time goes on', async () => {
      const a = await call('s1', 440);
      const recording = await record(format);
      await recorded(recording, 1000);
      await recording.receive([a.streamId]);
      await recorded(recording, 2000);
      await recording.receive([]);
      await recorded(recording, 3000);
      await recording.stop();
      const pcm = await read(format);
      expect(overallLevel(pcm.subarray(0, 7000))).toBeLessThan(-60);
      expect(levelAt(pcm.subarray(10_000, 15_000), 8000, 440)).toBeGreaterThan(-20);
      expect(overallLevel(pcm.subarray(19_000))).toBeLessThan(-60);
    });

    it('are readable after their worker was killed, as far as they go', async () => {
      const a = await call('s1', 440);
      const recording = await record(format);
      await recording.receive([a.streamId]);
      await recorded(recording, 3500);
      const worker = plane.statistics().workers.find(({ legs }) => legs === 1);
      process.kill(worker?.pid ?? 0, 'SIGKILL');
      await waitFor('the recording has ended', () => ended.length > 0);
      expect(ended).toEqual([{ reason: 'media-lost', result: null }]);
      expect(await recording.stop()).toBeNull();
      const pcm = await read(format);
      expect(pcm.length).toBeGreaterThan(8000);
      expectTones(later(pcm), { heard: [440] });
      await expect(recording.receive([])).rejects.toMatchObject({ code: 'overloaded' });
    });

    it('end by themselves when they are too long or too large, complete', async () => {
      await record(format, { maxDurationMs: 1000 });
      await waitFor('the recording has ended', () => ended.length > 0);
      expect(ended[0]).toMatchObject({ reason: 'too-long', result: { durationMs: 1000 } });
      expect((await read(format)).length).toBe(8000);
      const path = join(directory, 'small');
      const maxBytes = 10_000;
      const a = await call('s1', 440);
      const recording = await record(format, { recordingId: 'small', path, maxBytes });
      await recording.receive([a.streamId]);
      await waitFor('the second has ended', () => ended.length > 1);
      const { reason, result } = ended[1]!;
      expect(reason).toBe('too-large');
      expect((await stat(path)).size).toBe(result?.bytes);
      expect(result?.bytes).toBeLessThanOrEqual(maxBytes);
      expect(result?.bytes).toBeGreaterThan(maxBytes / 2);
      expect((await read(format, path)).length).toBe((result?.durationMs ?? 0) * 8);
    });
  });

  describe.skipIf(!smallDiskIsPossible)(
    `on a disk that is full${smallDiskIsPossible ? '' : ' (skipped: only root may mount one)'}`,
    () => {
      let disk: SmallDisk;
      beforeEach(async () => (disk = await makeSmallDisk(64)));
      afterEach(async () => {
        await plane.close();
        await disk.remove();
      });

      it.each(['wav', 'ogg'] as const)('end as %s, whole as far as there was room', async (format) => {
        const a = await call('s1', 440);
        const path = join(disk.path, 'recording');
        // Room for some seconds of Opus.
        if (format === 'ogg') await writeFile(join(disk.path, 'other'), Buffer.alloc(56 * 1024));
        const recording = await record(format, { path });
        await recording.receive([a.streamId]);
        await waitFor('the recording has ended', () => ended.length > 0);
        const { reason, result } = ended[0]!;
        expect(reason).toBe('disk-full');
        const pcm = await read(format, path);
        expect(result?.bytes).toBe((await stat(path)).size);
        expect(Math.abs((result?.durationMs ?? 0) - pcm.length / 8)).toBeLessThan(1);
        expect(pcm.length).toBeGreaterThan(8000);
        expectTones(later(pcm), { heard: [440] });
        if (format === 'ogg')
          expect(readOggPages(await readFile(path)).at(-1)).toMatchObject({ flags: 4, isIntact: true });
        // The call goes on.
        await a.leg.play({
          playbackId: 'p',
          sound: { kind: 'tone', frequenciesHz: [1700], durationMs: 500, levelDb: -12 },
          times: null,
          mode: 'over',
        });
        await a.phone.listen(5);
        expectTones(await a.phone.listen(20), { heard: [1700] });
      });

      it('are refused, and leave no file', async () => {
        await expect(writeFile(join(disk.path, 'other'), Buffer.alloc(100 * 1024))).rejects.toMatchObject({
          code: 'ENOSPC',
        });
        const path = join(disk.path, 'recording');
        await expect(record('wav', { path })).rejects.toMatchObject({
          name: 'MediaRefusal',
          code: 'disk-full',
        });
        await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
      });
    },
  );

  it('end with a last page', async () => {
    const recording = await record('ogg');
    await recorded(recording, 2500);
    await recording.stop();
    const pages = readOggPages(await readFile(pathOf('ogg')));
    expect(pages.every(({ isIntact }) => isIntact)).toBe(true);
    expect(pages.map(({ flags }) => flags)).toEqual([2, ...pages.slice(2).map(() => 0), 4]);
  });

  it('are refused where a file is already, and leave it as it is', async () => {
    const recording = await record('wav');
    await recording.stop();
    const before = await readFile(pathOf('wav'));
    await expect(record('wav', { recordingId: 'second' })).rejects.toThrow('EEXIST');
    expect(await readFile(pathOf('wav'))).toEqual(before);
  });

  it('are stopped, complete, when the plane is closed', async () => {
    const recording = await record('wav');
    await recorded(recording, 500);
    await plane.close();
    expect((await read('wav')).length).toBeGreaterThanOrEqual(4000);
    expect(ended).toEqual([]);
    await expect(record('wav')).rejects.toMatchObject({ code: 'overloaded' });
  });
});
