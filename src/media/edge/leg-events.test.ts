import { describe, expect, it } from 'vitest';
import type { MediaLegListener } from '../../domain/media-plane.js';
import { LegEvents } from './leg-events.js';

function make() {
  const told: string[] = [];
  const errors: string[] = [];
  const owner: MediaLegListener = {
    onConnected: () => told.push('connected'),
    onStreams: (streams) => told.push(`streams ${streams.length}`),
    onKeyDown: () => told.push('key down'),
    onDtmf: (digit, durationMs) => {
      told.push(`dtmf ${digit} ${durationMs}`);
      if (digit === 'D') throw new Error('a broken listener');
    },
    onPlayed: (playbackId, how) => told.push(`played ${playbackId} ${how}`),
    onHeld: (held) => told.push(held ? 'held' : 'resumed'),
    onNegotiationNeeded: () => told.push('negotiation needed'),
    onEnded: (reason) => told.push(`ended ${reason}`),
  };
  const logger = {
    info: () => 0,
    warn: () => 0,
    error: (_fields: object, text: string) => errors.push(text),
  };
  const events = new LegEvents('leg', owner, logger);
  return { events, told, errors };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('what a leg through FreeSWITCH tells its owner', () => {
  it('comes after the owner has the leg, in its order', async () => {
    const { events, told } = make();
    events.onConnected();
    events.onStreams([]);
    events.begin();
    expect(told).toEqual([]);
    await nextTurn();
    events.onKeyDown();
    events.onDtmf('5', 100);
    events.onPlayed('p', 'completed');
    events.onNegotiationNeeded('main');
    expect(told).toEqual([
      'connected',
      'streams 0',
      'key down',
      'dtmf 5 100',
      'played p completed',
      'negotiation needed',
    ]);
  });

  it('ends once, also where that was before the owner had the leg', async () => {
    const { events, told } = make();
    events.end('media-lost');
    events.end('media-timeout');
    events.onConnected();
    events.begin();
    await nextTurn();
    events.end('media-lost');
    events.onDtmf('5', 100);
    expect(told).toEqual(['ended media-lost']);
  });

  it('is nothing after close', async () => {
    const { events, told } = make();
    events.onConnected();
    events.begin();
    events.mute();
    await nextTurn();
    events.end('media-lost');
    expect(told).toEqual([]);
  });

  it('survives an owner that throws', async () => {
    const { events, told, errors } = make();
    events.begin();
    await nextTurn();
    events.onDtmf('D', 100);
    events.onDtmf('5', 100);
    expect(told).toHaveLength(2);
    expect(errors).toEqual(['a media listener threw']);
  });

  it('does not include the end of the worker’s leg, of which the edge is told, now or as soon as it asks', async () => {
    const { events, told } = make();
    const reasons: string[] = [];
    events.begin();
    await nextTurn();
    events.onEnded('media-timeout');
    events.onWorkerEnded((reason) => reasons.push(reason));
    await nextTurn();
    expect(reasons).toEqual(['media-timeout']);
    expect(told).toEqual([]);
  });
});
