/** How soon a datagram is read, by a glance at it: far cheaper than to parse it. */
import type { Precedence } from '../transport/transport.js';
import type { SourceGuard } from './source-guard.js';

export interface PrecedenceOptions {
  readonly guard: Pick<SourceGuard, 'isTrusted' | 'hasSpentAnswers'>;
  /** Whether a dialog with that Call-ID stands. */
  readonly hasCallId: (callId: string) => boolean;
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

/**
 * Those who are known come first, and what belongs to a call that stands; then what may answer a request of ours, and strangers who may show
 * something good; then the others, and those who have used their answers up: nothing that they send is likely to be good. A CANCEL
 * comes behind the INVITE that it is about.
 */
export function precedenceOf(
  bytes: Buffer,
  address: string,
  { guard, hasCallId, isPromising }: PrecedenceOptions,
): Precedence {
  if (guard.isTrusted(address)) return 'at-once';
  const head = bytes.toString('latin1', 0, glanceBytes);
  const callId = callIdPattern.exec(head)?.[1];
  if (callId !== undefined && hasCallId(callId)) return 'at-once';
  if (responsePattern.test(head)) return 'soon';
  const isLast = cancelPattern.test(head) || guard.hasSpentAnswers(address);
  return !isLast && isPromising(head, address) ? 'soon' : 'later';
}
