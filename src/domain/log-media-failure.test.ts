import { describe, expect, it } from 'vitest';
import { FarEndUnreachable, logMediaFailure } from './log-media-failure.js';
import { silentLogger, type Logger } from './logger.js';
import { MediaRefusal } from './media-plane.js';

function logged(error: unknown): object[] {
  const lines: object[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (fields, msg) => void lines.push({ level: 'info', msg, ...fields }),
    warn: (fields, msg) => void lines.push({ level: 'warn', msg, ...fields }),
  };
  logMediaFailure(logger, error, 'no', { legId: 'a' });
  return lines;
}

describe('logMediaFailure', () => {
  it('gives a reached limit, an ended leg and a far end that is gone a line without a stack', () => {
    expect(logged(new MediaRefusal('overloaded', 'the leg has ended'))).toEqual([
      { level: 'info', msg: 'no', legId: 'a', code: 'overloaded', detail: 'the leg has ended' },
    ]);
    expect(logged(new FarEndUnreachable('the WebSocket is closed'))).toEqual([
      { level: 'info', msg: 'no', legId: 'a', detail: 'the WebSocket is closed' },
    ]);
  });

  it('keeps the stack of a fault', () => {
    const err = new TypeError('undefined is not a function');
    expect(logged(err)).toEqual([{ level: 'warn', msg: 'no', legId: 'a', err }]);
  });
});
