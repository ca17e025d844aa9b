/**
 * Turns what libraries write to the console into log lines. drachtio-srf prints whole SIP messages there: that would be no JSON
 * among the lines of the log, and would bypass the redaction of secrets. Strangers can cause it, so it is shortened and logged
 * at `debug`, where it floods nobody.
 */
import { formatWithOptions } from 'node:util';
import type { Logger } from '../domain/logger.js';

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
const maxLength = 1000;

/** Takes the console over for the rest of the process. */
export function logConsole(
  logger: Pick<Logger, 'debug'>,
  target: Partial<Record<(typeof methods)[number], (...words: unknown[]) => void>> = console,
): void {
  for (const method of methods)
    target[method] = (...words) => {
      const text = formatWithOptions({ depth: 1, maxStringLength: maxLength }, ...words);
      logger.debug({ method, text: text.slice(0, maxLength) }, 'a library wrote to the console');
    };
}
