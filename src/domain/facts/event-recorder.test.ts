import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { DomainEvent } from './event.js';
import { EventRecorder } from './event-recorder.js';

function recorder() {
  const clock = new ManualClock();
  const events: DomainEvent[] = [];
  return {
    clock,
    events,
    recorder: new EventRecorder({ publish: (event) => void events.push(event) }, clock),
  };
}

const inSession = (sessionId: string | null) => ({
  accountId: 'acme',
  sessionId,
  participantId: 'p',
  tag: null,
});

describe('recorded events', () => {
  it('bear an id of their own, the time and the subject', () => {
    const { clock, events, recorder: facts } = recorder();
    clock.advance(5);
    facts.record('participant.deleted', { ...inSession('s'), tag: 'vip' }, {});
    facts.record('participant.deleted', inSession('s'), {});
    expect(events[0]).toEqual({
      id: events[0]!.id,
      type: 'participant.deleted',
      accountId: 'acme',
      sessionId: 's',
      participantId: 'p',
      tag: 'vip',
      sequence: 1,
      time: clock.now(),
      data: {},
    });
    expect(events[0]!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(events[1]!.id).not.toBe(events[0]!.id);
  });

  it('are counted per session without a gap, and per account outside sessions', () => {
    const { events, recorder: facts } = recorder();
    for (const sessionId of ['s', 't', null, 's', null, 't', 's']) {
      facts.record('participant.removed', inSession(sessionId), {});
    }
    const sequences = (sessionId: string | null) =>
      events.filter((event) => event.sessionId === sessionId).map(({ sequence }) => sequence);
    expect(sequences('s')).toEqual([1, 2, 3]);
    expect(sequences('t')).toEqual([1, 2]);
    expect(sequences(null)).toEqual([1, 2]);
  });

  it('number the end of a session last', () => {
    const { events, recorder: facts } = recorder();
    facts.record('session.created', inSession('s'), { tag: null });
    facts.record('session.deleted', inSession('s'), {});
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});
