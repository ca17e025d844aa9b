/**
 * PASSporTs (RFC 8225): who calls whom, and when, as a JWS with ES256. Of its extensions `shaken` (RFC 8588) and `div` (RFC 8946)
 * are read.
 */
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { canonicalNumber, canonicalUri } from './identities.js';
import type { IdentityField } from './identity-header.js';

export type Attestation = 'A' | 'B' | 'C';

/** Numbers and URIs in canonical form. */
export interface Parties {
  readonly numbers: readonly string[];
  readonly uris: readonly string[];
}

export interface Passport {
  /** `plain`: of RFC 8225 alone. */
  readonly kind: 'plain' | 'shaken' | 'div';
  /** Where the certificate is. */
  readonly x5u: string;
  readonly issuedAtSeconds: number;
  /** Who calls: one number or one URI. */
  readonly origin: Parties;
  /** Who is called. */
  readonly destination: Parties;
  /** What the signer says of the caller; null but for `shaken`. */
  readonly attestation: Attestation | null;
  /** By which a call is traced back; null but for `shaken`. */
  readonly originationId: string | null;
  /** Who was called before and sent the call on; nobody but for `div`. */
  readonly diverted: Parties;
  /** What is signed. */
  readonly signingInput: string;
  readonly signature: Buffer;
}

/** `unsupported`: of an extension, or with an algorithm, that is not known here; it says nothing. */
export type PassportProblem = 'malformed' | 'unsupported' | 'unsupported-algorithm';

const nobody: Parties = { numbers: [], uris: [] };
const maxDestinations = 20;
const signatureBytes = 64;

/** The PASSporT of a field in its full form. */
export function readPassport(field: IdentityField): Passport | PassportProblem {
  const header = readJson(field.header);
  // Whoever reads no further than the parameter knows as much.
  if (header === null) return 'malformed';
  const { alg, typ, ppt, x5u } = header;
  const extension = ppt ?? null;
  if (field.ppt !== null && field.ppt !== extension) return 'malformed';
  if (extension !== null && extension !== 'shaken' && extension !== 'div') {
    return typeof extension === 'string' ? 'unsupported' : 'malformed';
  }
  if (alg !== 'ES256' || (field.alg !== null && field.alg !== 'ES256')) return 'unsupported-algorithm';
  // What is critical must be understood (RFC 7515 §4.1.11), and nothing is that may stand there.
  if (typ !== 'passport' || typeof x5u !== 'string' || 'crit' in header) return 'malformed';
  // RFC 8224 §4.1: both name the same certificate.
  if (field.info !== null && field.info !== x5u) return 'malformed';
  const signature = readSignature(field.signature);
  const claims = readJson(field.claims);
  if (signature === null || claims === null) return 'malformed';
  const signingInput = `${field.header}.${field.claims}`;
  return readClaims(claims, { kind: extension ?? 'plain', x5u, signature, signingInput });
}

/** Who calls whom, as a request says, and when. */
export interface CallClaims {
  readonly issuedAtSeconds: number;
  readonly origin: Parties;
  readonly destination: Parties;
}

/** The PASSporT of a field in its compact form, for a request with these parties (RFC 8224 §4.1.1). */
export function rebuildPassport(field: IdentityField, claims: CallClaims): Passport | PassportProblem {
  // What extensions claim stands nowhere else in the request.
  if (field.ppt !== null) return field.ppt === 'shaken' || field.ppt === 'div' ? 'malformed' : 'unsupported';
  if (field.alg !== null && field.alg !== 'ES256') return 'unsupported-algorithm';
  const signature = readSignature(field.signature);
  if (signature === null || field.info === null) return 'malformed';
  const signingInput = signingInputOf({ kind: 'plain', x5u: field.info, ...claims });
  return {
    ...{ kind: 'plain', x5u: field.info, ...claims, signature, signingInput },
    ...{ attestation: null, originationId: null, diverted: nobody },
  };
}

