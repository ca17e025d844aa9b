import { describe, expect, it } from 'vitest';
import { inputs, states, transitions } from './registration-machine.js';

/** `state input → state`; every other pair means nothing. */
const edges = `
unregistered due → registering
unregistered end → ending
registering granted → registered
registering failed → failed
registering refused → refused
registering end → ending
registered due → refreshing
registered lost → unregistered
registered end → ending
refreshing granted → registered
refreshing failed → failed
refreshing refused → refused
refreshing end → ending
failed due → registering
failed end → ending
refused due → registering
refused end → ending
ending done → ended`
  .trim()
  .split('\n');

describe('A registration goes', () => {
  const pairs = states.flatMap((state) => inputs.map((input) => [state, input] as const));
  it.each(pairs)('from %s by %s as the figure says', (state, input) => {
    const edge = edges.find((line) => line.startsWith(`${state} ${input} →`));
    expect(transitions[state][input]).toBe(edge?.split(' → ')[1]);
  });
});
