/** Reads why a SIP peer refused or ended the dialog: the Reason header (RFC 3326), else the status. */
import { LandbridgeError, type RefusalCode } from './errors.js';

const messages: Record<RefusalCode, string> = {
  'token-missing': 'The gateway saw no token.',
  'token-invalid': 'The token or join code is not valid here.',
  'token-expired': 'The token has expired.',
  'token-used': 'The token works once and has been used.',
  'too-many-guesses': 'Too many wrong join codes came from this address.',
  'no-trunk': 'The gateway takes calls over trunks only.',
  'authentication-required': 'The password of a trunk is missing.',
  'authentication-failed': 'The name or the password of the trunk is wrong.',
  'unknown-number': 'The number that was called is not known here.',
  'caller-not-allowed': 'The trunk lets no calls in from this caller.',
  'called-not-allowed': 'The trunk lets no calls in to this number.',
  'trunk-limit': 'The trunk has as many calls as it may.',
  'identity-required': 'The trunk demands a signature for who calls.',
  'identity-stale': 'The signature for who calls is too old.',
  'identity-unreachable': 'The certificate of the signature cannot be had.',
  'identity-untrusted': 'Nobody trusted vouches for the signature’s certificate.',
  'identity-invalid': 'The signature for who calls is false.',
  'participant-gone': 'The participant no longer exists.',
  'participant-occupied': 'The participant is connected already.',
  'session-full': 'The session is full.',
  'no-common-codec': 'The gateway and this browser share no codec.',
  'bad-sdp': 'The gateway could not read the session description.',
  draining: 'The gateway is shutting down.',
  overloaded: 'The gateway is busy.',
  refused: 'The gateway refused the connection.',
};

/**
 * The text of the first value that has one, in the headers' order, a SIP cause before any other protocol's:
 * `SIP;cause=403;text="token-expired"` reads `token-expired`.
 */
export function parseReasonText(headers: readonly string[]): string | undefined {
  const values = headers.flatMap((header) => splitOutsideQuotes(header));
  const text = (value: string): string | undefined => {
    const match = /;\s*text\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]+))/i.exec(value);
    return match?.[1]?.replaceAll(/\\(.)/g, '$1') ?? match?.[2];
  };
  const sip = values.filter((value) => /^\s*SIP\s*(;|$)/i.test(value));
  return [...sip, ...values].map(text).find((found) => found !== undefined && found !== '');
}

/** The error for a final response that refuses the INVITE. `retryAfter` is that header's value. */
export function refusalError(
  status: number,
  reasonHeaders: readonly string[],
  retryAfter: string | undefined,
): LandbridgeError {
  const text = parseReasonText(reasonHeaders);
  const seconds = /^\s*(\d{1,9})/.exec(retryAfter ?? '')?.[1];
  const details = {
    sipStatus: status,
    ...(seconds === undefined ? {} : { retryAfterSeconds: Number(seconds) }),
  };
  if (text !== undefined && isRefusalCode(text)) return new LandbridgeError(text, messages[text], details);
  // 408 is what SIP.js makes of a transaction that nobody answered (RFC 3261 §8.1.3.1).
  if (status === 408) return new LandbridgeError('timeout', 'The gateway did not answer in time.', details);
  return new LandbridgeError('refused', `${messages.refused.slice(0, -1)}: ${text ?? status}.`, details);
}

function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(messages, text);
}

function splitOutsideQuotes(header: string): string[] {
  return header.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
}
