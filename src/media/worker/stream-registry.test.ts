import { describe, expect, it } from 'vitest';
import type { SourceStream } from './source-track.js';
import { StreamRegistry } from './stream-registry.js';

const stream = (streamId: string, alias = 'microphone'): SourceStream => ({
  streamId,
  alias,
  audio: null,
  video: null,
});
const publisher = { isLocal: true };
const watcher = (): { count: number; onStreamsChanged(): void } => ({
  count: 0,
  onStreamsChanged() {
    this.count += 1;
  },
});

describe('StreamRegistry', () => {
  it('tells a watcher once per publication, however many of its streams changed', () => {
    const registry = new StreamRegistry();
    const watching = watcher();
    for (const id of ['a', 'b', 'c']) registry.watch(id, watching);
    registry.publish(publisher, [stream('a'), stream('b')]);
    expect(watching.count).toBe(1);
    registry.publish(publisher, [stream('b'), stream('c')]);
    expect(watching.count).toBe(2);
    expect(registry.get('a')).toBeNull();
    expect(registry.get('c')?.streamId).toBe('c');
  });

  it('tells nobody when nothing that is watched changed', () => {
    const registry = new StreamRegistry();
    const watching = watcher();
    registry.watch('a', watching);
    registry.publish(publisher, [stream('a')]);
    registry.publish(publisher, [stream('a'), stream('other')]);
    expect(watching.count).toBe(1);
    registry.unwatch('a', watching);
    registry.publish(publisher, []);
    expect(watching.count).toBe(1);
    expect(registry.size).toBe(0);
  });

  it('leaves an id with the publisher that has it', () => {
    const registry = new StreamRegistry();
    registry.publish(publisher, [stream('a', 'mine')]);
    const thief = { isLocal: false };
    registry.publish(thief, [stream('a', 'stolen')]);
    registry.publish(thief, []);
    expect(registry.get('a')?.alias).toBe('mine');
    expect(registry.publisherOf('a')).toBe(publisher);
  });
});
