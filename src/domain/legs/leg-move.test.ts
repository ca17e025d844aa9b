import { beforeEach, describe, expect, it } from 'vitest';
import { MediaRefusal, type LegOpening } from '../media-plane.js';
import type { LegMedia } from './leg-media.js';
import { LegMove } from './leg-move.js';
import { ManualClock } from '../../../test/support/manual-clock.js';

const opening: LegOpening = {
  kind: 'phone',
  connections: [{ name: 'main', flow: 'both', resumes: { description: 'v=0', isEncrypted: false } }],
};

describe('a leg whose media was lost', () => {
  let clock: ManualClock;
  let told: string[];
  /** What the next openings come to. */
  let openings: (() => Promise<LegMedia>)[];
  let move: LegMove;
  const media = { close: () => told.push('closed') } as unknown as LegMedia;
  const opened = () => Promise.resolve(media);
  const refused = () => Promise.reject(new MediaRefusal('overloaded', 'no media worker takes legs'));
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    clock = new ManualClock();
    told = [];
    openings = [];
    move = new LegMove({
      clock,
      open: () => (openings.shift() ?? opened)(),
      onOpened: () => told.push('opened'),
      onMoved: () => told.push('moved'),
      onFailed: () => told.push('failed'),
    });
  });

  it('has moved once its far end has agreed on other media', async () => {
    expect(move.begin(opening)).toBe(true);
    move.agreed();
    await turn();
    expect(told).toEqual(['opened']);
    move.agreed();
    move.agreed();
    clock.advance(60_000);
    expect(told).toEqual(['opened', 'moved']);
  });

  it('waits for a worker, and is lost where none is there in time', async () => {
    openings = Array.from({ length: 100 }, () => refused);
    openings[3] = opened;
    move.begin(opening);
    for (let i = 0; i < 4; i++) {
      await turn();
      clock.advance(200);
    }
    expect(told).toEqual(['opened']);
    move.agreed();
    openings = Array.from({ length: 100 }, () => refused);
    move.begin(opening);
    for (let i = 0; i < 60; i++) {
      await turn();
      clock.advance(200);
    }
    expect(told).toEqual(['opened', 'moved', 'failed']);
  });

  it('is lost where the far end does not agree in time, and where its media cannot be opened', async () => {
    move.begin(opening);
    await turn();
    clock.advance(9999);
    expect(told).toEqual(['opened']);
    clock.advance(1);
    expect(told).toEqual(['opened', 'failed']);
    expect(move.begin(opening)).toBe(false);
  });

  it('is lost at once where its media cannot be opened for another reason', async () => {
    openings = [() => Promise.reject(new MediaRefusal('bad-sdp', 'the description of before has no audio'))];
    move.begin(opening);
    await turn();
    expect(told).toEqual(['failed']);
  });

  it('moves again where other media is lost too, before or after the far end agreed, three times in a minute', async () => {
    expect(move.begin(opening)).toBe(true);
    await turn();
    expect(move.begin(opening)).toBe(true);
    await turn();
    move.agreed();
    expect(move.begin(opening)).toBe(true);
    await turn();
    move.agreed();
    expect(move.begin(opening)).toBe(false);
    clock.advance(60_000);
    expect(move.begin(opening)).toBe(true);
    expect(told).toEqual(['opened', 'opened', 'moved', 'opened', 'moved']);
  });

  it('stays with media that another call has brought meanwhile', async () => {
    move.begin(opening);
    move.overtaken();
    await turn();
    clock.advance(60_000);
    expect(told).toEqual(['closed']);
    expect(move.begin(opening)).toBe(true);
    await turn();
    expect(told).toEqual(['closed', 'opened']);
  });

  it('does not move where it cannot, and gives back what comes after its end', async () => {
    expect(move.begin(null)).toBe(false);
    expect(move.begin(opening)).toBe(true);
    move.close();
    await turn();
    expect(told).toEqual(['closed']);
    expect(move.begin(opening)).toBe(false);
  });
});
