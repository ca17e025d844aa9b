/** Participants and sessions as rows. Lists and subscriptions are JSON: nothing queries inside them. */
import type { MediaType } from '../../domain/media-plane.js';
import type { Participant, TokenUse } from '../../domain/participants/participant.js';
import type { Session } from '../../domain/participants/session.js';
import type { Subscriptions } from '../../domain/participants/subscriptions.js';

export interface ParticipantRow {
  readonly id: string;
  readonly account_id: string;
  readonly callback_url: string | null;
  readonly publish_permissions: string;
  readonly tag: string | null;
  readonly display_name: string | null;
  readonly token_use: string;
  readonly token_used_at: number | null;
  readonly session_id: string | null;
  readonly subscriptions: string;
  readonly attributes: string;
  readonly muted_aliases: string;
  readonly leg_id: string | null;
  readonly created_at: number;
}

export interface SessionRow {
  readonly id: string;
  readonly account_id: string;
  readonly tag: string | null;
  readonly created_at: number;
}

export function toParticipant(row: ParticipantRow): Participant {
  return {
    id: row.id,
    accountId: row.account_id,
    callbackUrl: row.callback_url,
    publishPermissions: JSON.parse(row.publish_permissions) as MediaType[],
    tag: row.tag,
    displayName: row.display_name,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    tokenUse: row.token_use as TokenUse,
    tokenUsedAt: row.token_used_at,
    sessionId: row.session_id,
    subscriptions: JSON.parse(row.subscriptions) as Subscriptions,
    mutedAliases: JSON.parse(row.muted_aliases) as string[],
    legId: row.leg_id,
    createdAt: row.created_at,
  };
}

export function toSession(row: SessionRow): Session {
  return { id: row.id, accountId: row.account_id, tag: row.tag, createdAt: row.created_at };
}

export const insertParticipantSql = `INSERT INTO participants (id, account_id, callback_url, publish_permissions, tag, display_name, token_use,
         token_used_at, session_id, subscriptions, leg_id, created_at, join_code_hash, join_code_expires_at,
         attributes, muted_aliases)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** What `insertParticipantSql` takes. */
export function participantValues(
  participant: Participant,
  joinCodeHash: string,
  joinCodeExpiresAt: number,
): (string | number | null)[] {
  return [
    participant.id,
    participant.accountId,
    participant.callbackUrl,
    JSON.stringify(participant.publishPermissions),
    participant.tag,
    participant.displayName,
    participant.tokenUse,
    participant.tokenUsedAt,
    participant.sessionId,
    JSON.stringify(participant.subscriptions),
    participant.legId,
    participant.createdAt,
    joinCodeHash,
    joinCodeExpiresAt,
    JSON.stringify(participant.attributes),
    JSON.stringify(participant.mutedAliases),
  ];
}
