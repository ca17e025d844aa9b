import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamDirectory } from './stream-directory.js';

describe('StreamDirectory', () => {
  let directory: StreamDirectory;
  beforeEach(() => {
    directory = new StreamDirectory();
    directory.addLeg('a', 1);
    directory.addLeg('b', 2);
    directory.addLeg('b2', 2);
  });

  it('links nothing within one worker', () => {
    directory.addLeg('a2', 1);
    expect(directory.publish('a', ['s'])).toEqual([]);
    expect(directory.want('a2', ['s'])).toEqual([]);
  });

  it('imports a stream when a leg of another worker wants it', () => {
    directory.publish('a', ['s']);
    expect(directory.want('b', ['s'])).toEqual([{ importer: 2, streamId: 's', publisher: 1 }]);
  });

  it('imports a stream that was wanted before it was there', () => {
    directory.want('b', ['s']);
    expect(directory.publish('a', ['s'])).toEqual([{ importer: 2, streamId: 's', publisher: 1 }]);
  });

  it('imports a stream once for all legs of a worker, until the last wants it no longer', () => {
    directory.publish('a', ['s']);
    directory.want('b', ['s']);
    expect(directory.want('b2', ['s'])).toEqual([]);
    expect(directory.removeLeg('b')).toEqual([]);
    expect(directory.want('b2', [])).toEqual([{ importer: 2, streamId: 's', publisher: null }]);
  });

  it('ends the import of a stream that is published no longer, and begins it again elsewhere', () => {
    directory.publish('a', ['s']);
    directory.want('b', ['s']);
    expect(directory.removeLeg('a')).toEqual([{ importer: 2, streamId: 's', publisher: null }]);
    directory.addLeg('a', 3);
    expect(directory.publish('a', ['s'])).toEqual([{ importer: 2, streamId: 's', publisher: 3 }]);
  });

  it('leaves a stream with the leg that published it first', () => {
    directory.publish('a', ['s']);
    expect(directory.publish('b', ['s'])).toEqual([]);
    expect(directory.publish('b', [])).toEqual([]);
    expect(directory.want('b2', ['s'])).toEqual([{ importer: 2, streamId: 's', publisher: 1 }]);
  });

  it('has each worker import exactly what its legs want of others, after any changes, and ends empty', () => {
    const legs = [0, 1, 2, 3, 4, 5];
    const change = fc.record({
      leg: fc.constantFrom(...legs),
      what: fc.constantFrom('want' as const, 'publish' as const),
      streams: fc.uniqueArray(fc.constantFrom(...legs)),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const tested = new StreamDirectory();
        const imports = new Map<string, number>();
        const published = new Set<number>();
        const wanted = new Map<number, readonly number[]>();
        const workerOf = (leg: number): number => leg % 3;
        const apply = (result: ReturnType<StreamDirectory['want']>): void => {
          for (const { importer, streamId, publisher } of result) {
            if (publisher === null) imports.delete(`${importer}<${streamId}`);
            else imports.set(`${importer}<${streamId}`, publisher);
          }
        };
        for (const leg of legs) tested.addLeg(`${leg}`, workerOf(leg));
        for (const { leg, what, streams } of changes) {
          if (what === 'want') {
            wanted.set(leg, streams);
            apply(tested.want(`${leg}`, streams.map(String)));
          } else {
            // Leg n publishes only stream n.
            if (streams.includes(leg)) published.add(leg);
            else published.delete(leg);
            apply(tested.publish(`${leg}`, streams.includes(leg) ? [`${leg}`] : []));
          }
          const expected = new Map<string, number>();
          for (const [listener, of] of wanted) {
            for (const stream of of) {
              if (!published.has(stream) || workerOf(stream) === workerOf(listener)) continue;
              expected.set(`${workerOf(listener)}<${stream}`, workerOf(stream));
            }
          }
          expect([...imports].sort()).toEqual([...expected].sort());
        }
        for (const leg of legs) apply(tested.removeLeg(`${leg}`));
        expect(imports.size).toBe(0);
        expect(tested.size).toBe(0);
      }),
    );
  });
});
