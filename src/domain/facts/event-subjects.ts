/** Whom a fact is about. */
import type { EventSubject } from './event-recorder.js';
import type { Participant } from '../participants/participant.js';
import type { Session } from '../participants/session.js';

export function sessionSubject(session: Session): EventSubject {
  return { accountId: session.accountId, sessionId: session.id, participantId: null, tag: session.tag };
}

export function participantSubject(participant: Participant): EventSubject {
  return {
    accountId: participant.accountId,
    sessionId: participant.sessionId,
    participantId: participant.id,
    tag: participant.tag,
    callbackUrl: participant.callbackUrl,
  };
}
