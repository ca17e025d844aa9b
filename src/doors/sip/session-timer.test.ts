import { describe, expect, it } from 'vitest';
import { refreshSeconds, sessionTimerHeaders } from './session-timer.js';

const asking = (value?: string) => ({ get: () => value });

describe('the session timer that a phone asks for', () => {
  it.each(['1800', '1800;refresher=uac', ' 1800 ; Refresher = UAC ; x=y'])(
    'is kept by the phone: %s',
    (value) => {
      for (const isReinvite of [false, true])
        expect(sessionTimerHeaders(asking(value), isReinvite)).toEqual({
          'Session-Expires': '1800;refresher=uac',
          Require: 'timer',
        });
    },
  );

  it('is kept by us only where the SIP server has begun with it', () => {
    expect(sessionTimerHeaders(asking('1800;refresher=uas'), false)).toEqual({});
    expect(sessionTimerHeaders(asking('1800;refresher=uas'), true)).toEqual({
      'Session-Expires': '1800;refresher=uas',
    });
  });

  it.each([undefined, '', '0', '89', '-1', 'x', '99999999999', '1814401', '90\r\nX: y'])(
    'is none: %j',
    (value) => {
      expect(sessionTimerHeaders(asking(value), true)).toEqual({});
    },
  );

  it('is waited for only where the phone keeps it', () => {
    expect(refreshSeconds(asking('1800'), false)).toBe(1800);
    expect(refreshSeconds(asking('1800;refresher=uas'), true)).toBeNull();
    expect(refreshSeconds(asking(undefined), true)).toBeNull();
  });
});
