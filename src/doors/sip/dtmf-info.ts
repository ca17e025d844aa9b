/** Key presses in SIP INFO, in every form that phones and gateways send. */
import { boundaryOf, mediaTypeOf, parseMultipart } from './multipart.js';

export interface DtmfInfo {
  readonly digit: string;
  readonly durationMs: number;
  /** An event may be told of twice: false where its key was pressed, true where it was let go. Absent: a whole press. */
  readonly isEnd?: boolean;
}

/** The content types that are understood, as in the Accept header field. */
export const dtmfInfoTypes = 'application/dtmf-relay, application/dtmf, audio/telephone-event';

const defaultDurationMs = 160;
/** Telephone events count at 8 kHz where nothing else is said. */
const unitsPerMs = 8;
/** Stands for an octet of which nothing is known but that it is above 127. */
const leastHigh = 0x80;
/** In the order of RFC 4733's event numbers (§3.2). */
const digits = '0123456789*#ABCD';
const textTypes: ReadonlySet<string> = new Set([
  'application/dtmf-relay',
  'application/dtmf',
  'application/vnd.nortelnetworks.digits',
]);
const eventTypes: ReadonlySet<string> = new Set(['audio/telephone-event', 'application/telephone-event']);

/**
 * A named value on a line of its own or beside another, quoted or not, after `=` or `:`. Every repetition has a limit, so
 * that a stranger's body is looked through in no time.
 */
const fieldPattern =
  /(?:^|[\s;,&?])(signal|digits?|d|duration)[ \t]{0,16}[=:][ \t]{0,16}["']?(%2[3a]|[\da-d*#]{1,9})(?=["'\s;,&]|$)/gi;

/**
 * A key press of a body of that content type: `Signal=` and `Duration=` (application/dtmf-relay), the digit alone
 * (application/dtmf), or an event as RFC 4733 writes it (audio/telephone-event); text types take either text, and a part of
 * a multipart body counts. Null where it is none.
 */
export function parseDtmfInfo(contentType: string, body: string): DtmfInfo | null {
  const type = mediaTypeOf(contentType);
  if (textTypes.has(type)) return parseText(body);
  if (eventTypes.has(type)) return parseText(body) ?? parseEvent(body);
  if (!type.startsWith('multipart/')) return null;
  const boundary = boundaryOf(contentType);
  if (boundary === null) return null;
  for (const part of parseMultipart(body, boundary)) {
    const partType = part.header('content-type') ?? '';
    const press = mediaTypeOf(partType).startsWith('multipart/')
      ? null
      : parseDtmfInfo(partType, part.content);
    if (press !== null) return press;
  }
  return null;
}

/** NULs stand at the end of what was written by a C program that counts them as text. */
function parseText(bytes: string): DtmfInfo | null {
  const body = bytes.replaceAll('\0', ' ');
  let signal: string | null = null;
  let duration: string | null = null;
  for (const [, name = '', value = ''] of body.matchAll(fieldPattern)) {
    if (name.toLowerCase() === 'duration') duration ??= value;
    else signal ??= value;
  }
  return keyPress(signal ?? body.trim().replace(/^(["'])(.{1,2})\1$/, '$2'), duration);
}

/**
 * The four octets of RFC 4733 §2.3, as far as they came through: on their way as text octets above 127 may have become
 * something else that is above 127, and the last two of them one character. What is lost of the duration is its last 16 ms,
 * or how much longer than 4 s it was.
 */
function parseEvent(body: string): DtmfInfo | null {
  const octets = Array.from(body, (character) => character.codePointAt(0) ?? 0);
  const [event = 255, flags = 0, high = 0, low = 0] = octets;
  const areJoined = octets.length === 3 && high > 127;
  const digit = octets.length >= 4 || areJoined ? digits[event] : undefined;
  if (digit === undefined) return null;
  const duration = areJoined ? leastHigh << 8 : (octetOf(high) << 8) | octetOf(low);
  return { digit, durationMs: Math.round(duration / unitsPerMs), isEnd: flags > 127 };
}

function octetOf(codePoint: number): number {
  return codePoint < 256 ? codePoint : leastHigh;
}

/** The INFO that presses a key, which those of old understand: no package is named (RFC 6086 §1). */
export function formatDtmfInfo({ digit, durationMs }: DtmfInfo): {
  headers: Record<string, string>;
  body: string;
} {
  return {
    headers: { 'Content-Type': 'application/dtmf-relay' },
    body: `Signal=${digit.toUpperCase()}\r\nDuration=${durationMs}\r\n`,
  };
}

function keyPress(signal: string, duration: string | null): DtmfInfo | null {
  const digit = digitOf(signal.toUpperCase());
  if (digit === null) return null;
  const isDuration = duration !== null && /^\d{1,5}$/.test(duration);
  return { digit, durationMs: isDuration ? Number(duration) : defaultDurationMs };
}

/** Characters are also seen percent-encoded, and as RFC 4733's event numbers, 10 to 15. */
function digitOf(signal: string): string | null {
  if (/^1[0-5]$/.test(signal)) return digits[Number(signal)] ?? null;
  const digit = signal === '%23' ? '#' : signal === '%2A' ? '*' : signal;
  return digit.length === 1 && digits.includes(digit) ? digit : null;
}
