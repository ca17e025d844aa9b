/** What a leg's far end may be told beside the media: who the participants are whose streams it receives, and what keys they press. */
import type { Caller } from '../participants/caller.js';
import type { LegKind } from '../media-plane.js';
import type { Participant } from '../participants/participant.js';

export interface DescribedParticipant {
  readonly participantId: string;
  readonly kind: LegKind;
  readonly displayName: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** As far as the account's privacy setting shows it. */
  readonly caller: Caller | null;
}

export type LegNotice =
  /** The complete list. */
  | { readonly type: 'participants'; readonly participants: readonly DescribedParticipant[] }
  | {
      readonly type: 'dtmf';
      readonly participantId: string;
      readonly digit: string;
      readonly durationMs: number;
    };

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
