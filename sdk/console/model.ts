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

/** A live stream of a session. */
export interface SessionStream extends PublishedStream {
  readonly participantId: string;
  /** By a moderator: nobody receives it. */
  readonly muted: boolean;
}

export interface Caller {
  readonly number: string | null;
  readonly name: string | null;
}

/** Counted since the media was opened. */
export interface Quality {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  /** Null where nothing is measured; `sent`: as the far end reports. */
  readonly audio: {
    readonly received: { readonly mos: number } | null;
    readonly sent: { readonly mos: number } | null;
    readonly oneWay: 'not-received' | 'not-heard' | 'not-reported' | null;
  } | null;
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
  /** As far as the account shows it. */
  readonly caller: Caller | null;
  /** Null before the media is open. */
  readonly quality: Quality | null;
  readonly streams: readonly PublishedStream[];
}

export interface CreatedParticipant {
  readonly participant: Participant;
  readonly token: string;
  readonly joinCode: string;
  /** Where phones reach it. */
  readonly sipUri: string;
  readonly iceServers?: readonly RTCIceServer[];
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

/** What the gateway says of itself holds on its own machine alone where it is a loopback address: others know it by another name. */
export function reachableSipUri(sipUri: string, pageHostname: string): string {
  const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(host);
  return isLoopback(pageHostname)
    ? sipUri
    : sipUri.replace(/@(\[[^\]]*\]|[^:;]+)/, (whole, host: string) =>
        isLoopback(host) ? `@${pageHostname}` : whole,
      );
}

/** What somebody without a session hears, of those who are connected. */
export function withoutSessionText(legs: readonly Pick<Leg, 'kind'>[]): string {
  const phones = legs.filter(({ kind }) => kind === 'phone').length;
  if (legs.length === 0) return 'None of them is connected.';
  if (phones === 0) return 'Who is connected hears nobody.';
  return 'Phones that are connected hear the hold sound, and nobody else.';
}

/** The name a person would use: what was given, else the beginning of the id. */
export function nameOf({ id, displayName, tag }: Participant): string {
  return displayName || tag || shortId(id);
}

/** `+********142, Ann`; empty where nothing may be shown. */
export function callerText(caller: Caller | null): string {
  return [caller?.number, caller?.name].filter(Boolean).join(', ');
}

const oneWayWords = {
  'not-received': 'Its audio does not come',
  'not-heard': 'Does not hear us',
  'not-reported': 'May not hear us',
} as const;

/** That audio goes one way only; empty where it does not. */
export function oneWayText(quality: Quality | null): string {
  const oneWay = quality?.audio?.oneWay ?? null;
  return oneWay === null ? '' : oneWayWords[oneWay];
}

/** `0.4 % lost, jitter 3 ms, MOS 4.4 in, 4.1 out`; empty before anything came. */
export function qualityText(quality: Quality | null): string {
  if (quality === null || quality.packetsReceived === 0) return '';
  const { packetsReceived, packetsLost, jitterMs } = quality;
  const lost = (100 * Math.max(0, packetsLost)) / (packetsReceived + Math.max(0, packetsLost));
  const scores = [
    [quality.audio?.received, 'in'],
    [quality.audio?.sent, 'out'],
  ] as const;
  const known = scores.flatMap(([score, way]) => (score ? [`${score.mos.toFixed(1)} ${way}`] : []));
  const mos = known.length === 0 ? '' : `, MOS ${known.join(', ')}`;
  return `${lost === 0 ? '0' : lost.toFixed(1)} % lost, jitter ${Math.round(jitterMs)} ms${mos}`;
}

export function sessionName({ id, tag }: Session): string {
  return tag || `Session ${shortId(id)}`;
}

export function shortId(id: string): string {
  return id.slice(0, 8);
}
