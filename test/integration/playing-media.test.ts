import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import type { MediaLeg, Playback, Sound } from '../../src/domain/media-plane.js';
import {
  createMediaPlane,
  type MediaPlaneOptions,
  type WorkerMediaPlane,
} from '../../src/media/worker-media-plane.js';
import { overallLevel } from '../../src/media/worker/sound/dominant-frequency.js';
import { MediaOwner } from '../support/media-owner.js';
import { toneFile, type ToneFileOptions } from '../support/sound-files.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { mainConnection } from '../../src/domain/media-plane.js';

const rtpPorts = await takeRtpPorts(200);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Caller {
  readonly phone: TestPhone;
  readonly leg: MediaLeg;
  readonly owner: MediaOwner;
  readonly streamId: string;
}

const tone = (frequencyHz: number, durationMs = 500): Extract<Sound, { kind: 'tone' }> => ({
  kind: 'tone',
  frequenciesHz: [frequencyHz],
  durationMs,
  levelDb: -12,
});

/** Real worker processes, real UDP: proved by the tones that arrive. */
describe('what phones are played by media workers', () => {
  let plane: WorkerMediaPlane;
  let directory: string;
  let callers: Caller[];

  async function start(options: Partial<MediaPlaneOptions> = {}): Promise<void> {
    plane = await createMediaPlane({
      workers: 1,
      rtpPorts,
      bindAddress: '127.0.0.1',
      logger: silent,
      clock: systemClock,
      workerEntry: inject('workerEntry'),
      ...options,
    });
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-sounds-'));
    callers = [];
    await start();
  });
  afterEach(async () => {
    for (const { phone } of callers) phone.close();
    await plane.close();
    await rm(directory, { recursive: true });
  });

  async function call(toneHz: number): Promise<Caller> {
    const phone = await TestPhone.open();
    const owner = new MediaOwner();
    const leg = await plane.openLeg({
      legId: `leg-${callers.length}`,
      participantId: `participant-${callers.length}`,
      sessionId: 's',
      ...mainConnection('phone', phone.sdp()),
      mayPublish: ['AUDIO'],
      listener: owner,
    });
    phone.talk(portOf(leg.connection('main').localDescription), toneHz);
    await owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    const caller = { phone, leg, owner, streamId: owner.streams[0]!.streamId };
    callers.push(caller);
    return caller;
  }

  async function file(name: string, options?: ToneFileOptions): Promise<Sound> {
    const path = join(directory, name);
    await writeFile(path, toneFile(options));
    return { kind: 'file', path };
  }

  const playback = (sound: Sound, options: Partial<Playback> = {}): Playback => ({
    playbackId: 'sound',
    sound,
    times: null,
    mode: 'over',
    ...options,
  });

  /** Lets the sound settle, then says what is heard in 400 ms. */
  async function hear({ phone }: Caller): Promise<Int16Array> {
    await phone.listen(10);
    return phone.listen(20);
  }

  it('is heard over the one who talks, who is passed through again afterwards', async () => {
    const [a, b] = [await call(440), await call(1000)];
    await a.leg.receive({ main: [b.streamId] }, false);
    const sound = await file('over.wav', {
      frequencyHz: 1700,
      rateHz: 44_100,
      channels: 2,
      encoding: 'float',
    });
    await a.leg.play(playback(sound));
    expectTones(await hear(a), { heard: [1000, 1700], silent: [440] });
    await a.leg.stopPlaying('another');
    await a.leg.stopPlaying('sound');
    await a.owner.until(({ played }) => played.length > 0);
    expect(a.owner.played).toEqual(['sound stopped']);
    expectTones(await hear(a), { heard: [1000], silent: [1700] });
    // Passed through: the talker's own packets, octet by octet.
    const { payload } = a.phone.heard.at(-1)!;
    b.phone.hush();
    await a.phone.listen(10);
    expect(payload.length).toBe(160);
  });

  it('is heard over a mix, and over the hold sound’s place', async () => {
    const [a, b, c] = [await call(440), await call(1000), await call(2300)];
    await a.leg.receive({ main: [b.streamId, c.streamId] }, false);
    await a.leg.play(playback(tone(1700)));
    expectTones(await hear(a), { heard: [1000, 1700, 2300] });
    await a.leg.receive({ main: [] }, false);
    expectTones(await hear(a), { heard: [1700], silent: [1000, 2300] });
  });

  it('is heard alone instead of the others, who come back', async () => {
    const [a, b] = [await call(440), await call(1000)];
    await a.leg.receive({ main: [b.streamId] }, false);
    await a.leg.play(playback(await file('alone.wav', { frequencyHz: 600 }), { mode: 'instead' }));
    expectTones(await hear(a), { heard: [600], silent: [1000] });
    await a.leg.stopPlaying('sound');
    expectTones(await hear(a), { heard: [1000], silent: [600] });
  });

  it('ends after so many times, is replaced by the next, and is told once', async () => {
    const a = await call(440);
    const sound = await file('short.wav', { ms: 250 });
    const from = performance.now();
    await a.leg.play(playback(sound, { playbackId: 'first', times: 3 }));
    await a.owner.until(({ played }) => played.length === 1);
    expect(performance.now() - from).toBeGreaterThan(500);
    await a.leg.play(playback(sound, { playbackId: 'second' }));
    await a.leg.play(playback(tone(600), { playbackId: 'third' }));
    await a.leg.stopPlaying('second');
    await a.leg.stopPlaying('third');
    await a.leg.stopPlaying('third');
    await a.owner.until(({ played }) => played.length === 3);
    await a.leg.close();
    expect(a.owner.played).toEqual(['first completed', 'second replaced', 'third stopped']);
  });

  it('is joined by a short tone, which ends nothing', async () => {
    const a = await call(440);
    await a.leg.play(playback(tone(600, 60_000)));
    await a.leg.tone(tone(1700, 1000));
    expectTones(await hear(a), { heard: [600, 1700] });
    await a.phone.listen(30);
    expectTones(await hear(a), { heard: [600], silent: [1700] });
    expect(a.owner.played).toEqual([]);
  });

  it('goes on in time while the phone holds', async () => {
    const a = await call(440);
    await a.leg.connection('main').answer(a.phone.sdp({ attributes: ['a=sendonly'] }));
    await a.leg.play(playback(tone(600, 300), { times: 1 }));
    await a.owner.until(({ played }) => played.length === 1);
    await a.leg.connection('main').answer(a.phone.sdp());
    expect(overallLevel(await hear(a))).toBeLessThan(-60);
  });

  it.each([
    ['there is no such file', (path: string) => `${path}.not`],
    ['not a regular file', (path: string) => join(path, '..')],
  ])('is refused as a bad sound: %s', async (why, pathOf) => {
    const a = await call(440);
    const path = pathOf(join(directory, 'x.wav'));
    const refused = a.leg.play(playback({ kind: 'file', path }));
    await expect(refused).rejects.toMatchObject({ name: 'MediaRefusal', code: 'bad-sound', message: why });
  });

  it('is refused as a bad sound where it is none, is too long, or is no tone', async () => {
    await plane.close();
    await start({ maxSoundSeconds: 2 });
    const a = await call(440);
    const path = join(directory, 'text.wav');
    await writeFile(path, 'not a sound');
    const long = await file('long.wav', { ms: 2100 });
    for (const [sound, message] of [
      [{ kind: 'file', path }, /not a WAV/],
      [long, /longer than 2 s/],
      [tone(600, 2001), /lasts from/],
      [tone(5000), /below 4000 Hz/],
    ] as const) {
      await expect(a.leg.play(playback(sound))).rejects.toMatchObject({ code: 'bad-sound' });
      await expect(a.leg.play(playback(sound))).rejects.toThrow(message);
    }
    await expect(a.leg.tone(tone(600, 1001))).rejects.toMatchObject({ code: 'bad-sound' });
    expect(a.owner.played).toEqual([]);
  });

  it('is the hold music where there is one, from its beginning and without a gap', async () => {
    await plane.close();
    const music = await file('music.wav', { frequencyHz: 700, ms: 130, rateHz: 16_000 });
    await start({ holdMusic: (music as { path: string }).path });
    const a = await call(440);
    await a.leg.receive({ main: [] }, true);
    const pcm = await hear(a);
    expectTones(pcm, { heard: [700] });
    for (let at = 0; at + 160 <= pcm.length; at += 160) {
      expect(overallLevel(pcm.subarray(at, at + 160))).toBeGreaterThan(-16);
    }
  });

  it('does not start with hold music that cannot be used, and says why', async () => {
    await plane.close();
    const holdMusic = join(directory, 'nothing.wav');
    await expect(start({ holdMusic })).rejects.toThrow(
      /the hold music .*nothing.wav cannot be used: there is no/,
    );
  });
});
