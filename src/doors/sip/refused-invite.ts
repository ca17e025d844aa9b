/** What is told of an INVITE that was refused: what it shows of the call, and nothing that it shows as a credential. */
import type { RefusedCallDetails } from '../../domain/facts/refused-call.js';
import { maskNumber } from '../../domain/participants/caller.js';
import { normalizeJoinCode } from '../../domain/participants/join-code.js';
import type { CallerIdentity } from '../../domain/trunks/trunk.js';
import { addressIn, readCaller } from './caller-identity.js';
import { dialledNumber, type CredentialSource } from './credential.js';
import { readUserToUser } from './user-to-user.js';

/** Why it was refused. */
export interface InviteRefusal {
  readonly code: string;
  readonly sipStatus: number;
  readonly detail: string | null;
}

export function describeInvite(
  request: CredentialSource,
  { code, sipStatus, detail }: InviteRefusal,
  identity?: CallerIdentity,
): RefusedCallDetails {
  const asked = dialledNumber(request.uri);
  const dialled = asked ?? dialledNumber(addressIn(request.get('To') ?? ''));
  const isKnownAsNone = asked !== null && code === 'token-invalid';
  return {
    callId: request.get('Call-ID') ?? '',
    voiceCallId: readUserToUser(request.get('User-to-User') ?? '').voiceCallId,
    caller: readCaller(request, identity),
    // Twelve digits may be a join code, which opens a session to whoever reads it. Where the call was sent to them they were looked up.
    dialled: isCodeLike(dialled) && !isKnownAsNone ? maskNumber(dialled) : dialled,
    sipStatus,
    detail,
  };
}

function isCodeLike(dialled: string | null): boolean {
  return dialled !== null && normalizeJoinCode(dialled) !== null;
}
