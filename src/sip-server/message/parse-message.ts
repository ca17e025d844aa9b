/** Reads messages out of bytes, within limits. */
import { parseCSeq } from './cseq.js';
import { countLeadingBreaks, findHeadEnd, readHead } from './head.js';
import type { HeaderFields } from './header-fields.js';
import type { SipMessage, SipRequest } from './message.js';
import { firstSipUri, parseNameAddr, splitAddresses } from './name-addr.js';
import { decodeText } from './text.js';
import { parseUri } from './uri.js';
import { parseVia } from './via.js';

export interface ParseLimits {
  /** Whole message, bytes. Default 65,536: more than any UDP datagram holds. */
  readonly maxMessageBytes: number;
  /** Default 256: real requests have 10 to 40. */
  readonly maxHeaderFields: number;
  /** Start line or one unfolded header field, characters. Default 8,192: room for a STIR passport or a long token. */
  readonly maxLineBytes: number;
}

export const defaultParseLimits: ParseLimits = {
  maxMessageBytes: 65_536,
  maxHeaderFields: 256,
  maxLineBytes: 8_192,
};

/** The response that suits a request which cannot be used. */
export type RefusalStatus = 400 | 505 | 513;

export type ParseResult =
  | { readonly ok: true; readonly message: SipMessage }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly status: RefusalStatus;
      /** What of the request is needed to answer it with `status`; absent: drop it. Never an ACK or a response. */
      readonly answerable?: SipRequest;
    };

