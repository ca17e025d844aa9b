import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { type MediaLeg, MediaRefusal } from '../../src/domain/media-plane.js';
import {
  createMediaPlane,
  type MediaPlaneOptions,
  type WorkerMediaPlane,
} from '../../src/media/worker-media-plane.js';
import { ManualClock } from '../support/manual-clock.js';
import { eventually, isAlive, MediaOwner } from '../support/media-owner.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { mainConnection } from '../../src/domain/media-plane.js';

const rtpPorts = await takeRtpPorts(100);
const offer = (behaviour: string): string => `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=${behaviour}\r\nt=0 0\r\n`;

/** What happens to legs when their worker misbehaves; what they sound like is asserted elsewhere. */
describe('a media plane whose workers have faults', () => {
  let plane: WorkerMediaPlane;
  let logged: string[];
  let nextLeg = 1;

  async function start(options: Partial<MediaPlaneOptions> = {}): Promise<void> {
    logged = [];
    const log = (_fields: object, message: string): void => void logged.push(message);
    plane = await createMediaPlane({
      workers: 2,
      rtpPorts,
      bindAddress: '127.0.0.1',
      logger: { info: log, warn: log, error: log },
      clock: systemClock,
      workerEntry: inject('faultyWorkerEntry'),
      ...options,
    });
  }

  async function open(
    behaviour: string,
    sessionId: string | null = null,
  ): Promise<{ leg: MediaLeg; owner: MediaOwner; participantId: string }> {
    const owner = new MediaOwner();
    const id = nextLeg++;
    const participantId = `p${id}`;
    const leg = await plane.openLeg({
      legId: `leg-${id}`,
      participantId,
      sessionId,
      ...mainConnection('phone', offer(behaviour)),
      mayPublish: ['AUDIO'],
      listener: owner,
    });
    return { leg, owner, participantId };
  }

  afterEach(() => plane.close());

  it('tells no fact of a leg before its owner has it in hand', async () => {
    await start();
    const { leg, owner, participantId } = await open('fine');
    expect(owner.streams).toEqual([]);
    expect(leg.connection('main').localDescription).toBe(`answer for ${participantId}`);
    await owner.until(() => owner.connected === 1);
    expect(owner.streams.map(({ streamId }) => streamId)).toEqual([`${participantId}.1`]);
  });

  it('puts the legs of one session on one worker and spreads sessions over the workers', async () => {
    await start();
    for (const session of ['s1', 's2', 's1', 's2', 's1']) await open('fine', session);
    expect(
      plane
        .statistics()
        .workers.map(({ legs }) => legs)
        .sort(),
    ).toEqual([2, 3]);
  });

  it('routes a stream to a leg on another worker, also when it was wanted before it was there, until it is gone', async () => {
    await start();
    const listener = await open('fine', 's1');
    const wanted = `p${nextLeg}.1`;
    await listener.leg.receive({ main: [wanted] }, false);
    const speaker = await open('fine', 's2');
    await listener.owner.until(({ digits }) => digits.at(-1) === wanted);
    await speaker.leg.close();
    await listener.owner.until(({ digits }) => digits.at(-1) === '');
  });

  it('passes a refusal of the worker on and leaves nothing open', async () => {
    await start();
    await expect(open('refuse')).rejects.toMatchObject({ name: 'MediaRefusal', code: 'no-common-codec' });
    await expect(open('throw')).rejects.toThrow(/told to throw/);
    expect(plane.statistics().legs).toBe(0);
  });

  it('refuses an oversized offer without asking a worker', async () => {
    await start();
    await expect(open('x'.repeat(70_000))).rejects.toMatchObject({ code: 'bad-sdp' });
  });

  it('refuses as overloaded when the worker does not answer in time', async () => {
    const clock = new ManualClock();
    await start({ clock, requestTimeoutMs: 3000 });
    const unanswered = expect(open('silence')).rejects.toMatchObject({ code: 'overloaded' });
    clock.advance(3000);
    await unanswered;
    expect(plane.statistics().legs).toBe(0);
    await open('fine');
  });

  it('waits for a worker that a busy machine lets start slowly', async () => {
    const clock = new ManualClock();
    const standing = start({ clock, workers: 1, requestTimeoutMs: 5000, stalledAfterMs: 5000 });
    await eventually(() => clock.pending > 0);
    for (let n = 0; n < 20; n += 1) clock.advance(1000);
    await standing;
    await open('fine');
  });

  it('refuses legs beyond the limit of its workers and is not ready then', async () => {
    await start({ maxLegsPerWorker: 1 });
    const { leg } = await open('fine');
    await open('fine');
    expect(plane.isReady).toBe(false);
    await expect(open('fine')).rejects.toMatchObject({ code: 'overloaded' });
    await leg.close();
    expect(plane.isReady).toBe(true);
    await open('fine');
  });

  it('ends the legs of a killed worker as media-lost, no others, and has a new worker', async () => {
    await start();
    const lost = await open('fine', 's1');
    const safe = await open('fine', 's2');
    const [victim] = plane.pids();
    process.kill(victim ?? 0, 'SIGKILL');
    await lost.owner.until(({ ended }) => ended.length > 0);
    expect(lost.owner.ended).toEqual(['media-lost']);
    await eventually(() => plane.pids().length === 2 && !plane.pids().includes(victim ?? 0));
    expect(safe.owner.ended).toEqual([]);
    await expect(lost.leg.connection('main').offer()).rejects.toBeInstanceOf(MediaRefusal);
    expect(await lost.leg.close()).toBeNull();
    expect(await safe.leg.connection('main').offer()).toBe('an offer');
    await open('fine', 's1');
    expect(plane.statistics()).toMatchObject({ legs: 2, workersLost: 1 });
  });

  it('takes the streams of a killed worker from the listeners of others, and gives them those of its successor', async () => {
    await start();
    const speaker = await open('fine', 's1');
    const listener = await open('fine', 's2');
    const next = `p${nextLeg}.1`;
    await listener.leg.receive({ main: [`${speaker.participantId}.1`, next] }, false);
    await listener.owner.until(({ digits }) => digits.at(-1) === `${speaker.participantId}.1`);
    const [victim] = plane.pids();
    process.kill(victim ?? 0, 'SIGKILL');
    await listener.owner.until(({ digits }) => digits.at(-1) === '');
    await eventually(() => plane.pids().length === 2 && !plane.pids().includes(victim ?? 0));
    await open('fine', 's1');
    await listener.owner.until(({ digits }) => digits.at(-1) === next);
  });

  it('replaces a worker that has an error nobody caught, and says why in the log', async () => {
    await start({ workers: 1 });
    await expect(open('crash')).rejects.toMatchObject({ code: 'overloaded' });
    expect(logged).toContain('media worker has a fault and ends');
    await eventually(() => plane.isReady);
    await open('fine');
  });

  it('kills and replaces a worker that hangs', async () => {
    await start({ workers: 1, stalledAfterMs: 5000 });
    const bystander = await open('fine');
    await expect(open('hang')).rejects.toMatchObject({ code: 'overloaded' });
    await bystander.owner.until(({ ended }) => ended[0] === 'media-lost');
    await eventually(() => plane.isReady);
  });

  it('looks five times for a pulse before it kills a worker, and begins anew with each that comes', async () => {
    const clock = new ManualClock();
    await start({ clock, workers: 1, stalledAfterMs: 5000 });
    const health = (): object | null => plane.statistics().workers[0]?.health ?? null;
    for (let n = 0; n < 2; n += 1) {
      const last = health();
      await eventually(() => health() !== last);
      clock.advance(4000);
    }
    expect(logged).not.toContain('media worker says');
    clock.advance(1000);
    expect(logged).toContain('media worker says');
    await eventually(() => plane.statistics().workersLost === 1);
    clock.advance(0);
    await eventually(() => plane.isReady);
  });

  it('pauses longer before each new worker while they keep dying, and not at all once one has lived for a while', async () => {
    const clock = new ManualClock();
    await start({ clock, workers: 1, stalledAfterMs: 3_600_000 });
    const pauses: (number | null)[] = [];
    const killAndReplace = async (): Promise<void> => {
      const lost = plane.statistics().workersLost;
      process.kill(plane.pids()[0] ?? 0, 'SIGKILL');
      await eventually(() => plane.statistics().workersLost > lost);
      pauses.push(clock.nextInMs);
      clock.advance(clock.nextInMs ?? 0);
      await eventually(() => plane.pids().length === 1);
    };
    for (let n = 0; n < 4; n += 1) await killAndReplace();
    clock.advance(10_000);
    for (let n = 0; n < 2; n += 1) await killAndReplace();
    expect(pauses).toEqual([0, 200, 400, 800, 0, 200]);
  });

  it('leaves no process after close, not even when a worker hangs, and closes twice', async () => {
    await start({ requestTimeoutMs: 8000 });
    const pids = plane.pids();
    expect(pids.map(isAlive)).toEqual([true, true]);
    await expect(open('hang')).rejects.toMatchObject({ code: 'overloaded' });
    await plane.close();
    await plane.close();
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(plane.isReady).toBe(false);
    await expect(open('fine')).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('does not start when its worker cannot, and leaves no process', async () => {
    await start();
    await expect(
      createMediaPlane({
        workers: 2,
        rtpPorts,
        bindAddress: '127.0.0.1',
        logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
        clock: systemClock,
        workerEntry: '/nowhere/worker.mjs',
      }),
    ).rejects.toThrow('a media worker does not start');
  });

  it('has workers that pay no attention to the signals of a terminal, and show their pulse', async () => {
    await start();
    for (const pid of plane.pids()) {
      process.kill(pid, 'SIGINT');
      process.kill(pid, 'SIGTERM');
    }
    await eventually(() => plane.statistics().workers.every(({ health }) => health !== null));
    expect(plane.statistics().workersLost).toBe(0);
    expect(plane.statistics().workers[0]?.health?.residentBytes).toBeGreaterThan(1e6);
    await open('fine');
  });
});

it('a worker ends by itself when the gateway dies', async () => {
  const parentOfWorker = `
    const { fork } = await import('node:child_process');
    const worker = fork(process.env.ENTRY, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    process.send(worker.pid);
  `;
  const gateway = spawn(process.execPath, ['--input-type=module', '-e', parentOfWorker], {
    env: { ...process.env, ENTRY: inject('faultyWorkerEntry') },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [pid] = (await once(gateway, 'message')) as [number];
  expect(isAlive(pid)).toBe(true);
  gateway.kill('SIGKILL');
  await eventually(() => !isAlive(pid));
});
