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
      expect(timerOfInvite(saying(value, '100rel, timer'))).toEqual(theirs);
      expect(timerOfOurAnswer(theirs)).toEqual({
        'Session-Expires': '1800;refresher=uac',
        Require: 'timer',
      });
    },
  );

  it('may have its compact name', () => {
    const get = (name: string) => ({ x: '1800;refresher=uac', Supported: 'timer' })[name];
    expect(timerOfInvite({ get })).toEqual(theirs);
    expect(guardSessionTimer({ get: (name) => (name === 'x' ? '60' : get(name)) })?.status).toBe(422);
  });

  it.each(['1800;refresher=uas', '1800;x=y; refresher = UAS'])('is kept by us: %s', (value) => {
    const invite = saying(value, 'timer');
    for (const timer of [timerOfInvite(invite), timerOfReinvite(invite, theirs)]) expect(timer).toEqual(ours);
    expect(timerOfOurAnswer(ours)).toEqual({ 'Session-Expires': '1800;refresher=uas' });
  });

  // RFC 4028 §9, table 2; a proxy names nobody, for the phone could not know of it (§8.1).
  it.each([undefined, '', '100rel', 'timers, 100rel'])(
    'is asked for by a proxy where the phone supports %j, and kept by us',
    (supported) => {
      const invite = saying('1800', supported);
      expect(timerOfInvite(invite)).toEqual(ours);
      for (const previous of [null, theirs, ours]) expect(timerOfReinvite(invite, previous)).toEqual(ours);
      expect(timerOfInvite(saying('1800;refresher=uac', supported))).toEqual(ours);
      // drachtio-server goes by the name, and only a phone that knows timers writes one.
      expect(timerOfReinvite(saying('1800;refresher=uac', supported), ours)).toEqual(theirs);
    },
  );

  it.each(['0', '1', '89'])('is no shorter than 90 seconds, as drachtio-server has it: %s', (value) => {
    expect(timerOfInvite(saying(value))).toEqual({ seconds: 90, isOurs: true });
    expect(timerOfReinvite(saying(value), null)).toEqual({ seconds: 90, isOurs: true });
    expect(timerOfReinvite(saying(`${value};refresher=uac`), null)).toEqual({ seconds: 90, isOurs: false });
    for (const refresher of ['', ';refresher=uac'])
      expect(timerOfAnswer(saying(`${value}${refresher}`), ours)).toEqual({ seconds: 90, isOurs: true });
    expect(timerOfAnswer(saying(`${value};refresher=uas`), ours)).toEqual({ seconds: 90, isOurs: false });
  });

  it.each([undefined, '', '-1', 'x', '99999999999', '1814401', '90\r\nX: y'])('is none: %j', (value) => {
    expect(timerOfInvite(saying(value))).toBeNull();
    expect(timerOfReinvite(saying(value), ours)).toBeNull();
    expect(timerOfOurAnswer(null)).toEqual({});
    expect(timerOfOurInvite(null)).toEqual({});
  });

  it('changes hands in a re-INVITE that names nobody, as drachtio-server has it', () => {
    const unnamed = saying('1800', 'timer');
    expect(timerOfReinvite(unnamed, null)).toEqual(ours);
    expect(timerOfReinvite(unnamed, theirs)).toEqual(ours);
    expect(timerOfReinvite(unnamed, ours)).toEqual(theirs);
    expect(timerOfReinvite(saying('1800;refresher=uac', 'timer'), ours)).toEqual(theirs);
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
