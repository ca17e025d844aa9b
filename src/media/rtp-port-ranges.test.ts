import { expect, it } from 'vitest';
import { splitPortRange } from './rtp-port-ranges.js';

it('cuts a range into disjoint ranges that begin even and end odd', () => {
  expect(splitPortRange({ from: 20000, to: 29999 }, 2)).toEqual([
    { from: 20000, to: 24999 },
    { from: 25000, to: 29999 },
  ]);
  expect(splitPortRange({ from: 20001, to: 20017 }, 3)).toEqual([
    { from: 20002, to: 20005 },
    { from: 20006, to: 20009 },
    { from: 20010, to: 20013 },
  ]);
});

it('says so when the ports do not suffice for the workers', () => {
  expect(() => splitPortRange({ from: 20000, to: 20006 }, 2)).toThrow(RangeError);
});
