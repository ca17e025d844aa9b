import { describe, expect, it } from 'vitest';
import { noSubscriptions, streamSelector, type Subscriptions } from './subscriptions.js';

const session = 'session-1';
const microphone = { participantId: 'alice', alias: 'microphone' };

function receives(subscriptions: Subscriptions, stream = microphone, listener = 'bob'): boolean {
  return streamSelector(listener, session, subscriptions)(stream.participantId, stream.alias);
}

describe('a subscription', () => {
  it('to nothing receives nothing', () => {
    expect(receives(noSubscriptions)).toBe(false);
    expect(receives({ participants: [] })).toBe(false);
  });

  it('to the session receives every stream of the others', () => {
    expect(receives({ sessionId: session })).toBe(true);
    expect(receives({ sessionId: session }, { participantId: 'carol', alias: 'screenShare' })).toBe(true);
  });

  it('to another session receives nothing here', () => {
    expect(receives({ sessionId: 'session-2' })).toBe(false);
  });

  it('to the session with an empty list is one to the session', () => {
    expect(receives({ sessionId: session, participants: [] })).toBe(true);
  });

  it('to a list receives exactly the list, whatever the session id says', () => {
    const subscriptions = { sessionId: session, participants: [{ participantId: 'carol' }] };
    expect(receives(subscriptions)).toBe(false);
    expect(receives(subscriptions, { participantId: 'carol', alias: 'microphone' })).toBe(true);
    expect(
      receives({ ...subscriptions, sessionId: 'session-2' }, { participantId: 'carol', alias: 'a' }),
    ).toBe(true);
  });

  it('to a participant without aliases, or with none, receives every stream of that participant', () => {
    for (const entry of [{ participantId: 'alice' }, { participantId: 'alice', streamAliases: [] }]) {
      expect(receives({ participants: [entry] })).toBe(true);
      expect(receives({ participants: [entry] }, { participantId: 'alice', alias: 'camera' })).toBe(true);
    }
  });

  it('to aliases receives those alone, compared by case', () => {
    const subscriptions = {
      participants: [{ participantId: 'alice', streamAliases: ['microphone', 'camera'] }],
    };
    expect(receives(subscriptions)).toBe(true);
    expect(receives(subscriptions, { participantId: 'alice', alias: 'camera' })).toBe(true);
    expect(receives(subscriptions, { participantId: 'alice', alias: 'screenShare' })).toBe(false);
    expect(receives(subscriptions, { participantId: 'alice', alias: 'Microphone' })).toBe(false);
  });

  it('that lists a participant twice receives what either entry names', () => {
    const subscriptions = {
      participants: [
        { participantId: 'alice', streamAliases: ['camera'] },
        { participantId: 'alice', streamAliases: ['microphone'] },
      ],
    };
    expect(receives(subscriptions)).toBe(true);
    for (const participants of [
      [{ participantId: 'alice' }, { participantId: 'alice', streamAliases: ['camera'] }],
      [{ participantId: 'alice', streamAliases: ['camera'] }, { participantId: 'alice' }],
    ]) {
      expect(receives({ participants })).toBe(true);
    }
  });

  it('never brings back one’s own streams, not even where it names them', () => {
    expect(receives({ sessionId: session }, microphone, 'alice')).toBe(false);
    expect(receives({ participants: [{ participantId: 'alice' }] }, microphone, 'alice')).toBe(false);
  });
});
