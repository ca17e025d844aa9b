/** Logs why a change of a leg's media did not come about, as loud as it deserves. */
import type { Logger } from './logger.js';
import { MediaRefusal } from './media-plane.js';

/**
 * What the media refuses (a limit that is reached, a leg that has ended meanwhile) and a far end that is gone are ways of
 * the world: a line with the reason. Anything else is a fault, and its stack is worth having.
 */
export function logMediaFailure(
  logger: Logger,
  error: unknown,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  if (error instanceof MediaRefusal)
    logger.info({ ...fields, code: error.code, detail: error.message }, message);
  else if (error instanceof FarEndUnreachable) logger.info({ ...fields, detail: error.message }, message);
  else logger.warn({ ...fields, err: error }, message);
}

/** A request found no way to the far end: its connection is gone, as that of a browser that was killed. */
export class FarEndUnreachable extends Error {
  override readonly name = 'FarEndUnreachable';
}
