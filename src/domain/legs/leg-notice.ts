/**
 * What a leg's far end may be told beside the media: who the others are, what they publish, what keys they press, and what
 * somebody writes to it.
 */
import type { Caller } from '../participants/caller.js';
import type { LegKind, MediaStreamInfo } from '../media-plane.js';
import type { Participant } from '../participants/participant.js';

export interface DescribedParticipant {
  readonly participantId: string;
  readonly kind: LegKind;
  readonly displayName: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** As far as the account's privacy setting shows it. */
  readonly caller: Caller | null;
}

/** Somebody whose streams the leg is subscribed to. */
export interface HeardParticipant extends DescribedParticipant {
  /** Streams that a moderator has muted, and that the leg would receive otherwise. */
  readonly mutedStreams: readonly MediaStreamInfo[];
}

/** Somebody who is in the session. */
export interface DescribedMember extends DescribedParticipant {
  /** What it publishes there, whoever receives it. */
  readonly streams: readonly MediaStreamInfo[];
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type MessageContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'json'; readonly value: JsonValue };

export type LegNotice =
  /** Those in its session whom the leg is subscribed to, whether or not they publish anything now: the complete list. */
  | {
      readonly type: 'participants';
      /** The leg's session; null where it is in none. */
      readonly sessionId: string | null;
      readonly participants: readonly HeardParticipant[];
      /**
       * Ids of those who were listed before in this session and are still in it: the leg is no longer subscribed to them. Whoever
       * is in neither list has left.
       */
      readonly unsubscribed: readonly string[];
      /** Streams of the leg itself that nobody receives, because a moderator has muted them. */
      readonly mutedStreams: readonly MediaStreamInfo[];
    }
  /** Everybody in the leg's session in the order they joined, the leg itself too: the complete list. */
  | { readonly type: 'members'; readonly members: readonly DescribedMember[] }
  /** Somebody whom the leg receives pressed a key. */
  | {
      readonly type: 'dtmf';
      readonly participantId: string;
      readonly digit: string;
      readonly durationMs: number;
    }
  /** Somebody in the session wrote this; with null as participant the application did. */
  | { readonly type: 'message'; readonly participantId: string | null; readonly content: MessageContent };

export type LegNoticeType = LegNotice['type'];

/** The part of a door that takes notices for one leg. */
export interface NoticeReceiver {
  readonly takes: ReadonlySet<LegNoticeType>;
  /** Called only with what it takes, while the leg is established. Must not throw. */
  tell(notice: LegNotice): void;
}

/** How long a message may be, in octets of UTF-8: its text, or its value written as JSON. */
export const maxMessageOctets = 16 * 1024;

export function isMessageTooLong(content: MessageContent): boolean {
  const text = content.kind === 'text' ? content.text : JSON.stringify(content.value);
  return Buffer.byteLength(text) > maxMessageOctets;
}

interface DescribedLeg {
  readonly participant: Participant;
  /** Null before its media is open. */
  readonly kind: LegKind | null;
  readonly caller: Caller | null;
}

export function describeParticipant({ participant, kind, caller }: DescribedLeg): DescribedParticipant {
  const { id, displayName, attributes } = participant;
  return { participantId: id, kind: kind ?? 'browser', displayName, attributes, caller };
}

export function describeMember(
  leg: DescribedLeg & { readonly streams: readonly MediaStreamInfo[] },
): DescribedMember {
  return { ...describeParticipant(leg), streams: leg.streams };
}
