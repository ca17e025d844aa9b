import { expect, it } from 'vitest';
import { UnconfirmedCalls } from './unconfirmed-calls.js';

it('Of each origin so many calls are unconfirmed at once, and each ends once', () => {
  const calls = new UnconfirmedCalls(2);
  const first = calls.take('carrier');
  expect(first).not.toBeNull();
  expect(calls.take('carrier')).not.toBeNull();
  expect([calls.take('carrier'), calls.callsOf('carrier')]).toEqual([null, 2]);
  expect(calls.take('other')).not.toBeNull();
  first?.();
  first?.();
  expect(calls.callsOf('carrier')).toBe(1);
  expect(calls.take('carrier')).not.toBeNull();
  expect(calls.take('carrier')).toBeNull();
});
