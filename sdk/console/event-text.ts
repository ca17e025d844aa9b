/** Says in a sentence what an event means. */
import type { GatewayEvent } from './model.js';
import { modeOf, type Subscriptions } from './subscriptions.js';

export type Tone = 'good' | 'bad' | 'plain';

export interface EventText {
  readonly text: string;
  readonly tone: Tone;
}

const reasons: Readonly<Record<string, string>> = {
  hangup: 'hung up',
  canceled: 'gave up before the answer',
  'participant-deleted': 'was deleted',
  'session-deleted': 'left: the session was deleted',
  'removed-from-session': 'was removed from the session',
  'no-session': 'was too long without a session',
  'pin-refused': 'keyed in no right PIN',
  'media-timeout': 'sent nothing for too long',
  'media-lost': 'lost its media',
  'ice-failed': 'could not be reached any more',
  'no-ack': 'never confirmed the answer',
  'connection-lost': 'lost the connection',
  refused: 'was refused',
  'gateway-restarted': 'left: the gateway restarted',
  'gateway-stopping': 'left: the gateway is stopping',
};

export function eventText({ type, data }: GatewayEvent, name: string): EventText {
  const plain = (text: string): EventText => ({ text, tone: 'plain' });
  const alias = text(data['alias']);
  switch (type) {
    case 'session.created':
      return plain(`${name} was created`);
    case 'session.deleted':
      return plain(`${name} was deleted`);
    case 'participant.created':
      return plain(`${name} was created`);
    case 'participant.deleted':
      return plain(`${name} was deleted`);
    case 'participant.added':
      return plain(`${name} was added to the session`);
    case 'participant.removed':
      return plain(`${name} was removed from the session`);
    case 'participant.joined':
      return { text: `${name} joined by ${data['legKind'] === 'phone' ? 'phone' : 'browser'}`, tone: 'good' };
    case 'participant.left':
      return ended(name, data, 'left');
    case 'stream.published':
      return plain(`${name} publishes ${alias}`);
    case 'stream.unpublished':
      return plain(`${name} no longer publishes ${alias}`);
    case 'stream.muted':
      return plain(`${name}’s ${alias} was muted`);
    case 'stream.unmuted':
      return plain(`${name}’s ${alias} is no longer muted`);
    case 'participant.updated':
      return plain(`${name} was changed`);
    case 'subscriptions.updated':
      return plain(`${name} now hears ${whom(data['subscriptions'])}`);
    case 'dtmf.received':
      return plain(`${name} pressed ${text(data['digit'])}`);
    case 'call.arrived':
      return plain(`${name} is calling in`);
    case 'call.answered':
      return { text: `${name}’s call was answered`, tone: 'good' };
    case 'call.established':
      return plain(`${name}’s call is up`);
    case 'call.held':
      return plain(`${name} put the call on hold`);
    case 'call.resumed':
      return plain(`${name} took the call up again`);
    case 'call.replaced':
      return plain(`${name}’s call was taken over by another`);
    case 'call.ended':
      return { ...ended(name, data, 'ended'), text: `${name}’s call is over${duration(data['durationMs'])}` };
    default:
      return plain(`${name}: ${type}`);
  }
}

function ended(name: string, data: GatewayEvent['data'], otherwise: string): EventText {
  const outcome = (data['outcome'] ?? {}) as { readonly reason?: unknown; readonly endedBy?: unknown };
  const reason = text(outcome.reason);
  const fault = /lost|failed|timeout|no-ack|refused|restarted/.test(reason);
  const words =
    reason === 'hangup' && outcome.endedBy === 'application'
      ? 'was hung up by the application'
      : reasons[reason];
  return { text: `${name} ${words ?? otherwise}`, tone: fault ? 'bad' : 'plain' };
}

function whom(subscriptions: unknown): string {
  const given = (subscriptions ?? {}) as Subscriptions;
  const mode = modeOf(given);
  if (mode === 'session') return 'the whole session';
  const count = given.participants?.length ?? 0;
  return mode === 'nobody' ? 'nobody' : `exactly ${count} participant${count === 1 ? '' : 's'}`;
}

function duration(milliseconds: unknown): string {
  return typeof milliseconds === 'number' ? `, after ${formatDuration(milliseconds)}` : '';
}

/** `42 s`, `3:07 min`, `1:02:03 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} h`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
