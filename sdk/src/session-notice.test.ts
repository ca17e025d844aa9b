import { describe, expect, it } from 'vitest';
import { parseNotice } from './session-notice.js';

describe('parseNotice', () => {
  it('reads who the others are, and leaves out what it does not understand', () => {
    const caller = { number: '+15551230142', name: null };
    const described = { participantId: 'a', kind: 'phone', displayName: null, attributes: {}, caller };
    const microphone = { streamId: 'a.1', alias: 'microphone', mediaTypes: ['AUDIO'] };
    const participants = [
      { ...described, later: 1 },
      { kind: 'phone' },
      7,
      {
        ...described,
        participantId: 'b',
        mutedStreams: [{ ...microphone, mediaTypes: ['AUDIO', 'SMELL'] }, { alias: 7 }, null],
      },
    ];
    const notice = { type: 'participants', sessionId: 's', participants, unsubscribed: ['c', 7] };
    expect(parseNotice(JSON.stringify(notice))).toEqual({
      type: 'participants',
      sessionId: 's',
      unsubscribed: ['c'],
      mutedStreams: [],
      participants: [
        { ...described, mutedStreams: [] },
        { ...described, participantId: 'b', mutedStreams: [microphone] },
      ],
    });
  });

  it('reads the list of a gateway that tells neither the session nor who is still there', () => {
    expect(parseNotice('{"type":"participants","participants":[]}')).toEqual({
      type: 'participants',
      sessionId: null,
      participants: [],
      unsubscribed: [],
      mutedStreams: [],
    });
  });

  it('reads key presses', () => {
    const dtmf = { type: 'dtmf', participantId: 'a', digit: '#', durationMs: 100 };
    expect(parseNotice(JSON.stringify(dtmf))).toEqual(dtmf);
  });

  it.each(['', '{', 'null', '7', '{"type":"new"}', '{"type":"dtmf","digit":1}', '{"type":"participants"}'])(
    'says nothing of %j',
    (body) => {
      expect(parseNotice(body)).toBeUndefined();
    },
  );
});
