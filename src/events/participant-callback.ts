/** The callbacks that Bandwidth sends to a participant's `callbackUrl`, made of our facts. */
import type { DomainEvent } from '../domain/facts/event.js';
import type { EndReason } from '../domain/outcome.js';

export type CallbackType = 'onConnect' | 'onLeave' | 'onDisconnect';

export interface ParticipantCallback {
  readonly event: CallbackType;
  /** Milliseconds since the epoch, as text. */
  readonly timestamp: string;
  readonly participantId: string;
  /** The client's own id where it has one, else our leg's. */
  readonly deviceId: string;
  readonly tag?: string;
}

/** Ends that nobody asked for: the connection broke. */
const lost: readonly EndReason[] = [
  'connection-lost',
  'gateway-restarted',
  'ice-failed',
  'media-lost',
  'media-timeout',
  'no-ack',
];

/** What the fact means to the participant's callback URL, or null where it means nothing. */
export function participantCallback(event: DomainEvent): ParticipantCallback | null {
  const { participantId, tag } = event;
  const told = read(event);
  if (participantId === null || told === null) return null;
  return {
    event: told.type,
    timestamp: String(event.time),
    participantId,
    deviceId: told.deviceId,
    ...(tag === null ? {} : { tag }),
  };
}

function read(event: DomainEvent): { readonly type: CallbackType; readonly deviceId: string } | null {
  switch (event.type) {
    case 'call.established':
      return { type: 'onConnect', deviceId: event.data.clientId ?? event.data.legId };
    case 'signalling.back':
      return { type: 'onConnect', deviceId: event.data.clientId };
    case 'signalling.lost':
      return { type: 'onDisconnect', deviceId: event.data.clientId };
    case 'call.ended': {
      const { clientId, legId, outcome, wasEstablished } = event.data;
      if (!wasEstablished) return null;
      const isLost = lost.includes(outcome.reason);
      if (clientId === null) return { type: isLost ? 'onDisconnect' : 'onLeave', deviceId: legId };
      // What broke was told by `signalling.lost`, unless there was nobody left to say so.
      if (outcome.reason === 'gateway-restarted') return { type: 'onDisconnect', deviceId: clientId };
      return isLost || outcome.reason === 'gateway-stopping' ? null : { type: 'onLeave', deviceId: clientId };
    }
    default:
      return null;
  }
}
