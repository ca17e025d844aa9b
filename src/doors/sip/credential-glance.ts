/** Whether an INVITE may show a credential, by a glance at its text as it came: for who is read first in a flood, not for who is let in. */
import { normalizeJoinCode } from '../../domain/participants/join-code.js';

/**
 * Looks at the start line and header fields of a request. True wherever `findCredentials` may find something, and where a challenge is
 * answered; true also for much that shows nothing good.
 */
export function credentialGlance(tokenHeaders: readonly string[]): (head: string) => boolean {
  const names = ['User-to-User', 'Authorization', ...tokenHeaders].map(escaped).join('|');
  const headerPattern = new RegExp(String.raw`\n(?:${names})[ \t]*:`, 'i');
  return (head) => hasToken(head) || headerPattern.test(head);
}

/** The Request-URI of a request as it came; empty where there is none. */
export function requestUriIn(head: string): string {
  return requestUriPattern.exec(head)?.[1] ?? '';
}

const requestUriPattern = /^\s*[A-Za-z]+ +(\S+)/;
const tokenPattern = /;token=/i;

function hasToken(head: string): boolean {
  const uri = requestUriIn(head);
  if (tokenPattern.test(uri)) return true;
  const user = /^(?:sips?|tel):([^@;:?]+)/i.exec(uri)?.[1];
  // Escapes may hide anything.
  return user !== undefined && (user.includes('%') || normalizeJoinCode(user) !== null);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
