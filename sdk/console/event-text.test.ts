import { describe, expect, it } from 'vitest';
import { eventText, formatDuration } from './event-text.js';
import type { GatewayEvent } from './model.js';

function event(type: string, data: GatewayEvent['data'] = {}): GatewayEvent {
  return {
    id: '1',
    type,
    sessionId: 's',
    participantId: 'p',
    tag: null,
    time: '2026-01-01T00:00:00.000Z',
    data,
  };
}

describe('eventText', () => {
  it.each([
    ['participant.joined', { legKind: 'phone' }, 'Ann joined by phone', 'good'],
    ['participant.left', { outcome: { endedBy: 'participant', reason: 'hangup' } }, 'Ann hung up', 'plain'],
    [
      'participant.left',
      { outcome: { endedBy: 'application', reason: 'hangup' } },
      'Ann was hung up by the application',
      'plain',
    ],
    ['participant.left', { outcome: { reason: 'media-lost' } }, 'Ann lost its media', 'bad'],
    ['participant.left', { outcome: { reason: 'unheard-of' } }, 'Ann left', 'plain'],
    ['participant.left', {}, 'Ann left', 'plain'],
    [
      'call.ended',
      { durationMs: 67_000, outcome: { reason: 'hangup' } },
      'Ann’s call is over, after 1:07 min',
      'plain',
    ],
    [
      'subscriptions.updated',
      { subscriptions: { sessionId: 's' } },
      'Ann now hears the whole session',
      'plain',
    ],
    ['subscriptions.updated', { subscriptions: {} }, 'Ann now hears nobody', 'plain'],
    ['leg.quality', {}, 'Ann: leg.quality', 'plain'],
  ] as const)('%s %j reads %j', (type, data, text, tone) => {
    expect(eventText(event(type, data), 'Ann')).toEqual({ text, tone });
  });
});

describe('formatDuration', () => {
  it.each([
    [400, '0 s'],
    [59_400, '59 s'],
    [60_000, '1:00 min'],
    [3_723_000, '1:02:03 h'],
  ])('%i ms reads %j', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
