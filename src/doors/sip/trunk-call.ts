/** What an INVITE shows of a call to the trunks: who calls, and which number, read as each trunk wants it. */
import type { Credential } from '../../domain/participants/token.js';
import type { ArrivingCall, TrunkPass } from '../../domain/trunks/trunk-calls.js';
import type { CalledNumberPlace } from '../../domain/trunks/trunk.js';
import { addressIn, readCaller } from './caller-identity.js';
import { dialledNumber, type CredentialSource } from './credential.js';

/** Whom the door asks about calls from trunks. */
export interface DoorTrunks {
  /** Null where the call is of no trunk. Throws Refusal. */
  enter(call: ArrivingCall): Promise<TrunkPass | null>;
  /** Phones may call over trunks only, whatever they show. */
  readonly refuseOthers: boolean;
}

export function arrivingCall(
  request: CredentialSource & { readonly source_address: string },
  credential: Credential | null,
): ArrivingCall {
  return {
    source: request.source_address,
    credential,
    // A carrier's callers guess each for themselves, and none for strangers.
    guesser: (trunk) => trunkGuesser(trunk.id, readCaller(request, trunk.inbound.callerIdentity)?.number),
    dialled: (places) => calledNumber(request, places),
    callerNumber: (trunk) => readCaller(request, trunk.inbound.callerIdentity)?.number ?? null,
  };
}

/** Whom the guesses of a trunk's caller are counted for. */
export function trunkGuesser(trunkId: string, callerNumber: string | null | undefined): string {
  return `trunk ${trunkId} ${callerNumber ?? ''}`;
}

function calledNumber(request: CredentialSource, places: readonly CalledNumberPlace[]): string | null {
  for (const place of places) {
    const number = dialledNumber(uriAt(request, place));
    if (number !== null) return number;
  }
  return null;
}

function uriAt(request: CredentialSource, place: CalledNumberPlace): string {
  switch (place) {
    case 'request-uri':
      return request.uri;
    case 'to':
      return addressIn(request.get('To') ?? '');
    case 'p-called-party-id':
      return addressIn(request.get('P-Called-Party-ID') ?? '');
  }
}
