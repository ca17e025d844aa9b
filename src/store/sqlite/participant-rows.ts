/** Participants and sessions as rows. */
import type { Participant } from '../../domain/participants/participant.js';
import type { Session } from '../../domain/participants/session.js';
import { RowMapping } from './row-mapping.js';

export const sessionRows = new RowMapping<Session>('sessions', {
  id: 'id',
  accountId: 'account_id',
  tag: 'tag',
  createdAt: 'created_at',
});

export const participantRows = new RowMapping<Participant>('participants', {
  id: 'id',
  accountId: 'account_id',
  callbackUrl: 'callback_url',
  publishPermissions: { json: 'publish_permissions' },
  tag: 'tag',
  displayName: 'display_name',
  attributes: { json: 'attributes' },
  tokenUse: 'token_use',
  tokenUsedAt: 'token_used_at',
  sessionId: 'session_id',
  subscriptions: { json: 'subscriptions' },
  mutedAliases: { json: 'muted_aliases' },
  legId: 'leg_id',
  createdAt: 'created_at',
});

/** What an application may change of a participant. */
export const changeable = ['displayName', 'tag', 'publishPermissions', 'attributes'] as const;

/** Takes a participant's `values`, the hash of its join code, and when that expires. */
export const insertParticipantSql = participantRows.insertSql('join_code_hash', 'join_code_expires_at');
