/**
 * Session timers (RFC 4028) behind a drachtio-server, which starts them by itself: from our 200 to an INVITE, and from a re-INVITE
 * whatever we answer. Where the phone refreshes, our answer must say so, or it is hung up on. Where we refresh, we do so before
 * drachtio-server would at half of the time: it sends an INVITE of its own and keeps the answer to itself. Our own SIP server
 * needs nothing of this.
 */
import type { GuardRefusal } from './request-guard.js';
import type { SrfRequest, SrfResponse } from './srf.js';

/** What runs. */
export interface SessionTimer {
  /** No less than `minSeconds`, whatever the far end wrote. */
  readonly seconds: number;
  /** Whether the refresh is ours. */
  readonly isOurs: boolean;
}

type Readable = Pick<SrfRequest, 'get'>;

/** What a message says. */
interface Expires {
  readonly seconds: number;
  /** Null where it names none. */
  readonly refresher: 'uac' | 'uas' | null;
}

/** RFC 4028 §4: no shorter interval may be asked for. */
const minSeconds = 90;
/** Three weeks: what a timer of ours can hold. */
const maxSeconds = 1_814_400;
/** A refresh is due after this part of the time, before drachtio-server's: at half of it, or five seconds before its end. */
const refreshShare = 1 / 3;

/** Null where an INVITE asks for no timer, or for one that is not too short (RFC 4028 §9). */
export function guardSessionTimer(invite: Readable): GuardRefusal | null {
  const seconds = readExpires(invite)?.seconds ?? minSeconds;
  if (seconds >= minSeconds || !knowsTimers(invite)) return null;
  const headers = { 'Min-SE': String(minSeconds) };
  return { status: 422, reason: 'session-interval-too-small', headers };
}

/**
 * What runs from our 200 to an INVITE on; null where nothing does. A phone that does not know timers, so that a proxy on the way
 * asked, cannot refresh: we do (RFC 4028 §9, table 2).
 */
export function timerOfInvite(invite: Readable): SessionTimer | null {
  const asked = readTimer(invite);
  return asked && { seconds: asked.seconds, isOurs: !knowsTimers(invite) || asked.refresher === 'uas' };
}

/**
 * The same of a re-INVITE, whatever we answer: drachtio-server takes the refresher that is named, and one that is not for the
 * other than before. A phone that does not know timers is refreshed by us all the same; the answers of its proxy set that right.
 */
export function timerOfReinvite(invite: Readable, previous: SessionTimer | null): SessionTimer | null {
  const asked = readTimer(invite);
  if (asked === null) return null;
  const isOurs =
    asked.refresher === null ? !knowsTimers(invite) || previous?.isOurs !== true : asked.refresher === 'uas';
  return { seconds: asked.seconds, isOurs };
}

/** What runs after an INVITE of ours was answered: what the answer says, or what ran before. */
export function timerOfAnswer(response: Pick<SrfResponse, 'get'>, previous: SessionTimer): SessionTimer {
  const told = readTimer(response);
  return told === null ? previous : { seconds: told.seconds, isOurs: told.refresher !== 'uas' };
}

/** For our 200 to an INVITE. */
export function timerOfOurAnswer(timer: SessionTimer | null): Record<string, string> {
  if (timer === null) return {};
  const expires = { 'Session-Expires': `${String(timer.seconds)};refresher=${timer.isOurs ? 'uas' : 'uac'}` };
  return timer.isOurs ? expires : { ...expires, Require: 'timer' };
}

/** For an INVITE of ours, each of which refreshes the call. */
export function timerOfOurInvite(timer: SessionTimer | null): Record<string, string> {
  if (timer === null) return {};
  const refresher = timer.isOurs ? 'uac' : 'uas';
  return { 'Session-Expires': `${String(timer.seconds)};refresher=${refresher}`, Supported: 'timer' };
}

/** After which the call is refreshed where that is ours. */
export const refreshAfterMs = ({ seconds }: SessionTimer): number =>
  Math.floor(seconds * refreshShare) * 1000;

function knowsTimers(message: Readable): boolean {
  return /(?:^|,)\s*timer\s*(?:,|$)/i.test(message.get('Supported') ?? '');
}

/** As it runs: like drachtio-server, no shorter than anybody may ask for. Null also where it is longer than can be counted. */
function readTimer(message: Readable): Expires | null {
  const expires = readExpires(message);
  if (expires === null || expires.seconds > maxSeconds) return null;
  return { ...expires, seconds: Math.max(expires.seconds, minSeconds) };
}

function readExpires(message: Readable): Expires | null {
  // drachtio-srf knows not every compact name (RFC 4028 §4: x), and a drachtio-server hands them on as they came.
  const value = message.get('Session-Expires') ?? message.get('x') ?? '';
  const [interval = '', ...parameters] = value.split(';');
  if (!/^\s*\d{1,10}\s*$/.test(interval)) return null;
  const named = parameters.map((text) => /^\s*refresher\s*=\s*(ua[cs])\s*$/i.exec(text)?.[1]?.toLowerCase());
  const refresher = named.find((word) => word === 'uac' || word === 'uas') ?? null;
  return { seconds: Number(interval), refresher };
}