export interface PassportContent extends CallClaims {
  readonly kind: Passport['kind'];
  readonly x5u: string;
  readonly attestation?: Attestation | null;
  readonly originationId?: string | null;
  readonly diverted?: Parties;
}

/** Header and claims, their keys in the order of their letters and nothing between them (RFC 8225 §9). */
export function signingInputOf(content: PassportContent): string {
  const { kind, x5u, issuedAtSeconds, origin, destination, attestation, originationId, diverted } = content;
  const header = { alg: 'ES256', ...(kind !== 'plain' && { ppt: kind }), typ: 'passport', x5u };
  const claims = {
    ...(kind === 'shaken' && { attest: attestation }),
    dest: {
      ...(destination.numbers.length > 0 && { tn: destination.numbers }),
      ...(destination.uris.length > 0 && { uri: destination.uris }),
    },
    ...(kind === 'div' && { div: single(diverted ?? nobody) }),
    iat: issuedAtSeconds,
    orig: single(origin),
    ...(kind === 'shaken' && { origid: originationId }),
  };
  return `${encodeBase64url(JSON.stringify(header))}.${encodeBase64url(JSON.stringify(claims))}`;
}

function single({ numbers: [number], uris: [uri] }: Parties): { tn?: string; uri?: string } {
  return number === undefined ? { ...(uri !== undefined && { uri }) } : { tn: number };
}

type Json = Readonly<Record<string, unknown>>;

function readClaims(
  claims: Json,
  signed: Pick<Passport, 'kind' | 'x5u' | 'signature' | 'signingInput'>,
): Passport | PassportProblem {
  const { iat, attest, origid } = claims;
  const isShaken = signed.kind === 'shaken';
  const origin = readParty(claims['orig']);
  const destination = readParties(claims['dest']);
  const diverted = signed.kind === 'div' ? readParty(claims['div']) : nobody;
  if (origin === null || destination === null || diverted === null) return 'malformed';
  if (typeof iat !== 'number' || !Number.isSafeInteger(iat) || iat < 0) return 'malformed';
  const hasAttestation = attest === 'A' || attest === 'B' || attest === 'C';
  const hasId = typeof origid === 'string' && /^[\w.:{}-]{1,64}$/.test(origid);
  // RFC 8588 §4: it speaks of a number's use.
  const isOfNumber = origin.numbers.length > 0;
  if (isShaken && !(hasAttestation && hasId && isOfNumber)) return 'malformed';
  return {
    ...{ ...signed, issuedAtSeconds: iat, origin, destination, diverted },
    attestation: isShaken && hasAttestation ? attest : null,
    originationId: isShaken && hasId ? origid : null,
  };
}

/** One number or one URI. */
function readParty(value: unknown): Parties | null {
  if (!isObject(value)) return null;
  const { tn, uri } = value;
  if (typeof tn === 'string' && uri === undefined) return partiesOf([tn], []);
  if (typeof uri === 'string' && tn === undefined) return partiesOf([], [uri]);
  return null;
}

/** Lists of numbers and URIs, of which there is at least one. */
function readParties(value: unknown): Parties | null {
  if (!isObject(value)) return null;
  const { tn = [], uri = [] } = value;
  if (!isListOfTexts(tn) || !isListOfTexts(uri)) return null;
  const count = tn.length + uri.length;
  return count > 0 && count <= maxDestinations ? partiesOf(tn, uri) : null;
}

function partiesOf(numbers: readonly string[], uris: readonly string[]): Parties | null {
  const read = { numbers: numbers.map(canonicalNumber), uris: uris.map(canonicalUri) };
  const isWhole = ![...read.numbers, ...read.uris].includes(null);
  return isWhole ? { numbers: read.numbers as string[], uris: read.uris as string[] } : null;
}

function readSignature(text: string): Buffer | null {
  const signature = decodeBase64url(text);
  return signature?.length === signatureBytes ? signature : null;
}

function readJson(text: string): Json | null {
  const bytes = decodeBase64url(text);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
