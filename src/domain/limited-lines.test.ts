import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { LimitedLines } from './limited-lines.js';

let clock: ManualClock;
let written: string[];
let lines: LimitedLines;

beforeEach(() => {
  clock = new ManualClock();
  written = [];
  lines = new LimitedLines({
    ...{ clock, maxLines: 2, withinMs: 10_000 },
    tellMore: (counts) => void written.push(JSON.stringify(counts)),
  });
});

const write = (...all: readonly string[]) => {
  for (const line of all) lines.write(() => void written.push(line));
};

describe('Lines that others cause', () => {
  it('are written as they come while they are few', () => {
    write('a', 'b');
    clock.advance(10_000);
    write('c', 'd');
    clock.advance(10_000);
    expect(written).toEqual(['a', 'b', 'c', 'd']);
    expect(clock.pending).toBe(0);
  });

  it('are left out beyond, and counted once at the end of the time', () => {
    write('a', 'b', 'c', 'd', 'e');
    expect(written).toEqual(['a', 'b']);
    clock.advance(9999);
    expect(written).toEqual(['a', 'b']);
    clock.advance(1);
    expect(written).toEqual(['a', 'b', '{"lines":3}']);
    write('f');
    expect(written.at(-1)).toBe('f');
  });

  it('are written again, and none is left out for long, where the clock was set back', () => {
    let nowMs = 10_000_000;
    const timers = new ManualClock();
    const late = new LimitedLines({
      clock: { now: () => nowMs, after: (delayMs, callback) => timers.after(delayMs, callback) },
      ...{ maxLines: 1, withinMs: 10_000 },
      tellMore: ({ lines: more }) => void written.push(`${String(more)} more`),
    });
    const note = (line: string) => late.write(() => void written.push(line));
    note('a');
    nowMs -= 3_600_000;
    note('b');
    note('c');
    expect(written).toEqual(['a', 'b']);
    timers.advance(10_000);
    expect(written).toEqual(['a', 'b', '1 more']);
  });

  it('add up what they would have said', () => {
    write('a', 'b');
    lines.write(() => undefined, { events: 2, entries: 3 });
    lines.write(() => undefined, { events: 1, entries: 0 });
    lines.close();
    lines.close();
    expect(written.at(-1)).toBe('{"events":3,"entries":3}');
    expect(written).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });
});
