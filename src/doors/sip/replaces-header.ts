/** Replaces (RFC 3891): an INVITE that is to take the place of a call that stands, which it names by Call-ID and both tags. */
import type { GuardRefusal } from './request-guard.js';
import type { SrfRequest } from './srf.js';

/** A dialog of ours by its three names (RFC 3261 §12). */
export interface DialogName {
  readonly callId: string;
  /** Ours: `to-tag` of the header field. */
  readonly localTag: string;
  /** The far end's; empty where it has none (RFC 3261 §12.2.1.1). */
  readonly remoteTag: string;
}

export interface Replaces extends DialogName {
  /** Only a call that was not answered yet is to be replaced. */
  readonly isEarlyOnly: boolean;
}

export type ReadReplaces =
  | { readonly replaces: Replaces; readonly fault?: never }
  | { readonly fault: GuardRefusal; readonly replaces?: never };

const tagForm = /^[\w\-.!%*+`'~]+$/;
const isBad: ReadReplaces = { fault: { status: 400, reason: 'bad-replaces' } };

/** Null where the INVITE is to replace nothing. */
export function readReplaces(invite: Pick<SrfRequest, 'get'>): ReadReplaces | null {
  const value = invite.get('Replaces');
  if (value === undefined) return null;
  // RFC 3891 §3: more than one, or another word about the same. No Call-ID has a comma, with which several fields are joined.
  if (value.includes(',') || invite.get('Join') !== undefined) return isBad;
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  if (!/^[!-~]+$/.test(callId)) return isBad;
  const [localTag, ...moreLocal] = valuesOf(parameters, 'to-tag');
  const [remoteTag, ...moreRemote] = valuesOf(parameters, 'from-tag');
  const areTags = [localTag, remoteTag].every((tag) => tag !== undefined && tagForm.test(tag));
  if (!areTags || localTag === undefined || remoteTag === undefined) return isBad;
  if (moreLocal.length > 0 || moreRemote.length > 0) return isBad;
  const isEarlyOnly = parameters.some((parameter) => /^early-only$/i.test(parameter));
  return { replaces: { callId, localTag, remoteTag, isEarlyOnly } };
}

function valuesOf(parameters: readonly string[], name: string): string[] {
  return parameters.flatMap((parameter) => {
    const [key = '', value] = parameter.split('=', 2);
    return key.trim().toLowerCase() === name && value !== undefined ? [value.trim()] : [];
  });
}
