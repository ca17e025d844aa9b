/** Passes an INVITE’s signature of who calls whom (STIR, RFC 8224) to the verifier, where the trunk of the call asks for it. */
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import { carrierVerdict } from './carrier-verdict.js';
import type { TrunkPass } from '../../domain/trunks/trunk-calls.js';
import { refuseUnverified } from '../../domain/trunks/unverified-calls.js';
import { addressIn, claimedCaller } from './caller-identity.js';
import { dialledNumber, type CredentialSource } from './credential.js';

/** Numbers and URIs as they stand in the request. */
export interface SignedCall {
  /** The values of all Identity headers, joined by commas; null where there is none. */
  readonly identity: string | null;
  readonly caller: readonly string[];
  readonly called: readonly string[];
  readonly date: string | null;
  readonly callId: string;
  /** For whose calls certificates are fetched. */
  readonly accountId: string;
  /** The call is over. */
  readonly signal?: AbortSignal;
}

/** In time; never rejects. */
export type VerifyCall = (call: SignedCall) => Promise<CallerVerification>;

/** What is required is not let in unseen. */
const unable: VerifyCall = () =>
  Promise.resolve({
    ...{ verification: 'failed', attestation: null, originationId: null, by: 'gateway', reason: 'fault' },
  });

/** Null, at once, where nobody wants to know: other calls do not wait. Rejects with Refusal where the trunk requires what the call does not have. */
export function verifiedCaller(
  request: CredentialSource,
  pass: TrunkPass | null,
  verify: VerifyCall = unable,
  signal?: AbortSignal,
): Promise<CallerVerification> | null {
  const isWanted = pass !== null && pass.trunk.inbound.stir !== 'off';
  return isWanted ? verified(request, pass, verify, signal) : null;
}

async function verified(
  request: CredentialSource,
  pass: TrunkPass,
  verify: VerifyCall,
  signal: AbortSignal | undefined,
): Promise<CallerVerification> {
  const verification = await verificationOf(request, pass, verify, signal);
  // Nobody is left to be refused.
  if (signal?.aborted === true) return verification;
  refuseUnverified(pass.trunk.inbound.stir, verification);
  return verification;
}

/** What comes of it, whether or not it is required. Never rejects. */
export async function verificationOf(
  request: CredentialSource,
  { trunk, dialled }: Pick<TrunkPass, 'trunk' | 'dialled'>,
  verify: VerifyCall,
  signal?: AbortSignal,
): Promise<CallerVerification> {
  const { verifiedBy, callerIdentity } = trunk.inbound;
  if (verifiedBy !== 'gateway') return carrierVerdict(request, callerIdentity, verifiedBy);
  return verify({
    identity: request.get('Identity') ?? request.get('y') ?? null,
    caller: claimedCaller(request, callerIdentity),
    called: dialled === null ? calledParties(request) : [dialled],
    date: request.get('Date') ?? null,
    callId: request.get('Call-ID') ?? '',
    accountId: trunk.accountId,
    ...(signal !== undefined && { signal }),
  });
}

/**
 * Whom a call is for that a credential lets in, wherever it says so. Deviation: RFC 8224 §6.2 compares To alone. A call to one of our
 * numbers is compared with the number that it goes to, so that what was signed for one number is good for no other.
 */
function calledParties(request: CredentialSource): readonly string[] {
  const uris = [
    request.uri,
    ...['To', 'P-Called-Party-ID'].map((name) => addressIn(request.get(name) ?? '')),
  ];
  return uris.flatMap((uri) => dialledNumber(uri) ?? (uri === '' ? [] : uri));
}
