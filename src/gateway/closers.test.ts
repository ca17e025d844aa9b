import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { silentLogger } from '../domain/logger.js';
import { Closers } from './closers.js';

class Scene {
  readonly clock = new ManualClock();
  readonly closed: string[] = [];
  readonly complaints: string[] = [];
  readonly closers = new Closers({
    clock: this.clock,
    logger: {
      ...silentLogger,
      error: (fields: { step?: string; err?: unknown }) =>
        void this.complaints.push(`${fields.step ?? ''}: ${String(fields.err)}`),
    },
    stepLimitMs: 1000,
  });

  open(name: string, close: () => Promise<void> | void = () => undefined, graceMs?: number): void {
    const closing = (): Promise<void> | void => {
      this.closed.push(name);
      return close();
    };
    this.closers.onClose(name, closing, graceMs);
  }
}

describe('closers', () => {
  it('close in reverse, each when the one before it is done', async () => {
    const scene = new Scene();
    scene.open('first', () => void scene.closed.push('first is done'));
    scene.open('second', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      scene.closed.push('second is done');
    });
    expect(await scene.closers.close()).toEqual([]);
    expect(scene.closed).toEqual(['second', 'second is done', 'first', 'first is done']);
    expect(scene.clock.pending).toBe(0);
  });

  it('go on when one throws or rejects, and each failure is logged once by its name', async () => {
    const scene = new Scene();
    scene.open('lock');
    scene.open('store', () => Promise.reject(new Error('disk full')));
    scene.open('media');
    scene.open('door', () => {
      throw new Error('socket gone');
    });
    expect(await scene.closers.close()).toEqual(['door', 'store']);
    expect(scene.closed).toEqual(['door', 'media', 'store', 'lock']);
    expect(scene.complaints).toEqual(['door: Error: socket gone', 'store: Error: disk full']);
    expect(scene.clock.pending).toBe(0);
  });

  it('leave behind what takes too long', async () => {
    const scene = new Scene();
    scene.open('lock');
    scene.open('stuck', () => new Promise(() => undefined));
    const closing = scene.closers.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.closed).toEqual(['stuck']);
    scene.clock.advance(1000);
    expect(await closing).toEqual(['stuck']);
    expect(scene.closed).toEqual(['stuck', 'lock']);
    expect(scene.complaints).toEqual(['stuck: Error: not done after 1000 ms']);
  });

  it('give what says how long it waits for others that time beside their own', async () => {
    const scene = new Scene();
    scene.open('lock');
    scene.open('patient', () => new Promise(() => undefined), 5000);
    const closing = scene.closers.close();
    await new Promise((resolve) => setImmediate(resolve));
    scene.clock.advance(5999);
    expect(scene.closed).toEqual(['patient']);
    scene.clock.advance(1);
    expect(await closing).toEqual(['patient']);
    expect(scene.closed).toEqual(['patient', 'lock']);
  });

  it('close once however often they are asked, and all who ask wait for the same end', async () => {
    const scene = new Scene();
    scene.open('only');
    const [first, second] = await Promise.all([scene.closers.close(), scene.closers.close()]);
    await scene.closers.close();
    expect(second).toBe(first);
    expect(scene.closed).toEqual(['only']);
  });

  it('also close what is opened while they close', async () => {
    const scene = new Scene();
    scene.open('first', () => scene.open('late'));
    await scene.closers.close();
    expect(scene.closed).toEqual(['first', 'late']);
  });
});
