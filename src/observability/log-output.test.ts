import { describe, expect, it } from 'vitest';
import { LogOutput } from './log-output.js';

interface Asked {
  readonly text: string;
  readonly done: (error: Error | null, written: number) => void;
}

function output(options: { maxWaiting?: number } = {}) {
  const asked: Asked[] = [];
  const log = new LogOutput({
    ...options,
    write: (_, bytes, done) => void asked.push({ text: bytes.toString(), done }),
  });
  return { log, asked, texts: () => asked.map(({ text }) => text) };
}

describe('The output of the log', () => {
  it('writes a line at once, and what comes meanwhile in one piece after it', () => {
    const { log, asked, texts } = output();
    for (const line of ['a\n', 'b\n', 'c\n']) log.write(line);
    expect(texts()).toEqual(['a\n']);
    asked[0]?.done(null, 2);
    expect(texts()).toEqual(['a\n', 'b\nc\n']);
    asked[1]?.done(null, 4);
    log.write('d\n');
    expect(texts().at(-1)).toBe('d\n');
  });

  it('goes on where a piece was written in part, by bytes', () => {
    const { log, asked, texts } = output();
    log.write('für\n');
    asked[0]?.done(null, 3);
    expect(texts()).toEqual(['für\n', 'r\n']);
  });

  it('loses what a full disk does not take, and writes again when it does', () => {
    const { log, asked, texts } = output();
    log.write('lost\n');
    log.write('taken\n');
    asked[0]?.done(Object.assign(new Error('no space left'), { code: 'ENOSPC' }), 0);
    expect(texts()).toEqual(['lost\n', 'taken\n']);
    asked[1]?.done(null, 6);
    log.write('after\n');
    expect(texts().at(-1)).toBe('after\n');
  });

  it('keeps no more for a reader that is stuck than it may', () => {
    const { log, asked, texts } = output({ maxWaiting: 10 });
    log.write('first\n');
    for (let i = 0; i < 100; i += 1) log.write('line\n');
    asked[0]?.done(null, 6);
    expect(texts()).toEqual(['first\n', 'line\nline\n']);
  });
});
