/** What an INVITE shows of a call to the trunks: who calls, and which number, read as each trunk wants it. */
import type { Credential } from '../../domain/participants/token.js';
import type { ArrivingCall, ShownDigest, TrunkPass } from '../../domain/trunks/trunk-calls.js';
import type { PhoneTerms } from '../../domain/media-plane.js';
import type { CalledNumberPlace, DigestHash, TrunkMedia } from '../../domain/trunks/trunk.js';
import { contactUserForm } from '../../domain/trunks/contact-user.js';
import type { DigestServer } from '../../digest/digest-server.js';
import { addressIn, readCaller } from './caller-identity.js';
import { dialledNumber, type CredentialSource } from './credential.js';
import type { SrfRequest } from './srf.js';
import type { VerifyCall } from './verified-caller.js';

/** Whom the door asks about calls from trunks. */
export interface DoorTrunks {
  /** Null where the call is of no trunk. Throws Refusal. */
  enter(call: ArrivingCall): Promise<TrunkPass | null>;
  /** Reads what calls show of passwords, and asks for it. */
  readonly digest: DigestServer;
  /** What calls of a trunk are challenged with; null: calls that are of none yet. Empty: they are not. */
  readonly hashesOf: (trunkId: string | null) => readonly DigestHash[];
  /** Phones may call over trunks only, whatever they show. */
  readonly refuseOthers: boolean;
  /** Names in the certificate of the connection that a call came by. Default: there are none. */
  readonly certificateNamesOf?: (request: SrfRequest) => readonly string[];
  /** Verifies calls' signatures, where trunks want that. Default: nobody does. */
  readonly verify?: VerifyCall;
}

type TrunkRequest = CredentialSource & Pick<SrfRequest, 'source_address' | 'method' | 'body'>;

export function arrivingCall(
  request: TrunkRequest,
  credentials: readonly Credential[],
  server: DigestServer,
  /** Whom a stranger's guesses are counted for. */
  stranger: string,
): ArrivingCall {
  return {
    ...arrivingCallToExamine(request, credentials, server, stranger),
    digest: shownDigest(request, server, 'verify'),
  };
}

/** The same, whose password may be looked at as often as one likes: its answer is not counted. */
export function arrivingCallToExamine(
  request: TrunkRequest,
  credentials: readonly Credential[],
  server: DigestServer,
  stranger: string,
): ArrivingCall {
  return {
    source: request.source_address,
    credentials,
    contactUser: contactUserOf(request.uri),
    digest: shownDigest(request, server, 'examine'),
    // A carrier's callers guess each for themselves, and none for strangers.
    guesser: (trunk) =>
      trunk === null
        ? stranger
        : trunkGuesser(trunk.id, readCaller(request, trunk.inbound.callerIdentity)?.number),
    dialled: (places) => calledNumber(request, places),
    callerNumber: (trunk) => readCaller(request, trunk.inbound.callerIdentity)?.number ?? null,
  };
}

const contactUri = new RegExp(`^sips?:(${contactUserForm})@`, 'i');

/** The user of a SIP URI as a registrar sends to it, who had it from us; null where there is none. */
export function contactUserOf(uri: string): string | null {
  return contactUri.exec(uri)?.[1]?.toLowerCase() ?? null;
}

function shownDigest(
  request: TrunkRequest,
  server: DigestServer,
  how: 'verify' | 'examine',
): ShownDigest | null {
  const credentials = server.read(request.get('Authorization'));
  if (credentials === null) return null;
  const { method, uri, body = '' } = request;
  return {
    username: credentials.username,
    verify: (secrets) => server[how](credentials, secrets, { method, uri, body: Buffer.from(body) }),
  };
}

/** What may be agreed on with a phone of that trunk. */
export function phoneTermsOf({ codecs, dtmf, srtp }: TrunkMedia): PhoneTerms {
  return { codecs, telephoneEvents: dtmf !== 'info', srtp };
}

/** The header field of a 401. drachtio-srf writes one line for each name: those of further challenges stand in its value. */
export function challengeHeader(challenges: readonly string[]): Record<string, string> {
  return { 'WWW-Authenticate': challenges.join('\r\nWWW-Authenticate: ') };
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
