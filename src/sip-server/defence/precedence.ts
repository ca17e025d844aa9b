/** How soon a datagram is read, by a glance at it: far cheaper than to parse it. */
import type { Precedence } from '../transport/transport.js';

export interface PrecedenceOptions {
  /** Whoever is known at that address: it has limits of its own, or had a call lately. */
  readonly isTrusted: (address: string) => boolean;
  /** Whether a dialog with that Call-ID stands. */
  readonly hasCallId: (callId: string) => boolean;
  /** Whether a request of ours with that branch waits for a response. */
  readonly awaits: (branch: string, method: string) => boolean;
  /**
   * Whether a request from that address may be one that is let in, by the text of its start line and header fields, as it came. True
   * wherever in doubt.
   */
  readonly isPromising: (head: string, address: string) => boolean;
}

/** Real requests say who they are in less. */
const glanceBytes = 4096;
const responsePattern = /^\s*SIP\/2\.0 /i;
const cancelPattern = /^\s*CANCEL /;
const callIdPattern = /\n(?:Call-ID|i)[ \t]*:[ \t]*([^\s]+)/i;
const branchPattern = /\n(?:Via|v)[ \t]*:[^\n]*?;[ \t]*branch[ \t]*=[ \t]*([^\s;,]+)/i;
const methodPattern = /\nCSeq[ \t]*:[ \t]*\d+[ \t]+([^\s]+)/i;

/**
 * Those who are known come first, and what belongs to a call that stands or answers a request of ours; then strangers who may show
 * something good; then the others. A CANCEL comes behind the INVITE that it is about.
 *
 * What an address has done before counts for nothing else: over UDP anybody may have written it.
 */
export function precedenceOf(
  bytes: Buffer,
  address: string,
  { isTrusted, hasCallId, awaits, isPromising }: PrecedenceOptions,
): Precedence {
  if (isTrusted(address)) return 'at-once';
  const head = bytes.toString('latin1', 0, glanceBytes);
  const callId = callIdPattern.exec(head)?.[1];
  if (callId !== undefined && hasCallId(callId)) return 'at-once';
  if (responsePattern.test(head)) {
    const [, branch] = branchPattern.exec(head) ?? [];
    const [, method] = methodPattern.exec(head) ?? [];
    return branch !== undefined && method !== undefined && awaits(branch, method) ? 'at-once' : 'later';
  }
  return !cancelPattern.test(head) && isPromising(head, address) ? 'soon' : 'later';
}
