import { describe, expect, it } from 'vitest';
import { readReplaces } from './replaces-header.js';
import { StandingDialogs } from './standing-dialogs.js';

const read = (value: string | undefined, join?: string) =>
  readReplaces({ get: (name) => (name === 'Replaces' ? value : name === 'Join' ? join : undefined) });

describe('Replaces', () => {
  it.each([
    ['a@b;to-tag=1;from-tag=2', { callId: 'a@b', localTag: '1', remoteTag: '2', isEarlyOnly: false }],
    [
      'a ; From-Tag = 2 ;to-tag=1;early-only',
      { callId: 'a', localTag: '1', remoteTag: '2', isEarlyOnly: true },
    ],
    ['a;to-tag=1;from-tag=2;x=y', { callId: 'a', localTag: '1', remoteTag: '2', isEarlyOnly: false }],
  ])('names a dialog by our tag and theirs: %s', (value, replaces) => {
    expect(read(value)).toEqual({ replaces });
  });

  it.each([
    '',
    ';to-tag=1;from-tag=2',
    'a;to-tag=1',
    'a;from-tag=2',
    'a;to-tag=1;to-tag=2;from-tag=2',
    'a;to-tag=;from-tag=2',
    'a b;to-tag=1;from-tag=2',
    'a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2',
  ])('that names none, or several, is a bad request: %s', (value) => {
    expect(read(value)).toEqual({ fault: { status: 400, reason: 'bad-replaces' } });
  });

  it('beside Join is a bad request, and none is none', () => {
    expect(read('a;to-tag=1;from-tag=2', 'b')).toMatchObject({ fault: { status: 400 } });
    expect(read(undefined)).toBeNull();
  });
});

describe('the dialogs that may be replaced', () => {
  const call = { legId: 'l', participantId: 'p', trunkId: null, replaced: () => undefined };
  const name = { callId: 'a', localTag: '1', remoteTag: '2' };

  it('are found by all three names, and known to have ended afterwards', () => {
    const dialogs = new StandingDialogs();
    const forget = dialogs.add(name, call);
    expect(dialogs.find(name)).toBe(call);
    for (const other of [{ callId: 'b' }, { localTag: '2' }, { remoteTag: '1' }])
      expect(dialogs.find({ ...name, ...other })).toBeNull();
    forget();
    forget();
    expect(dialogs.find(name)).toBe('ended');
  });

  it('are found with a tag of zero where the far end has none', () => {
    const dialogs = new StandingDialogs();
    dialogs.add({ ...name, remoteTag: '' }, call);
    expect(dialogs.find({ ...name, remoteTag: '0' })).toBe(call);
    expect(dialogs.find({ ...name, remoteTag: '7' })).toBeNull();
  });

  it('that ended longest ago are forgotten', () => {
    const dialogs = new StandingDialogs();
    for (let n = 0; n < 1001; n += 1) dialogs.add({ ...name, callId: `c${n}` }, call)();
    expect(dialogs.find({ ...name, callId: 'c0' })).toBeNull();
    expect(dialogs.find({ ...name, callId: 'c1' })).toBe('ended');
  });
});
