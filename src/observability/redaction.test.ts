import { describe, expect, it } from 'vitest';
import { createRedaction } from './redaction.js';

const redact = createRedaction();

describe('redaction of a log line', () => {
  it.each([
    ['a token in a text', 'saw eyJhbGciOiJI.eyJwIjoi.c2ln here', 'saw [redacted] here'],
    ['one without a signature', '"eyJhbGciOiJI.eyJwIjoi"', '"[redacted]"'],
    ['one after a line end in JSON', 'a\\neyJhbGciOiJI.eyJwIjoi.c2ln', 'a\\n[redacted]'],
    ['two, one after the other', 'eyJhbGciOiJI.a.b,eyJhbGciOiJI.c.d', '[redacted],[redacted]'],
    ['a header in the midst of a word', 'xeyJeyJhbGciOiJI.a.b', 'x[redacted]'],
    ['what is too short for one', 'eyJhbG.eyJwIjoi.c2ln', 'eyJhbG.eyJwIjoi.c2ln'],
    ['what no dot follows', 'eyJhbGciOiJI eyJhbGciOiJI', 'eyJhbGciOiJI eyJhbGciOiJI'],
  ])('reads %s', (_, line, safe) => {
    expect(redact(line)).toBe(safe);
  });

  it('takes 100 kB that begin a token at every third character in less than half a second of processor time', () => {
    const line = 'eyJ'.repeat(33_000);
    const before = process.cpuUsage();
    expect(redact(line)).toBe(line);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(500);
  });
});
