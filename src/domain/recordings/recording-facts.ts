/** What facts say of a recording: never what is to be heard in it. */
import type { RecordingFact } from '../facts/event.js';
import type { EventSubject } from '../facts/event-recorder.js';
import type { Recording } from './recording.js';
import type { ParticipantStore } from '../participants/participant-store.js';

export function recordingFact({ id, sessionId, participantId, format, tag }: Recording): RecordingFact {
  return { recordingId: id, sessionId, participantId, format, tag };
}

/** Where the session is gone the fact is the account's: a session that was deleted numbers no facts any more. */
export async function recordingSubject(
  store: Pick<ParticipantStore, 'getSession'>,
  { accountId, sessionId, participantId, tag }: Recording,
): Promise<EventSubject> {
  // A store that is away does not keep the fact from being told.
  const session = await store.getSession(accountId, sessionId).catch(() => null);
  return { accountId, sessionId: session?.id ?? null, participantId, tag: tag ?? session?.tag ?? null };
}
