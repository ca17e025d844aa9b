/** The log, as the media plane needs it. */

/** The part of pino's logger that the media plane uses: constant messages, data in fields. */
export interface MediaLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
