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
    ['application/dtmf', 'Signal=5\r\nDuration=160\r\n', '5', 160],
    ['application/dtmf', 'signal=#', '#', 160],
    ['application/dtmf', '"8"', '8', 160],
    ['application/dtmf', '11', '#', 160],
    [relay, 'Signal="5"\r\nDuration="250"\r\n', '5', 250],
    [relay, "Signal='*'\r\nDuration=' 250'", '*', 160],
    [relay, 'Signal : 5\r\nDuration : 250', '5', 250],
    [relay, 'Signal=5;Duration=250', '5', 250],
    [relay, 'Signal=5 Duration=250', '5', 250],
    [relay, 'Signal=5,Duration=250', '5', 250],
    [relay, 'Signal=5\rDuration=250\r', '5', 250],
    [relay, 'Signal=%23\r\nDuration=250', '#', 250],
    [relay, 'Signal=%2a\r\nDuration=250', '*', 250],
    [relay, 'Signal=12\r\nDuration=250', 'A', 250],
    [relay, 'Signal=15\r\nDuration=250', 'D', 250],
    [relay, 'Signal=5\r\nDuration=', '5', 160],
    [relay, 'Signal=5\r\nDuration=-1', '5', 160],
    [relay, 'Signal=5\r\nDuration=123456', '5', 160],
    [relay, 'Signal=5\r\nDuration=250 ms', '5', 250],
    [relay, 'Signal=5\0', '5', 160],
    [relay, 'Signal=5\r\nDuration=250\0', '5', 250],
    ['application/dtmf', '5\0', '5', 160],
    ['application/dtmf; charset="utf-8"', '\ufeff#\r\n\r\n', '#', 160],
    [relay, '5', '5', 160],
    [relay, 'Signal=5\r\nSignal=6\r\nDuration=250', '5', 250],
    [relay, '\r\n\r\nSIGNAL=5\r\nDURATION=250', '5', 250],
    [relay, 'Signal=5\r\nDuration=0250\r\n\r\n', '5', 250],
    ['application/vnd.nortelnetworks.digits', 'p=Digit-Collection\r\ny=Digits\r\n\r\nd=4\r\n', '4', 160],
    ['audio/telephone-event;rate=8000', 'Signal=5\r\nDuration=250', '5', 250],
    ['Audio/Telephone-Event', '5', '5', 160],
    [
      'multipart/mixed;boundary=b',
      '--b\r\nContent-Type: text/plain\r\n\r\n7\r\n--b\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=250\r\n--b--\r\n',
      '5',
      250,
    ],
  ])('%s %j is %s for %i ms', (contentType, body, digit, durationMs) => {
    expect(parseDtmfInfo(contentType, body)).toEqual({ digit, durationMs });
  });

  it.each([
    ['\x0b\x0a\x03\x20', '#', 100, false],
    ['\x05\x8a\x07\xd0', '5', 250, true],
    ['\x05\x0a\x00\x00', '5', 0, false],
    // As text, which octets above 127 do not survive: the last 16 ms are lost, or what is above 4 s.
    ['\x05\ufffd\x07\ufffd', '5', 240, true],
    ['\x05\ufffd\ufffd\x08', '5', 4097, true],
    ['\x05\ufffd\ufffd\ufffd', '5', 4112, true],
    // Two of them that look like one character in UTF-8.
    [Buffer.from([5, 0x8a, 0xc3, 0xa0]).toString(), '5', 4096, true],
    [Buffer.from([5, 0x0a, 0xe1, 0x80]).toString(), '5', 4096, false],
  ])('of an event’s four octets %j is %s for %i ms, let go: %s', (body, digit, durationMs, isEnd) => {
    expect(parseDtmfInfo('audio/telephone-event', body)).toEqual({ digit, durationMs, isEnd });
  });

  it.each([
    [relay, ''],
    [relay, 'Duration=160'],
    [relay, 'Signal='],
    [relay, 'Signal=16'],
    [relay, 'Signal=123'],
    [relay, 'Signal=!'],
    [relay, 'Signal=""'],
    [relay, 'Signal=5x'],
    ['audio/telephone-event', ''],
    ['audio/telephone-event', '\x10\x8a\x03\x20'],
    ['audio/telephone-event', '\x05\x8a\x03'],
    ['multipart/mixed', 'Signal=5'],
    [
      'multipart/mixed;boundary=b',
      '--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\nSignal=5\r\n--b--',
    ],
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

  it.each(['\n', '\r\n', ' ', '\n ', 'Signal\n', 'Duration = ', 'Signal=1', '"', '\t', 'd='])(
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
