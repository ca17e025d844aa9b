import { describe, expect, it } from 'vitest';
import { nextState, type SubscribeEvent, type SubscribeState } from './subscribe-states.js';

const states: readonly SubscribeState[] = [
  'away',
  'idle',
  'offering',
  'awaiting',
  'accepting',
  'pausing',
  'offering-away',
  'accepting-away',
  'closed',
];
const events: readonly SubscribeEvent[] = [
  'attach',
  'detach',
  'want',
  'offered',
  'answered',
  'unanswered',
  'accepted',
  'failed',
  'resume',
  'close',
];

/** As the figure has them. */
const edges = [
  'away attach idle',
  'idle attach idle',
  'idle want offering',
  'idle detach away',
  'offering offered awaiting',
  'offering failed pausing',
  'offering detach offering-away',
  'awaiting answered accepting',
  'awaiting unanswered idle',
  'awaiting attach idle',
  'awaiting detach away',
  'accepting accepted idle',
  'accepting failed pausing',
  'accepting detach accepting-away',
  'pausing resume idle',
  'pausing attach idle',
  'pausing detach away',
  'offering-away attach offering',
  'offering-away offered away',
  'offering-away failed away',
  'accepting-away attach accepting',
  'accepting-away accepted away',
  'accepting-away failed away',
  ...states.filter((state) => state !== 'closed').map((state) => `${state} close closed`),
];

describe('the states of what a device is offered', () => {
  it.each(edges)('have the edge %s', (edge) => {
    const [state, event, next] = edge.split(' ') as [SubscribeState, SubscribeEvent, SubscribeState];
    expect(nextState(state, event)).toBe(next);
  });

  it('have no other edge', () => {
    const others = states.flatMap((state) =>
      events
        .filter((event) => !edges.some((edge) => edge.startsWith(`${state} ${event} `)))
        .map((event) => [state, event] as const),
    );
    expect(others).toHaveLength(states.length * events.length - edges.length);
    for (const [state, event] of others)
      expect([state, event, nextState(state, event)]).toEqual([state, event, null]);
  });
});
