/** How soon a datagram is read, by a glance at it: far cheaper than to parse it. */
import type { Precedence } from '../transport/transport.js';
import type { SourceGuard } from './source-guard.js';

export interface PrecedenceOptions {
  readonly guard: Pick<SourceGuard, 'isTrusted' | 'hasSpentAnswers'>;
  /**
   * Whether a request from that address may be one that is let in, by the text of its start line and header fields, as it came. True
   * wherever in doubt.
   */
  readonly isPromising: (head: string, address: string) => boolean;
}

/** Real requests say who they are in less. */
const glanceBytes = 4096;
const cancelPattern = /^\s*CANCEL /;
/** What belongs to a call, or answers a request of ours: a dialog or a transaction tells whether that is so. */
const continuingPattern = /^\s*(?:SIP\/2\.0|ACK|BYE|PRACK|UPDATE|INFO) /i;
const toTagPattern = /\n(?:To|t)[ \t]*:[^\n]*;[ \t]*tag[ \t]*=/i;

/**
 * Those who are known come first, and what belongs to a call; then strangers who may show something good; then the others, and
 * those who have used their answers up: nothing that they send is likely to be good.
 */
export function precedenceOf(
  bytes: Buffer,
  address: string,
  { guard, isPromising }: PrecedenceOptions,
): Precedence {
  if (guard.isTrusted(address)) return 'at-once';
  const head = bytes.toString('latin1', 0, glanceBytes);
  if (cancelPattern.test(head)) return 'in-turn';
  const isSpent = guard.hasSpentAnswers(address);
  if (continuingPattern.test(head) || toTagPattern.test(head)) return isSpent ? 'soon' : 'at-once';
  return !isSpent && isPromising(head, address) ? 'soon' : 'later';
}
