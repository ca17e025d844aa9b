import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDtmfInfo, parseDtmfInfo } from './dtmf-info.js';

const relay = 'application/dtmf-relay';

describe('a key press in INFO', () => {
  it.each([
    [relay, 'Signal=5\r\nDuration=250\r\n', '5', 250],
    [relay, 'Signal= 5\nDuration= 250', '5', 250],
    [relay, 'duration=90\r\nsignal=#', '#', 90],
    [relay, 'Signal=*', '*', 160],
    [relay, 'Signal=10\r\nDuration=160', '*', 160],
    [relay, 'Signal=11\r\nDuration=160', '#', 160],
    [relay, 'Signal=a', 'A', 160],
    ['Application/DTMF-Relay; charset=utf-8', 'Signal=1\r\nDuration=0', '1', 0],
    ['application/dtmf', '7', '7', 160],
    ['application/dtmf', ' d\r\n', 'D', 160],
  ])('%s %j is %s for %i ms', (contentType, body, digit, durationMs) => {
    expect(parseDtmfInfo(contentType, body)).toEqual({ digit, durationMs });
  });

  it.each([
    [relay, ''],
    [relay, 'Duration=160'],
    [relay, 'Signal='],
    [relay, 'Signal=12'],
    [relay, 'Signal=E'],
    [relay, 'Signal=constructor'],
    ['application/dtmf', ''],
    ['application/dtmf', '55'],
    ['application/dtmf', 'toString'],
    ['application/sdp', 'Signal=5'],
    ['', '5'],
  ])('%s %j is none', (contentType, body) => {
    expect(parseDtmfInfo(contentType, body)).toBeNull();
  });

  it('of ours is understood by ourselves', () => {
    for (const digit of '0123456789*#ABCDa') {
      const { headers, body } = formatDtmfInfo({ digit, durationMs: 5000 });
      const understood = parseDtmfInfo(headers['Content-Type'] ?? '', body);
      expect(understood).toEqual({ digit: digit.toUpperCase(), durationMs: 5000 });
    }
    expect(formatDtmfInfo({ digit: '#', durationMs: 160 }).body).toBe('Signal=#\r\nDuration=160\r\n');
  });

  it.each(['\n', '\r\n', ' ', '\n ', 'Signal\n', 'Duration = '])(
    'is looked for in no time in a body of nothing but %j',
    (piece) => {
      const body = `${piece.repeat(Math.floor(200_000 / piece.length))}x`;
      const startedMs = performance.now();
      expect(parseDtmfInfo(relay, body)).toBeNull();
      expect(performance.now() - startedMs).toBeLessThan(1000);
    },
  );

  it('is never anything but a digit, whatever is written', () => {
    fc.assert(
      fc.property(fc.constantFrom(relay, 'application/dtmf'), fc.string(), (contentType, text) => {
        const press = parseDtmfInfo(contentType, `Signal=${text}`) ?? parseDtmfInfo(contentType, text);
        if (press !== null) expect(press.digit).toMatch(/^[0-9*#A-D]$/);
      }),
    );
  });
});
