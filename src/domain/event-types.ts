/** The types of all facts, for those who choose among them. */
import type { EventType } from './event.js';

const table: Readonly<Record<EventType, true>> = {
  'session.created': true,
  'session.deleted': true,
  'participant.created': true,
  'participant.updated': true,
  'participant.deleted': true,
  'participant.added': true,
  'participant.removed': true,
  'participant.joined': true,
  'participant.left': true,
  'stream.published': true,
  'stream.unpublished': true,
  'stream.muted': true,
  'stream.unmuted': true,
  'subscriptions.updated': true,
  'dtmf.received': true,
  'call.ringing': true,
  'call.answered': true,
  'call.established': true,
  'call.held': true,
  'call.resumed': true,
  'call.ended': true,
  'device.connected': true,
  'device.disconnected': true,
  'transfer.requested': true,
  'transfer.arrived': true,
  'transfer.answered': true,
  'transfer.joined': true,
  'transfer.left': true,
  'transfer.completed': true,
  'transfer.canceled': true,
  'transfer.expired': true,
};

export const eventTypes = Object.keys(table) as EventType[];
