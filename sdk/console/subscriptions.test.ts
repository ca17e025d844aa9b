import { describe, expect, it } from 'vitest';
import { hears, modeOf, toggled, withMode } from './subscriptions.js';

const members = ['a', 'b', 'c'];
const session = { sessionId: 's' };
const list = { participants: [{ participantId: 'b' }, { participantId: 'c', streamAliases: ['camera'] }] };

describe('modeOf and hears', () => {
  it('reads the three shapes, a non-empty list before the session id', () => {
    expect(modeOf(session)).toBe('session');
    expect(modeOf({})).toBe('nobody');
    expect(modeOf({ ...session, ...list })).toBe('list');
    expect(modeOf({ ...session, participants: [] })).toBe('session');
  });

  it('says who is heard, and who in part', () => {
    expect(hears(session, 'b')).toBe('yes');
    expect(hears({}, 'b')).toBe('no');
    expect([hears(list, 'a'), hears(list, 'b'), hears(list, 'c')]).toEqual(['no', 'yes', 'partly']);
  });
});

describe('toggled', () => {
  it('leaves the whole session for everyone who is there but one', () => {
    expect(toggled(session, members, 'a', 'b')).toEqual({ participants: [{ participantId: 'c' }] });
  });

  it('ends with nobody when the last one goes', () => {
    expect(toggled(session, ['a', 'b'], 'a', 'b')).toEqual({});
    expect(toggled({ participants: [{ participantId: 'b' }] }, members, 'a', 'b')).toEqual({});
  });

  it('begins a list with one, and leaves the other entries alone', () => {
    expect(toggled({}, members, 'a', 'b')).toEqual({ participants: [{ participantId: 'b' }] });
    expect(toggled(list, members, 'a', 'b')).toEqual({ participants: [list.participants[1]] });
  });

  it('hears all of a speaker of whom it heard a part', () => {
    expect(toggled(list, members, 'a', 'c')).toEqual({
      participants: [{ participantId: 'b' }, { participantId: 'c' }],
    });
  });
});

describe('withMode', () => {
  it('keeps whom the listener hears when it becomes a list', () => {
    const everyone = { participants: [{ participantId: 'b' }, { participantId: 'c' }] };
    expect(withMode('list', session, { sessionId: 's', memberIds: members, listenerId: 'a' })).toEqual(
      everyone,
    );
    expect(withMode('list', list, { sessionId: 's', memberIds: members, listenerId: 'a' })).toEqual(list);
    expect(withMode('list', {}, { sessionId: 's', memberIds: members, listenerId: 'a' })).toEqual(everyone);
  });

  it('knows the whole session and nobody', () => {
    expect(withMode('session', list, { sessionId: 's', memberIds: members, listenerId: 'a' })).toEqual(
      session,
    );
    expect(withMode('nobody', list, { sessionId: 's', memberIds: members, listenerId: 'a' })).toEqual({});
  });
});
