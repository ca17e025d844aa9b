import { describe, expect, it } from 'vitest';
import { logConsole } from './library-output.js';
import { createLogger, type LogLevel } from './logger.js';

function lines(level: LogLevel, write: (target: typeof console) => void): Record<string, unknown>[] {
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const target = {} as typeof console;
  logConsole(createLogger({ level, headers: ['X-Token'], destination }), target);
  write(target);
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('what libraries write to the console', () => {
  it('is lines of the log', () => {
    const written = lines('debug', (target) => {
      target.error(new Error('bad'), 'unable to parse');
      target.info('connected to %s', 'somewhere');
      target.log({ a: 1 });
    });
    expect(written).toMatchObject([
      { level: 'debug', method: 'error', msg: 'a library wrote to the console' },
      { method: 'info', text: 'connected to somewhere' },
      { method: 'log', text: '{ a: 1 }' },
    ]);
    expect(written[0]?.['text']).toContain('Error: bad');
  });

  it('holds no secret and is of bounded length', () => {
    const message = 'INVITE sip:join@gateway SIP/2.0\r\nX-Token: 7K3Q9XWT2MBD\r\nSubject: x\r\n\r\n';
    const [line] = lines('debug', (target) => target.error(new Error('?'), message + 'y'.repeat(100_000)));
    expect(JSON.stringify(line)).not.toContain('7K3Q9XWT2MBD');
    expect(String(line?.['text']).length).toBeLessThanOrEqual(1000);
  });

  it('is not written at all at the usual level', () => {
    expect(lines('info', (target) => target.error('a stranger has sent something odd'))).toEqual([]);
  });
});
