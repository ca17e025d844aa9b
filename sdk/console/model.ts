/** What the REST API gives, as far as the console reads it. */
import type { Subscriptions } from './subscriptions.js';

export interface Session {
  readonly id: string;
  readonly tag?: string | null;
}

export interface Participant {
  readonly id: string;
  readonly tag?: string | null;
  readonly displayName?: string | null;
  readonly publishPermissions?: readonly string[];
  readonly sessions?: readonly string[];
  readonly subscriptions?: Subscriptions;
}

export interface PublishedStream {
  readonly id: string;
  readonly alias: string;
  readonly mediaTypes: readonly string[];
}

export interface Leg {
  readonly id: string;
  readonly participantId: string;
  readonly sessionId: string | null;
  /** Null until its media is open. */
  readonly kind: 'phone' | 'browser' | null;
  readonly state: 'admitted' | 'opened' | 'answered' | 'established' | 'ended';
  /** RFC 3339. */
  readonly since: string | null;
  readonly held: boolean;
  readonly streams: readonly PublishedStream[];
}

export interface CreatedParticipant {
  readonly participant: Participant;
  readonly token: string;
  readonly joinCode: string;
}

export interface PhoneCall {
  readonly id: string;
  readonly state: 'calling' | 'answered' | 'ended';
  readonly reason?: string;
}

export interface GatewayEvent {
  readonly id: string;
  readonly type: string;
  readonly sessionId: string | null;
  readonly participantId: string | null;
  readonly tag: string | null;
  /** RFC 3339. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The name a person would use: what was given, else the beginning of the id. */
export function nameOf({ id, displayName, tag }: Participant): string {
  return displayName || tag || shortId(id);
}

export function sessionName({ id, tag }: Session): string {
  return tag || `Session ${shortId(id)}`;
}

export function shortId(id: string): string {
  return id.slice(0, 8);
}
