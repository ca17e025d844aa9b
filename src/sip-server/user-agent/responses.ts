/** Reason phrases, and responses made without an application. */
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';

const noBody = Buffer.alloc(0);

const reasonPhrases: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  486: 'Busy Here',
  487: 'Request Terminated',
  430: 'Flow Failed',
  469: 'Bad Info Package',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  494: 'Security Agreement Required',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  603: 'Decline',
};

/**
 * A response with what it owes to its request: Via, From, To, Call-ID, CSeq in their order (RFC 3261 §8.2.6.2), and the
 * Timestamp of a 100 (§8.2.6.1). `toTag` is added where the request has none; empty adds none.
 */
export function createResponse(
  request: SipRequest,
  status: number,
  toTag: string,
  reason = reasonPhrases[status] ?? 'Unknown',
): SipResponse {
  const headers = new HeaderFields();
  let to = '';
  for (const { name, value } of request.headers) {
    if (name === 'Via' || name === 'From' || name === 'Call-ID' || name === 'CSeq')
      headers.append(name, value);
    else if (name === 'To' && to === '') {
      to = toTag === '' || /;\s*tag\s*=/i.test(afterUri(value)) ? value : `${value};tag=${toTag}`;
      headers.append('To', to);
    } else if (name === 'Timestamp' && status === 100) headers.append(name, value);
  }
  return { kind: 'response', status, reason, headers, body: noBody };
}

/** A response that was never sent by anybody: what a request's sender is told when none came (RFC 3261 §8.1.3.1). */
export function createLocalResponse(request: SipRequest, status: 408 | 487 | 500 | 503): SipResponse {
  return { ...createResponse(request, status, ''), isLocal: true };
}

/** RFC 3261 §20.33; 0 where the server says nothing of a time. */
export function retryAfterMs({ headers }: SipResponse): number {
  return Number(/^\s*(\d{1,9})/.exec(headers.get('Retry-After') ?? '')?.[1] ?? 0) * 1000;
}

/** What stands after a bracketed address, where the header field's own parameters are. */
function afterUri(value: string): string {
  return value.slice(value.lastIndexOf('>') + 1);
}
