/** What the gateway tells beside the media, as INFO requests of a package of its own (RFC 6086). */
import type { Caller, MediaType, MutedStream } from './api.js';

/** Announced in `Recv-Info`; a gateway that does not know it sends nothing. */
export const noticePackage = 'landbridge-session';

/** A participant whom we are subscribed to. */
export interface DescribedParticipant {
  readonly participantId: string;
  readonly kind: 'phone' | 'browser';
  readonly displayName: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly caller: Caller | null;
  readonly mutedStreams: readonly MutedStream[];
}

/** The gateway's complete list. */
export interface ParticipantsNotice {
  readonly type: 'participants';
  /** The session that we are in; null: none. */
  readonly sessionId: string | null;
  readonly participants: readonly DescribedParticipant[];
  /** Ids of those who were listed before and are still in the session: we are no longer subscribed to them. */
  readonly unsubscribed: readonly string[];
  /** Our own streams that nobody receives, because a moderator has muted them. */
  readonly mutedStreams: readonly MutedStream[];
}

export type SessionNotice =
  | ParticipantsNotice
  | {
      readonly type: 'dtmf';
      readonly participantId: string;
      readonly digit: string;
      readonly durationMs: number;
    };

/** Undefined for what this version does not understand; a newer gateway may tell more. */
export function parseNotice(body: string): SessionNotice | undefined {
  const notice = parseJson(body);
  if (!isObject(notice)) return undefined;
  const { type, sessionId, participants, unsubscribed, mutedStreams } = notice;
  const { participantId, digit, durationMs } = notice;
  if (type === 'participants' && Array.isArray(participants)) {
    return {
      type,
      sessionId: textOf(sessionId),
      participants: participants.flatMap(readParticipant),
      unsubscribed: Array.isArray(unsubscribed) ? unsubscribed.filter((id) => typeof id === 'string') : [],
      mutedStreams: Array.isArray(mutedStreams) ? mutedStreams.flatMap(readMutedStream) : [],
    };
  }
  if (
    type === 'dtmf' &&
    typeof participantId === 'string' &&
    typeof digit === 'string' &&
    typeof durationMs === 'number'
  )
    return { type, participantId, digit, durationMs };
  return undefined;
}

function readParticipant(value: unknown): DescribedParticipant[] {
  if (!isObject(value) || typeof value['participantId'] !== 'string') return [];
  const { participantId, kind, displayName, attributes, caller, mutedStreams } = value;
  return [
    {
      participantId,
      kind: kind === 'phone' ? 'phone' : 'browser',
      displayName: textOf(displayName),
      attributes: isObject(attributes)
        ? Object.fromEntries(
            Object.entries(attributes).filter(
              (entry): entry is [string, string] => typeof entry[1] === 'string',
            ),
          )
        : {},
      caller: isObject(caller) ? { number: textOf(caller['number']), name: textOf(caller['name']) } : null,
      mutedStreams: Array.isArray(mutedStreams) ? mutedStreams.flatMap(readMutedStream) : [],
    },
  ];
}

function readMutedStream(value: unknown): MutedStream[] {
  if (!isObject(value)) return [];
  const { streamId, alias, mediaTypes } = value;
  if (typeof streamId !== 'string' || typeof alias !== 'string' || !Array.isArray(mediaTypes)) return [];
  return [
    {
      streamId,
      alias,
      mediaTypes: mediaTypes.filter((type): type is MediaType => type === 'AUDIO' || type === 'VIDEO'),
    },
  ];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
