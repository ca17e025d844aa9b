/** Reads the messages that drachtio applications draft. */
import { findHeadEnd, readHead } from '../message/head.js';
import type { SipMessage } from '../message/message.js';

const requestLinePattern = /^([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP\/2\.0$/;
const statusLinePattern = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/;
const draftLimits = { maxHeaderFields: 256, maxLineBytes: 32_768 };

/**
 * Reads the message an application wants sent: Via, From, To and the like may be missing, and everything after the empty
 * line is its body, because drachtio-srf counts characters for Content-Length. Null when it is no SIP at all.
 */
export function parseDraft(raw: Buffer): SipMessage | null {
  const end = findHeadEnd(raw);
  const { startLine, headers, fault } = readHead(
    raw.toString('utf8', 0, end?.end ?? raw.length).trimEnd(),
    draftLimits,
  );
  if (fault !== undefined) return null;
  const body = end ? raw.subarray(end.bodyStart) : Buffer.alloc(0);
  const status = statusLinePattern.exec(startLine);
  if (status) {
    return { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', headers, body };
  }
  const request = requestLinePattern.exec(startLine);
  if (!request) return null;
  return { kind: 'request', method: request[1] ?? '', uri: request[2] ?? '', headers, body };
}
