/** The ways to carry a call's credential in what a platform can send along. */
import type { TransferTarget } from '../domain/transfers/transfer.js';

/** The longest User-to-User value, with everything, that Bandwidth and other implementers of RFC 7433 take. */
const maxUserToUser = 256;

/** Bandwidth's id of a call without its first character and its hyphens: 40 hex digits, which it labels base64. */
export function bandwidthCallId(voiceCallId: string | null): string | null {
  const digits = voiceCallId?.slice(1).replaceAll('-', '') ?? '';
  return /^[0-9a-f]{40}$/i.test(digits) ? digits : null;
}

/** The User-to-User value: the call's id where it fits, and the token; null where the token is too long. */
export function userToUser(token: string, callId: string | null = null): string | null {
  const alone = `${token};encoding=jwt`;
  const withCall = callId === null ? alone : `${callId};encoding=base64,${alone}`;
  if (withCall.length <= maxUserToUser) return withCall;
  return alone.length <= maxUserToUser ? alone : null;
}

/** Header fields for platforms that send any we like: the token where it fits, else the join code. */
export function credentialHeaders({ token, joinCode }: TransferTarget): Record<string, string> {
  const value = userToUser(token);
  return value === null ? { 'X-Landbridge-Token': joinCode } : { 'User-to-User': value };
}

/** `sip:CODE@host`, for platforms that carry no header. */
export function codeUri({ joinCode, sipHost, sipTransport }: TransferTarget): string {
  return `sip:${joinCode}@${sipHost}${sipTransport === null ? '' : `;transport=${sipTransport}`}`;
}

/** The caller id where it is plainly a number, which no platform can misread; else null. */
export function safeCallerId({ callerId }: TransferTarget): string | null {
  return callerId !== null && /^\+?\d{3,15}$/.test(callerId) ? callerId : null;
}
