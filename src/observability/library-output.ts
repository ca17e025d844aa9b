/**
 * What libraries write to the console, drachtio-srf above all, which prints whole messages there. Between the lines of the log
 * it is no JSON, and it bypasses what takes secrets out; so it becomes a line of the log, shortened. Strangers can cause it:
 * at `debug` it floods nobody.
 */
import { formatWithOptions } from 'node:util';
import type { Logger } from '../domain/logger.js';

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
const maxLength = 1000;

/** From now on; the console of this process is nobody else's. */
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
