import { describe, expect, it } from 'vitest';
import { pingInputs, pingStates, pingTransitions } from './ping-machine.js';

/** `state input → state`; every other pair means nothing. */
const edges = ['unknown alive → up', 'unknown dead → down', 'up dead → down', 'down alive → up'];

describe('What is known of a server goes', () => {
  const pairs = pingStates.flatMap((state) => pingInputs.map((input) => [state, input] as const));
  it.each(pairs)('from %s by %s as the figure says', (state, input) => {
    const edge = edges.find((line) => line.startsWith(`${state} ${input} →`));
    expect(pingTransitions[state][input]).toBe(edge?.split(' → ')[1]);
  });
});
