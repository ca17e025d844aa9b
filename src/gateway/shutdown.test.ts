import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { silentLogger } from '../domain/logger.js';
import { Shutdown } from './shutdown.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

class Scene {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly told: string[] = [];
  failed: string[] = [];
  calls = 2;
  #wakeUp: () => void = () => undefined;
  readonly shutdown: Shutdown;

  constructor() {
    const size = () => this.calls;
    this.shutdown = new Shutdown({
      legs: {
        get size() {
          return size();
        },
        idle: (signal) =>
          this.calls === 0 || signal.aborted
            ? Promise.resolve()
            : new Promise((resolve) => {
                this.#wakeUp = resolve;
                signal.addEventListener('abort', () => resolve());
              }),
      },
      refuseCalls: () => void this.told.push('refuse'),
      closers: {
        close: () => {
          this.told.push('close');
          this.calls = 0;
          return Promise.resolve(this.failed);
        },
      },
      clock: this.clock,
      logger: {
        ...silentLogger,
        info: (fields: object, message: string) => void this.log.push(`${message} ${JSON.stringify(fields)}`),
      },
    });
  }

  lastCallEnds(): void {
    this.calls = 0;
    this.#wakeUp();
  }
}

describe('a shutdown', () => {
  it('with calls says what it waits for, and closes when the last one is gone', async () => {
    const scene = new Scene();
    const drained = scene.shutdown.drain(60_000);
    expect(scene.told).toEqual(['refuse']);
    scene.clock.advance(5000);
    scene.calls = 1;
    scene.clock.advance(7000);
    expect(scene.told).toEqual(['refuse']);
    scene.lastCallEnds();
    await drained;
    expect(scene.told).toEqual(['refuse', 'refuse', 'close']);
    expect(scene.log).toEqual([
      'draining {"calls":2,"deadlineMs":60000}',
      'waiting for calls to end {"calls":2,"msLeft":55000}',
      'waiting for calls to end {"calls":1,"msLeft":50000}',
      'stopped {"callsEnded":0,"failed":[],"tookMs":12000}',
    ]);
    expect(scene.clock.pending).toBe(0);
  });

  it('waits no longer than the deadline, and says what it ended and what failed', async () => {
    const scene = new Scene();
    scene.failed = ['stores'];
    const drained = scene.shutdown.drain(3000);
    scene.clock.advance(2999);
    await turn();
    expect(scene.told).not.toContain('close');
    scene.clock.advance(1);
    await drained;
    expect(scene.log.at(-1)).toBe('stopped {"callsEnded":2,"failed":["stores"],"tookMs":3000}');
    expect(scene.clock.pending).toBe(0);
  });

  it('without calls does not wait', async () => {
    const scene = new Scene();
    scene.calls = 0;
    await scene.shutdown.drain(60_000);
    expect(scene.log).toEqual([
      'draining {"calls":0,"deadlineMs":60000}',
      'stopped {"callsEnded":0,"failed":[],"tookMs":0}',
    ]);
    expect(scene.clock.pending).toBe(0);
  });

  it('that is asked to hurry closes at once, and once', async () => {
    const scene = new Scene();
    const drained = scene.shutdown.drain(60_000);
    await scene.shutdown.close();
    await drained;
    await scene.shutdown.close();
    expect(scene.told.filter((what) => what === 'close')).toHaveLength(1);
    expect(scene.log.filter((line) => line.startsWith('stopped'))).toHaveLength(1);
    expect(scene.clock.pending).toBe(0);
  });
});
