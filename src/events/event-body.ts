/** A fact as webhooks and event streams write it: times as text (RFC 3339). */
import type { DomainEvent } from '../domain/facts/event.js';

export function formatEventBody(event: DomainEvent): string {
  return JSON.stringify({ ...event, time: new Date(event.time).toISOString() });
}
