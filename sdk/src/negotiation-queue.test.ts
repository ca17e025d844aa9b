import { describe, expect, it } from 'vitest';
import { NegotiationQueue, type OfferResult } from './negotiation-queue.js';

class Exchange {
  readonly offers: { answer(result: OfferResult): Promise<void>; refuse(error: Error): Promise<void> }[] = [];
  readonly delays: { milliseconds: number; elapse(): void; cancelled: boolean }[] = [];
  readonly queue: NegotiationQueue;

  constructor(maxCollisions = 8) {
    this.queue = new NegotiationQueue({
      maxCollisions,
      random: () => 0.5,
      onTooManyCollisions: () => new Error('collisions'),
      offer: () =>
        new Promise((resolve, reject) => {
          this.offers.push({
            answer: (result) => settle(() => resolve(result)),
            refuse: (error) => settle(() => reject(error)),
          });
        }),
      delay: (milliseconds, callback) => {
        const delay = { milliseconds, cancelled: false, elapse: callback };
        this.delays.push(delay);
        return () => {
          delay.cancelled = true;
        };
      },
    });
  }
}

async function settle(act: () => void): Promise<void> {
  act();
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('NegotiationQueue', () => {
  it('serves requests made during an offer together, with one offer after it', async () => {
    const { queue, offers } = new Exchange();
    const done: string[] = [];
    void queue.negotiate().then(() => done.push('first'));
    void queue.negotiate().then(() => done.push('second'));
    void queue.negotiate().then(() => done.push('third'));
    expect(offers).toHaveLength(1);
    await offers[0]?.answer('answered');
    expect(done).toEqual(['first']);
    expect(offers).toHaveLength(2);
    await offers[1]?.answer('answered');
    expect(done).toEqual(['first', 'second', 'third']);
    expect(queue.state).toBe('stable');
  });

  it('refuses the far end its offer while its own is out, and holds its own while it answers', async () => {
    const { queue, offers } = new Exchange();
    expect(queue.tryBeginRemote()).toBe(true);
    expect(queue.tryBeginRemote()).toBe(false);
    const done = queue.negotiate();
    expect(offers).toHaveLength(0);
    queue.endRemote();
    expect(offers).toHaveLength(1);
    expect(queue.tryBeginRemote()).toBe(false);
    await offers[0]?.answer('answered');
    await done;
  });

  it('tries again after a collision, later each time', async () => {
    const { queue, offers, delays } = new Exchange();
    const done = queue.negotiate();
    await offers[0]?.answer('glare');
    expect(queue.state).toBe('waiting');
    delays[0]?.elapse();
    await offers[1]?.answer('glare');
    delays[1]?.elapse();
    await offers[2]?.answer('answered');
    await done;
    expect(delays.map(({ milliseconds }) => milliseconds)).toEqual([150, 300]);
  });

  it('lets the far end go first while it waits after a collision', async () => {
    const { queue, offers, delays } = new Exchange();
    const done = queue.negotiate();
    await offers[0]?.answer('glare');
    expect(queue.tryBeginRemote()).toBe(true);
    expect(delays[0]?.cancelled).toBe(true);
    queue.endRemote();
    await offers[1]?.answer('answered');
    await done;
  });

  it('gives up after too many collisions in a row', async () => {
    const { queue, offers, delays } = new Exchange(2);
    const failed = expect(queue.negotiate()).rejects.toThrow('collisions');
    await offers[0]?.answer('glare');
    delays[0]?.elapse();
    await offers[1]?.answer('glare');
    await failed;
    expect(queue.state).toBe('stable');
  });

  it('fails only the requests that a refused offer served', async () => {
    const { queue, offers } = new Exchange();
    const first = expect(queue.negotiate()).rejects.toThrow('488');
    const second = queue.negotiate();
    await offers[0]?.refuse(new Error('488'));
    await first;
    await offers[1]?.answer('answered');
    await second;
  });

  it('fails what waits and what comes when it is closed', async () => {
    const { queue, offers } = new Exchange();
    const first = expect(queue.negotiate()).rejects.toThrow('over');
    const second = expect(queue.negotiate()).rejects.toThrow('over');
    queue.close(new Error('over'));
    await second;
    await offers[0]?.answer('answered');
    await first;
    await expect(queue.negotiate()).rejects.toThrow('over');
    expect(queue.tryBeginRemote()).toBe(false);
  });

  it('ignores the end of an exchange that the far end did not begin', async () => {
    const { queue, offers } = new Exchange();
    const done = queue.negotiate();
    queue.endRemote();
    expect(queue.state).toBe('offering');
    await offers[0]?.answer('answered');
    await done;
  });

  it('fails what waits when it is suspended, the offer that is out too, and begins nothing until it goes on', async () => {
    const { queue, offers } = new Exchange();
    const told: string[] = [];
    const first = queue.negotiate().catch((error: Error) => void told.push(error.message));
    const second = queue.negotiate().catch((error: Error) => void told.push(error.message));
    queue.suspend(new Error('lost'));
    await Promise.all([first, second]);
    expect(told).toEqual(['lost', 'lost']);
    expect(queue.tryBeginRemote()).toBe(false);

    const third = queue.negotiate();
    // What became of the offer of before is nobody's business any more.
    await offers[0]?.answer('glare');
    expect(offers).toHaveLength(1);
    queue.resume();
    expect(offers).toHaveLength(2);
    await offers[1]?.answer('answered');
    await third;
  });
});
