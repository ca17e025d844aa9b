/** Reads Reason header fields (RFC 3326). By hand, in one pass: a stranger writes them, and their texts hold what they like. */
import type { Outcome } from '../../domain/outcome.js';
import { ownText } from '../../domain/own-text.js';
import { splitUnquoted } from './split-unquoted.js';

const maxLength = 1024;
const maxTextLength = 200;
/** ITU-T Q.850 §2.1: seven bits. */
const maxCause = 127;

/** What the far end says: the first Q.850 cause, and the first text. Nothing of a header of more than 1 kB. */
export function parseReason(header: string | undefined): Pick<Outcome, 'q850Cause' | 'text'> {
  if (header === undefined || header.length > maxLength) return {};
  const reasons = splitUnquoted(header, ',').map((reason) =>
    splitUnquoted(reason, ';').map((piece) => piece.trim()),
  );
  const causes = reasons
    .filter(([protocol]) => protocol?.toUpperCase() === 'Q.850')
    .map((reason) => parameter(reason, 'cause'))
    .filter((cause) => cause !== null && /^\d{1,3}$/.test(cause) && Number(cause) <= maxCause);
  const [cause] = causes;
  const [text] = reasons.flatMap((reason) => parameter(reason, 'text') ?? []);
  return {
    ...(typeof cause === 'string' && { q850Cause: Number(cause) }),
    ...(text !== undefined && { text: ownText(text.slice(0, maxTextLength)) }),
  };
}

/** Null where there is none of that name; what was quoted without its quotes. */
function parameter([, ...parameters]: readonly string[], name: string): string | null {
  for (const part of parameters) {
    const equals = part.indexOf('=');
    if (equals === -1 || part.slice(0, equals).trim().toLowerCase() !== name) continue;
    const value = part.slice(equals + 1).trim();
    return value.startsWith('"') ? value.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : value;
  }
  return null;
}
