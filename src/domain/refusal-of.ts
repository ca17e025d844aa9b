/** Says what kept a call out, in the words that its far end is told. */
import { DomainError, type DomainErrorCode } from './domain-error.js';
import { MediaRefusal } from './media-plane.js';
import { Refusal, type RefusalCode } from './refusal.js';

/** What the far end is told where a rule kept the call out. A rule that is not here is told as `overloaded`. */
const codes: Partial<Record<DomainErrorCode, RefusalCode>> = {
  'session-full': 'session-full',
  'session-not-found': 'participant-gone',
  'participant-not-found': 'participant-gone',
  'participant-not-in-session': 'participant-gone',
};

/**
 * What kept a leg out, as the refusal that its far end is told. That a limit is reached, that somebody is gone or that the store
 * is away is no fault of the code that met it; null for what is one.
 */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof MediaRefusal) return new Refusal(error.legCode, error.message);
  if (error instanceof DomainError) return new Refusal(codes[error.code] ?? 'overloaded', error.code);
  return null;
}
