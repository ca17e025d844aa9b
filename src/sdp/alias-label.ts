/** Aliases of streams as `a=label` (RFC 4574), which allows a token only: they stand there percent-encoded. */
import { attribute, label } from './attributes.js';
import type { Attribute, MediaDescription } from './session-description.js';

/** What encodeURIComponent leaves of `()` is encoded as well. */
export const aliasLabel = (alias: string): Attribute =>
  attribute(
    'label',
    encodeURIComponent(alias).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  );

/** The alias that a section's label stands for; null where there is none, or none that can be decoded. */
export function aliasOf(media: Pick<MediaDescription, 'attributes'>): string | null {
  try {
    const value = label(media);
    return value === null ? null : decodeURIComponent(value);
  } catch {
    return null;
  }
}
