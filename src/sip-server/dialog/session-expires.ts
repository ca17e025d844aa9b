/** Session timers (RFC 4028): who refreshes a session and when, out of what both sides wrote. */
import type { HeaderFields } from '../message/header-fields.js';
import { parseParameters } from '../message/parameters.js';

/** Shortest session interval that we take, in seconds (RFC 4028 §4). */
export const minimumSessionSeconds = 90;

/** Three weeks: what a timer can hold. A longer session is refreshed, or ended, as if it were so long. */
export const longestSessionSeconds = 1_814_400;

export interface SessionExpires {
  readonly seconds: number;
  readonly refresher?: 'uac' | 'uas';
}

/** What two sides agreed on: the interval, and whose task the refresh is. */
export interface SessionTimerTerms {
  /** No less than `minimumSessionSeconds`, whatever the far end wrote. */
  readonly seconds: number;
  readonly weRefresh: boolean;
}

/** Reads `1800;refresher=uac`; null when absent or unreadable (RFC 4028 §4). */
export function parseSessionExpires(headers: HeaderFields): SessionExpires | null {
  const value = headers.get('Session-Expires');
  if (value === undefined) return null;
  const parts = /^(\d{1,9})\s*(;.*)?$/.exec(value);
  if (!parts) return null;
  const refresher = parseParameters(parts[2] ?? '')
    ?.get('refresher')
    ?.toLowerCase();
  const seconds = Number(parts[1]);
  return refresher === 'uac' || refresher === 'uas' ? { seconds, refresher } : { seconds };
}

/** The comma-separated option tags of all fields of that name. */
export function optionTags(headers: HeaderFields, name: string): string[] {
  if (!headers.has(name)) return [];
  return headers.all(name).flatMap((value) =>
    value
      .split(',')
      .map((tag) => tag.trim().toLowerCase())
      .filter((tag) => tag !== ''),
  );
}

/**
 * The terms for a 2xx that we send to an INVITE or UPDATE, written into its header fields (RFC 4028 §9). An interval that
 * the response already has counts before the request's, and that before `proposedSeconds`, which a peer that knows timers
 * is offered with the refresh as our task. Null: no session timer.
 */
export function agreeAsServer(
  request: HeaderFields,
  response: HeaderFields,
  proposedSeconds: number | null = null,
): SessionTimerTerms | null {
  const peerRefreshes = optionTags(request, 'Supported').includes('timer');
  const ours = parseSessionExpires(response);
  const proposed = peerRefreshes ? proposal(proposedSeconds, parseMinSeconds(request)) : null;
  const wanted = ours ?? parseSessionExpires(request) ?? proposed;
  if (!wanted) return null;
  // Table 2: a peer that does not know timers cannot refresh; otherwise whoever was named, or the peer.
  const refresher = peerRefreshes ? (wanted.refresher ?? 'uac') : 'uas';
  const terms = termsOf(wanted.seconds, refresher === 'uas');
  response.set('Session-Expires', `${terms.seconds};refresher=${refresher}`);
  if (refresher === 'uac' && !optionTags(response, 'Require').includes('timer')) {
    response.append('Require', 'timer');
  }
  return terms;
}

/**
 * The terms in a 2xx that we received for our INVITE or UPDATE (RFC 4028 §7.2). Where it has none, a session that we
 * refresh goes on being refreshed: only so is a peer that is gone found out.
 */
export function agreeAsClient(request: HeaderFields, response: HeaderFields): SessionTimerTerms | null {
  const terms = parseSessionExpires(response);
  if (terms) return termsOf(terms.seconds, terms.refresher !== 'uas');
  const asked = parseSessionExpires(request);
  return asked?.refresher === 'uac' ? termsOf(asked.seconds, true) : null;
}

/** A far end that names less than anybody may, say 0, would otherwise have us refresh again and again without a pause. */
function termsOf(seconds: number, weRefresh: boolean): SessionTimerTerms {
  return { seconds: Math.max(seconds, minimumSessionSeconds), weRefresh };
}

/** No shorter than what the peer takes (RFC 4028 §9); none where that is more than we can count. */
function proposal(seconds: number | null, minSeconds: number): SessionExpires | null {
  if (seconds === null || minSeconds > longestSessionSeconds) return null;
  return { seconds: Math.max(seconds, minSeconds), refresher: 'uas' };
}

/** Min-SE: the shortest session interval that the sender takes, in seconds; 0 where it does not say (RFC 4028 §5). */
export function parseMinSeconds(headers: HeaderFields): number {
  return Number(/^(\d{1,9})\s*(?:;.*)?$/.exec(headers.get('Min-SE') ?? '')?.[1] ?? 0);
}

/** Seconds until we act: the refresher at half time, the other side shortly before the end (RFC 4028 §10). */
export function sessionTimerDelaySeconds(terms: SessionTimerTerms): number {
  const seconds = Math.min(terms.seconds, longestSessionSeconds);
  return terms.weRefresh ? seconds / 2 : seconds - Math.min(32, seconds / 3);
}
