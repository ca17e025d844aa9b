import { describe, expect, it } from 'vitest';
import type { DomainEvent, EventData, EventType } from '../domain/facts/event.js';
import type { EndReason } from '../domain/outcome.js';
import { participantCallback } from './participant-callback.js';

function event<T extends EventType>(
  type: T,
  data: EventData[T],
  changes: Partial<DomainEvent> = {},
): DomainEvent {
  return {
    id: 'e1',
    type,
    accountId: 'acme',
    sessionId: null,
    participantId: 'p1',
    tag: 'mine',
    sequence: 1,
    time: 1_700_000_000_123,
    data,
    ...changes,
  } as DomainEvent;
}

const ended = (door: string, reason: EndReason, wasEstablished = true) =>
  event('call.ended', {
    legId: 'l1',
    legKind: 'phone',
    door,
    callId: 'c1',
    clientId: door === 'sip' ? null : 'd1',
    voiceCallId: null,
    trunkId: null,
    stir: null,
    headers: null,
    caller: null,
    durationMs: 5,
    wasEstablished,
    outcome: { endedBy: 'participant', reason },
  });

describe('A participant’s callbacks', () => {
  it('have exactly the fields that Bandwidth sends', () => {
    const established = { legId: 'l1', legKind: 'phone', door: 'sip', callId: 'c1', clientId: null } as const;
    expect(participantCallback(event('call.established', established))).toEqual({
      event: 'onConnect',
      timestamp: '1700000000123',
      participantId: 'p1',
      deviceId: 'l1',
      tag: 'mine',
    });
    expect(participantCallback(event('call.established', established, { tag: null }))).not.toHaveProperty(
      'tag',
    );
  });

  it('of a client with an id of its own name it, at each connection', () => {
    const data = { legId: 'l1', clientId: 'd1' };
    expect(participantCallback(event('signalling.back', data))).toMatchObject({
      event: 'onConnect',
      deviceId: 'd1',
    });
    expect(participantCallback(event('signalling.lost', data))).toMatchObject({
      event: 'onDisconnect',
      deviceId: 'd1',
    });
    const call = { legId: 'l1', door: 'bandwidth', callId: 'd1', clientId: 'd1' };
    expect(participantCallback(event('call.established', { ...call, legKind: 'browser' }))).toMatchObject({
      event: 'onConnect',
      deviceId: 'd1',
    });
  });

  it.each<[door: string, reason: EndReason, told: string | null]>([
    ['sip', 'hangup', 'onLeave'],
    ['sip', 'participant-deleted', 'onLeave'],
    ['sip', 'session-deleted', 'onLeave'],
    ['sip', 'no-session', 'onLeave'],
    ['sip', 'gateway-stopping', 'onLeave'],
    ['sip', 'media-timeout', 'onDisconnect'],
    ['sip', 'media-lost', 'onDisconnect'],
    ['sip', 'ice-failed', 'onDisconnect'],
    ['sip', 'connection-lost', 'onDisconnect'],
    ['sip', 'gateway-restarted', 'onDisconnect'],
    ['bandwidth', 'hangup', 'onLeave'],
    ['bandwidth', 'participant-deleted', 'onLeave'],
    ['bandwidth', 'connection-lost', null],
    ['bandwidth', 'gateway-stopping', null],
    ['bandwidth', 'gateway-restarted', 'onDisconnect'],
  ])('at the end of a leg of %s by %s: %s', (door, reason, told) => {
    const callback = participantCallback(ended(door, reason));
    expect(callback?.event ?? null).toBe(told);
    if (callback !== null) expect(callback.deviceId).toBe(door === 'sip' ? 'l1' : 'd1');
  });

  it('say nothing of legs that were never connected, of other facts, and of nobody', () => {
    expect(participantCallback(ended('sip', 'canceled', false))).toBeNull();
    expect(participantCallback(event('session.created', { tag: null }))).toBeNull();
    const data = { legId: 'l1', clientId: 'd1' };
    expect(participantCallback(event('signalling.back', data, { participantId: null }))).toBeNull();
  });
});
