/** Makes a participant of what an application asks for. */
import { randomUUID } from 'node:crypto';
import type { MediaType } from '../media-plane.js';
import type { Participant, TokenUse } from './participant.js';
import { mergeAttributes } from './participant-change.js';
import { noSubscriptions } from './subscriptions.js';

export interface NewParticipant {
  readonly callbackUrl?: string | null;
  /** Missing: both. Empty: listens only. */
  readonly publishPermissions?: readonly MediaType[];
  readonly tag?: string | null;
  readonly displayName?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly tokenUse?: TokenUse;
}

/** The participant is in no session yet. Throws DomainError `too-many-attributes`. */
export function newParticipant(accountId: string, wanted: NewParticipant, now: number): Participant {
  return {
    id: randomUUID(),
    accountId,
    callbackUrl: wanted.callbackUrl ?? null,
    publishPermissions: wanted.publishPermissions ?? ['AUDIO', 'VIDEO'],
    tag: wanted.tag ?? null,
    displayName: wanted.displayName ?? null,
    attributes: mergeAttributes({}, wanted.attributes ?? {}),
    tokenUse: wanted.tokenUse ?? 'slot',
    tokenUsedAt: null,
    sessionId: null,
    subscriptions: noSubscriptions,
    mutedAliases: [],
    legId: null,
    createdAt: now,
  };
}
