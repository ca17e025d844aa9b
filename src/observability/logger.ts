/** Logs: JSON lines on standard output, by pino, without secrets. No line is worth a call. */
import { pino, type DestinationStream } from 'pino';
import type { Logger } from '../domain/logger.js';
import { LogOutput } from './log-output.js';
import { createRedaction, type RedactionOptions } from './redaction.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LoggerOptions extends RedactionOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Default standard output. */
  readonly destination?: DestinationStream;
}

/** Standard output; what waits when the process ends is written then. */
function standardOutput(): DestinationStream {
  const output = new LogOutput();
  process.once('exit', () => output.flushSync());
  return output;
}

export function createLogger(options: LoggerOptions = {}): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // On the finished line: that alone also sees children's bindings, nested fields and the text of errors.
    hooks: { streamWrite: createRedaction(options) },
  };
  return pino(settings, options.destination ?? standardOutput());
}
