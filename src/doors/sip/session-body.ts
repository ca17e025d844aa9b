/**
 * Finds the session description in a body, alone or among other parts (RFC 5621): carriers and PBXs send ISUP, locations and
 * the like beside it. What is not understood counts only where its sender says so.
 */
import { boundaryOf, mediaTypeOf, parseMultipart, type BodyPart } from './multipart.js';
import type { GuardRefusal } from './request-guard.js';

/** What is read of a request or response. */
export interface WithBody {
  /** Empty or missing where there is none. */
  readonly body?: string | undefined;
  get(header: string): string | undefined;
}

/** Why a body cannot be done with: for what it is, or for how it is packed. */
type Obstacle = 'type' | 'encoding';

const descriptionType = 'application/sdp';
/** What we understand in the body of an INVITE or UPDATE, as in the Accept header field. */
export const acceptedBodies = `${descriptionType}, multipart/mixed`;
/** Multiparts within multiparts. */
const maxDepth = 3;

/** The session description that a message brings; null where it brings none. */
export function descriptionIn(message: WithBody): string | null {
  const part = asPart(message);
  return part === null ? null : findDescription(part, maxDepth);
}

/** Null where a request has a body that we can do with, or none (RFC 3261 §8.2.3). */
export function guardBody(request: WithBody): GuardRefusal | null {
  const part = asPart(request);
  const obstacle = part === null ? null : obstacleIn(part, maxDepth);
  if (obstacle === null) return null;
  const headers = obstacle === 'encoding' ? { 'Accept-Encoding': 'identity' } : { Accept: acceptedBodies };
  return { status: 415, reason: 'unsupported-body', headers };
}

/** Names in lower case, as parts of a multipart are asked for them. */
const headerNames: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  'content-encoding': 'Content-Encoding',
  'content-disposition': 'Content-Disposition',
  'content-transfer-encoding': 'Content-Transfer-Encoding',
};

function asPart(message: WithBody): BodyPart | null {
  const { body = '' } = message;
  if (body.trim() === '') return null;
  const header = (name: string): string | null => {
    // drachtio-srf takes the compact `e` for another field, and a drachtio-server hands it on as it came.
    const compact = name === 'content-encoding' ? message.get('e') : undefined;
    const value = message.get(headerNames[name] ?? name) ?? compact;
    // Some leave the type out; what a call is about is a session description.
    return value ?? (name === 'content-type' ? descriptionType : null);
  };
  return { header, content: body };
}

function findDescription(part: BodyPart, depth: number): string | null {
  if (isDescription(part)) return decoded(part);
  const found = (partsOf(part, depth) ?? []).flatMap((inner) => findDescription(inner, depth - 1) ?? []);
  // The last of several alternatives is the best that we understand (RFC 2046 §5.1.4).
  return (isChoice(part) ? found.at(-1) : found[0]) ?? null;
}

function obstacleIn(part: BodyPart, depth: number): Obstacle | null {
  if (isDescription(part) || handlingOf(part) === 'optional') return null;
  if (isEncoded(part)) return 'encoding';
  const parts = partsOf(part, depth);
  if (parts === null || parts.length === 0) return 'type';
  const obstacles = parts.map((inner) => obstacleIn(inner, depth - 1));
  const insisted = parts.findIndex((inner, at) => obstacles[at] !== null && handlingOf(inner) === 'required');
  // By RFC 3261 §20.11 a part that says nothing of it is required, which most that write one do not mean.
  if (insisted !== -1 && !isChoice(part)) return obstacles[insisted] ?? null;
  if (findDescription(part, depth) !== null) return null;
  return obstacles.find((obstacle) => obstacle !== null) ?? null;
}

const typeOf = (part: BodyPart): string => mediaTypeOf(part.header('content-type') ?? 'text/plain');

const dispositionOf = (part: BodyPart): string =>
  (part.header('content-disposition') ?? 'session').trim().toLowerCase();

const handlingOf = (part: BodyPart): string | undefined =>
  /;\s*handling\s*=\s*"?(\w+)/.exec(dispositionOf(part))?.[1];

const isEncoded = (part: BodyPart): boolean =>
  !/^\s*(?:identity\s*)?$/i.test(part.header('content-encoding') ?? '');

/** Not that of an early session (RFC 3959): nothing is heard here before the answer. */
const isDescription = (part: BodyPart): boolean =>
  typeOf(part) === descriptionType && !isEncoded(part) && !/^early-session\b/.test(dispositionOf(part));

const isChoice = (part: BodyPart): boolean => typeOf(part) === 'multipart/alternative';

/** Null where it is no multipart, or cannot be cut. */
function partsOf(part: BodyPart, depth: number): readonly BodyPart[] | null {
  const boundary = typeOf(part).startsWith('multipart/')
    ? boundaryOf(part.header('content-type') ?? '')
    : null;
  return boundary === null || depth === 0 || isEncoded(part) ? null : parseMultipart(part.content, boundary);
}

/** SIP needs no transfer encoding (RFC 3261 §7.4.1), but gateways to mail have those of RFC 2045 §6.7 and §6.8. */
function decoded(part: BodyPart): string {
  switch (part.header('content-transfer-encoding')?.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(part.content, 'base64').toString('utf8');
    case 'quoted-printable':
      return unquotePrintable(part.content);
    default:
      return part.content;
  }
}

function unquotePrintable(text: string): string {
  const joined = text.replaceAll(/=[ \t]*\r?\n/g, '');
  const octets = joined.replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  // Octets that were no characters of their own belong together.
  return /^[\0-\xff]*$/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}
