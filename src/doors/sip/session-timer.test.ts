import { describe, expect, it } from 'vitest';
import {
  guardSessionTimer,
  refreshAfterMs,
  timerOfAnswer,
  timerOfInvite,
  timerOfOurAnswer,
  timerOfOurInvite,
  timerOfReinvite,
} from './session-timer.js';

const saying = (value?: string, supported?: string) => ({
  get: (name: string) => (name === 'Session-Expires' ? value : name === 'Supported' ? supported : undefined),
});
const theirs = { seconds: 1800, isOurs: false };
const ours = { seconds: 1800, isOurs: true };

describe('the session timer that a phone asks for', () => {
  it.each(['1800', '1800;refresher=uac', ' 1800 ; Refresher = UAC ; x=y'])(
    'is kept by the phone: %s',
    (value) => {
      expect(timerOfInvite(saying(value))).toEqual(theirs);
      expect(timerOfOurAnswer(theirs)).toEqual({
        'Session-Expires': '1800;refresher=uac',
        Require: 'timer',
      });
    },
  );

  it.each(['1800;refresher=uas', '1800;x=y; refresher = UAS'])('is kept by us: %s', (value) => {
    for (const timer of [timerOfInvite(saying(value)), timerOfReinvite(saying(value), theirs)])
      expect(timer).toEqual(ours);
    expect(timerOfOurAnswer(ours)).toEqual({ 'Session-Expires': '1800;refresher=uas' });
  });

  it.each([undefined, '', '0', '89', '-1', 'x', '99999999999', '1814401', '90\r\nX: y'])(
    'is none: %j',
    (value) => {
      expect(timerOfInvite(saying(value))).toBeNull();
      expect(timerOfReinvite(saying(value), ours)).toBeNull();
      expect(timerOfOurAnswer(null)).toEqual({});
      expect(timerOfOurInvite(null)).toEqual({});
    },
  );

  it('changes hands in a re-INVITE that names nobody, as drachtio-server has it', () => {
    expect(timerOfReinvite(saying('1800'), null)).toEqual(ours);
    expect(timerOfReinvite(saying('1800'), theirs)).toEqual(ours);
    expect(timerOfReinvite(saying('1800'), ours)).toEqual(theirs);
    expect(timerOfReinvite(saying('1800;refresher=uac'), ours)).toEqual(theirs);
  });

  it('too short is refused with 422 where the phone can ask for a longer one', () => {
    expect(guardSessionTimer(saying('89', '100rel, Timer'))).toMatchObject({
      status: 422,
      headers: { 'Min-SE': '90' },
    });
    for (const [value, supported] of [
      ['89', undefined],
      ['89', 'timers'],
      ['90', 'timer'],
      [undefined, 'timer'],
    ] as const)
      expect(guardSessionTimer(saying(value, supported))).toBeNull();
  });
});

describe('an INVITE of ours', () => {
  it('says who refreshes as before, and its answer may say otherwise', () => {
    expect(timerOfOurInvite(ours)).toEqual({ 'Session-Expires': '1800;refresher=uac', Supported: 'timer' });
    expect(timerOfOurInvite(theirs)).toMatchObject({ 'Session-Expires': '1800;refresher=uas' });
    expect(timerOfAnswer(saying('900;refresher=uac'), ours)).toEqual({ seconds: 900, isOurs: true });
    expect(timerOfAnswer(saying('900;refresher=uas'), ours)).toEqual({ seconds: 900, isOurs: false });
    expect(timerOfAnswer(saying(undefined), ours)).toEqual(ours);
  });

  it('refreshes the call well before drachtio-server would', () => {
    expect(refreshAfterMs(ours)).toBe(600_000);
    // It does at half of the time or five seconds before.
    expect(refreshAfterMs({ seconds: 90, isOurs: true })).toBe(30_000);
  });
});