const requestLinePattern = /^([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP\/(\d+(?:\.\d+)*)$/i;
const statusLinePattern = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/i;
const singleFields: ReadonlySet<string> = new Set([
  ...['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length', 'Content-Type'],
]);
const noBody = Buffer.alloc(0);

/**
 * Reads one whole message, such as a datagram or what a stream's framing cut out (RFC 3261 §7, §18.3). Line breaks
 * before it are skipped; bytes after the stated Content-Length are cut off. Never throws.
 */
export function parseMessage(bytes: Buffer, limits: Partial<ParseLimits> = {}): ParseResult {
  const { maxMessageBytes, ...headLimits } = { ...defaultParseLimits, ...limits };
  const data = bytes.subarray(countLeadingBreaks(bytes));
  const headEnd = findHeadEnd(data.subarray(0, maxMessageBytes));
  // Even without its empty line a request may have all that an answer needs (a datagram cut short).
  const headBytes = data.subarray(0, headEnd?.end ?? maxMessageBytes);
  const { startLine: firstLine, headers, fault } = readHead(decodeText(headBytes), headLimits);
  // Some end it with a blank.
  const startLine = firstLine.trimEnd();

  const status = statusLinePattern.exec(startLine);
  if (status) {
    const reason = (headEnd ? fault : 'no empty line') ?? checkHeaders(headers);
    if (reason !== null) return { ok: false, reason, status: 400 };
    const body = readBody(data.subarray(headEnd?.bodyStart), headers);
    if (!body) return { ok: false, reason: 'shorter than its Content-Length', status: 400 };
    return {
      ok: true,
      message: { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', headers, body },
    };
  }

  const line = requestLinePattern.exec(startLine);
  if (!line) {
    return refuse('unreadable start line', lenientRequest(startLine, headers));
  }
  const [, method = '', uri = '', version] = line;
  const request: SipRequest = { kind: 'request', method, uri, headers, body: noBody };
  if (version !== '2.0') return refuse('SIP version not supported', request, 505);
  if (data.length > maxMessageBytes) return refuse('message too large', request, 513);
  const reason =
    (headEnd ? fault : 'no empty line') ?? checkRequestUri(uri) ?? checkHeaders(headers, request);
  if (reason !== null) return refuse(reason, request);
  const body = readBody(data.subarray(headEnd?.bodyStart), headers);
  if (!body) return refuse('shorter than its Content-Length', request);
  request.body = body;
  return { ok: true, message: request };
}

function refuse(reason: string, request: SipRequest | null, status: RefusalStatus = 400): ParseResult {
  return request && isAnswerable(request)
    ? { ok: false, reason, status, answerable: request }
    : { ok: false, reason, status };
}

/** What a response copies (RFC 3261 §8.2.6.2) must be there, and its way back readable. */
function isAnswerable(request: SipRequest): boolean {
  // Also where it is of another version of SIP, which is answered with 505.
  const via = (request.headers.get('Via') ?? '').replace(/^SIP\s*\/\s*\d{1,3}\.\d{1,3}\s*\//i, 'SIP/2.0/');
  if (request.method === 'ACK' || !parseVia(via)) return false;
  return ['From', 'To', 'Call-ID', 'CSeq'].every((name) => (request.headers.get(name) ?? '') !== '');
}

/**
 * A request line with blanks in its URI, or more than one between the parts, is still known for a request. Cut by
 * hand: a regular expression would need quadratic time on a long line of blanks.
 */
function lenientRequest(startLine: string, headers: HeaderFields): SipRequest | null {
  const line = startLine.trimEnd();
  const method = /^[A-Za-z0-9\-.!%*_+`'~]+(?=[ \t])/.exec(line)?.[0];
  if (method === undefined || !/[ \t]SIP\/2\.0$/i.test(line.slice(-8))) return null;
  const uri = line.slice(method.length, -7).trim();
  return uri === '' ? null : { kind: 'request', method, uri, headers, body: noBody };
}

/** Schemes that are not known are well-formed; what to do about them (416) is for the user agent. */
function checkRequestUri(uri: string): string | null {
  const known = /^(?:sips?|tel):/i.test(uri);
  const usable = known ? parseUri(uri) !== null : /^[A-Za-z][A-Za-z0-9+.-]*:[^<>"]+$/.test(uri);
  return usable ? null : 'malformed Request-URI';
}

function checkHeaders(headers: HeaderFields, request?: SipRequest): string | null {
  for (const name of headers.repeated(singleFields)) {
    const [value = '', ...others] = headers.all(name);
    // Some write a field twice; which of two is meant matters only where they differ.
    if (others.some((other) => other !== value)) return `more than one ${name}`;
    headers.set(name, value);
  }
  for (const name of ['From', 'To'] as const) {
    if (!headers.has(name)) return `no ${name}`;
    if (!headers.read(name, parseNameAddr)) return `malformed ${name}`;
  }
  if (!/^\S+$/.test(headers.get('Call-ID') ?? '')) return 'no usable Call-ID';
  const [via, ...others] = headers.all('Via');
  if (via === undefined) return 'no Via';
  if (!headers.read('Via', parseVia) || !others.every((other) => parseVia(other))) return 'malformed Via';
  const cseq = headers.read('CSeq', parseCSeq);
  if (!cseq) return 'no usable CSeq';
  if (request && cseq.method !== request.method) return 'CSeq of another method';
  const length = headers.get('Content-Length');
  if (length !== undefined && !/^\d{1,9}$/.test(length)) return 'malformed Content-Length';
  return request ? checkRequestHeaders(headers, request.method) : null;
}

function checkRequestHeaders(headers: HeaderFields, method: string): string | null {
  const maxForwards = headers.get('Max-Forwards');
  if (maxForwards !== undefined && !(/^\d{1,16}$/.test(maxForwards) && Number(maxForwards) <= 255)) {
    return 'malformed Max-Forwards';
  }
  const contacts = headers.all('Contact').flatMap(splitAddresses);
  if (!contacts.every((contact) => contact === '*' || parseNameAddr(contact))) return 'malformed Contact';
  for (const name of ['Route', 'Record-Route'] as const) {
    if (!headers.all(name).every(isRoute)) return `malformed ${name}`;
  }
  // RFC 3261 §8.1.1.8: exactly one SIP URI, because the dialog's remote target comes from it. Not a list with empty places
  // either: applications stumble over those when they answer.
  const isOne = contacts.length === 1 && !/^\s*,|,\s*$/.test(headers.get('Contact') ?? '');
  if (method === 'INVITE' && (!isOne || headers.read('Contact', firstSipUri) === null)) {
    return 'an INVITE needs one SIP Contact';
  }
  return null;
}

/** Requests are sent to it: there is no blank in it. */
function isRoute(value: string): boolean {
  return parseNameAddr(value)?.uri.includes(' ') === false;
}

/** Null when there is less than Content-Length states. Without it the body is all that is left (§18.3). */
function readBody(rest: Buffer, headers: HeaderFields): Buffer | null {
  const stated = headers.get('Content-Length');
  const length = stated === undefined ? rest.length : Number(stated);
  return length <= rest.length ? rest.subarray(0, length) : null;
}
