import { describe, expect, it } from 'vitest';
import {
  nextOfferState,
  receptionOf,
  offerInputs,
  offerStates,
  type OfferInput,
  type OfferState,
} from './offer-schedule.js';

const edges: readonly (readonly [from: OfferState, input: OfferInput, to: OfferState])[] = [
  ['early', 'wanted', 'early-due'],
  ['early', 'confirmed', 'idle'],
  ['early-due', 'confirmed', 'due'],
  ['idle', 'wanted', 'due'],
  ['due', 'begun', 'offering'],
  ['idle', 'refused', 'paused'],
  ['due', 'refused', 'paused-due'],
  ['offering', 'wanted', 'offering-again'],
  ['offering', 'answered', 'idle'],
  ['offering', 'refused', 'paused'],
  ['offering', 'collided', 'collided'],
  ['offering-again', 'answered', 'due'],
  ['offering-again', 'refused', 'paused-due'],
  ['offering-again', 'collided', 'collided'],
  ['paused', 'wanted', 'paused-due'],
  ['paused', 'elapsed', 'idle'],
  ['paused', 'heard', 'idle'],
  ['paused-due', 'elapsed', 'due'],
  ['paused-due', 'heard', 'due'],
  ['collided', 'elapsed', 'due'],
  ['idle', 'asked', 'asked'],
  ['due', 'asked', 'asked-due'],
  ['paused', 'asked', 'asked'],
  ['paused-due', 'asked', 'asked-due'],
  ['collided', 'asked', 'asked-due'],
  ['asked', 'wanted', 'asked-due'],
  ['asked', 'answered', 'idle'],
  ['asked', 'withdrawn', 'idle'],
  ['asked-due', 'answered', 'due'],
  ['asked-due', 'withdrawn', 'due'],
];

describe('the schedule of our offers', () => {
  it.each(edges)('in %s, %s leads to %s', (from, input, to) => {
    expect(nextOfferState(from, input)).toBe(to);
  });

  it.each(offerStates)('is closed for good out of %s', (state) => {
    expect(nextOfferState(state, 'closed')).toBe('closed');
  });

  const others = offerStates.flatMap((state) =>
    offerInputs
      .filter((input) => input !== 'closed')
      .filter((input) => !edges.some(([from, known]) => from === state && known === input))
      .map((input) => [state, input] as const),
  );
  it.each(others)('stays in %s whatever %s', (state, input) => {
    expect(nextOfferState(state, input)).toBe(state);
  });
});

describe('an offer of the far end', () => {
  const met = (state: OfferState) => [receptionOf(state, 'INVITE'), receptionOf(state, 'UPDATE')];

  it.each(['offering', 'offering-again'] as const)('collides with ours in %s', (state) => {
    expect(met(state)).toEqual(['collide', 'collide']);
  });

  it.each(['asked', 'asked-due'] as const)(
    'overtakes ours in %s as an INVITE, and collides as an UPDATE',
    (state) => {
      expect(met(state)).toEqual(['overtake', 'collide']);
    },
  );

  const others = offerStates.filter((state) => !/^(?:offering|asked)/.test(state));
  it.each(others)('is taken in %s', (state) => {
    expect(met(state)).toEqual(['take', 'take']);
  });
});
