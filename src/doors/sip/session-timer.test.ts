import { describe, expect, it } from 'vitest';
import { sessionTimerHeaders } from './session-timer.js';

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

  it.each([undefined, '', '0', '89', '-1', 'x', '99999999999', '4294967296', '90\r\nX: y'])(
    'is none: %j',
    (value) => {
      expect(sessionTimerHeaders(asking(value), true)).toEqual({});
    },
  );
});
