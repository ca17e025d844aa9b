/** The SIP face of refusals and outcomes: status, Reason (RFC 3326), Retry-After. */
import type { EndReason, Outcome } from '../../domain/outcome.js';
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { refusalOfUnverified } from '../../domain/trunks/unverified-calls.js';

const statuses: Readonly<Record<RefusalCode, number>> = {
  'token-missing': 403,
  'token-invalid': 403,
  'token-expired': 403,
  'token-used': 403,
  'too-many-guesses': 503,
  'no-trunk': 403,
  'authentication-required': 401,
  'authentication-failed': 403,
  'unknown-number': 404,
  'caller-not-allowed': 403,
  'called-not-allowed': 403,
  'trunk-limit': 503,
  // RFC 8224 §6.2.2.
  'identity-required': 428,
  'identity-stale': 403,
  'identity-unreachable': 436,
  'identity-untrusted': 437,
  'identity-invalid': 438,
  'participant-gone': 404,
  'participant-occupied': 486,
  'session-full': 486,
  'no-common-codec': 488,
  'bad-sdp': 400,
  draining: 503,
  overloaded: 503,
};

/** RFC 8224 §6.2.2, in the words of RFC 9410 §3: for who has signed the call, or passed its signature on. */
const stirReasons: Readonly<Partial<Record<RefusalCode, readonly [cause: number, text: string]>>> = {
  'identity-required': [428, 'Use Identity Header'],
  'identity-stale': [403, 'Stale Date'],
  'identity-unreachable': [436, 'Bad Identity Info'],
  'identity-untrusted': [437, 'Unsupported Credential'],
  'identity-invalid': [438, 'Invalid Identity Header'],
};

export interface RefusalResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Values of WWW-Authenticate, in fields of their own. Default none. */
  readonly challenges?: readonly string[];
}

export function refusalResponse(code: RefusalCode, retryAfterSeconds: number): RefusalResponse {
  const status = statuses[code];
  const stir = stirReasons[code];
  const reasons = [
    formatReason('SIP', status, code),
    ...(stir === undefined ? [] : [formatReason('STIR', ...stir)]),
  ];
  const headers: Record<string, string> = { Reason: reasons.join(', ') };
  if (status === 503) headers['Retry-After'] = String(retryAfterSeconds);
  return { status, headers };
}

/**
 * What a call that goes on tells of its signature, where the gateway found that wrong: for who has signed it (RFC 9410 §3). Nothing of a
 * call without one, or of what the carrier says.
 */
export function unverifiedHeaders(stir: CallerVerification | null): Record<string, string> {
  if (stir === null || stir.by !== 'gateway' || stir.verification !== 'failed') return {};
  const told = stirReasons[refusalOfUnverified(stir) ?? 'overloaded'];
  return told === undefined ? {} : { Reason: formatReason('STIR', ...told) };
}

/** How an unanswered INVITE is refused when the gateway ends its leg, e.g. because the participant was deleted. */
export function unansweredStatus(reason: EndReason): number {
  switch (reason) {
    case 'participant-deleted':
      return 404;
    case 'media-lost':
    case 'gateway-stopping':
      return 503;
    default:
      return 480;
  }
}

/** The Reason header of a refusal (RFC 3326). */
export function reasonHeader(status: number, text: string): Record<string, string> {
  return { Reason: formatReason('SIP', status, text) };
}

/** The Reason header of a BYE that we send: Q.850 cause 16 is normal clearing, 21 call rejected, 38 network out of order, 41 temporary failure. */
export function byeHeaders(outcome: Outcome): Record<string, string> {
  return { Reason: formatReason('Q.850', q850Cause(outcome.reason), outcome.reason) };
}

/** The Reason header of the BYE to a call whose place another has taken. */
export const replacedHeaders: Readonly<Record<string, string>> = {
  Reason: formatReason('Q.850', 16, 'replaced'),
};

function q850Cause(reason: EndReason): number {
  switch (reason) {
    case 'pin-refused':
      return 21;
    case 'media-timeout':
    case 'ice-failed':
      return 38;
    case 'media-lost':
    case 'gateway-stopping':
    case 'gateway-restarted':
      return 41;
    default:
      return 16;
  }
}

function formatReason(protocol: string, cause: number, text: string): string {
  return `${protocol};cause=${String(cause)};text="${text}"`;
}
