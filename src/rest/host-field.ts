/** The Host header field of a request (RFC 9112 §3.2). */
import type { IncomingMessage } from 'node:http';

/** `uri-host [ ":" port ]` (RFC 3986 §3.2.2); empty where the target has no authority. */
const hostForm = /^(?:\[[0-9a-z:.%~-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/**
 * What is wrong with it, to be answered with 400; null where nothing is. Node keeps the first of several: what stands before us may
 * have gone by another.
 */
export function hostProblem({
  rawHeaders,
  httpVersion,
}: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): string | null {
  let host: string | null = null;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== 'host') continue;
    if (host !== null) return 'The request has more than one Host header field';
    host = rawHeaders[at + 1] ?? '';
  }
  if (host === null) return httpVersion === '1.0' ? null : 'The request has no Host header field';
  return hostForm.test(host.trim()) ? null : 'The Host header field names no host';
}
