/**
 * Facts that pass: they say how something is, and are soon told anew. They are not kept for those who come back, take no
 * number of their own, and are sent only to webhooks that name them.
 */
import type { EventType } from './event.js';

export function isTransient(type: EventType): boolean {
  return type === 'leg.quality';
}
