/** The callbacks that Bandwidth sends to a participant's `callbackUrl`, made of our facts. */
import type { DomainEvent } from '../domain/facts/event.js';
import type { EndReason } from '../domain/outcome.js';

export type CallbackType = 'onConnect' | 'onLeave' | 'onDisconnect';

export interface ParticipantCallback {
  readonly event: CallbackType;
  /** Milliseconds since the epoch, as text. */
  readonly timestamp: string;
  readonly participantId: string;
  /** A device's own id; of a call that came in another way, our leg's. */
  readonly deviceId: string;
  readonly tag?: string;
}

/** Devices come and go within the life of their leg, and say so themselves. */
const deviceDoor = 'bandwidth';

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
    case 'device.connected':
      return { type: 'onConnect', deviceId: event.data.deviceId };
    case 'device.disconnected':
      return { type: 'onDisconnect', deviceId: event.data.deviceId };
    case 'call.established':
      return event.data.door === deviceDoor ? null : { type: 'onConnect', deviceId: event.data.legId };
    case 'call.ended': {
      const { door, legId, callId, outcome, wasEstablished } = event.data;
      if (!wasEstablished) return null;
      const isLost = lost.includes(outcome.reason);
      if (door !== deviceDoor) return { type: isLost ? 'onDisconnect' : 'onLeave', deviceId: legId };
      // What broke was told by `device.disconnected`, unless there was nobody left to say so.
      if (outcome.reason === 'gateway-restarted') return { type: 'onDisconnect', deviceId: callId };
      return isLost || outcome.reason === 'gateway-stopping' ? null : { type: 'onLeave', deviceId: callId };
    }
    default:
      return null;
  }
}
