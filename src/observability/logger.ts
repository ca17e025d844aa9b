/** Logs: JSON lines on standard output, by pino, without secrets. Writing a line never delays a call or makes it fail. */
import { pino, stdSerializers, type DestinationStream } from 'pino';
import { DomainError } from '../domain/domain-error.js';
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

/** Standard output; lines that still wait when the process ends are written then. */
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
    serializers: { err: describeError },
    formatters: { level: (label: string) => ({ level: label }) },
    // Secrets are taken out of the finished line, which holds children's bindings, nested fields and the text of errors too.
    hooks: { streamWrite: createRedaction(options) },
  };
  return pino(settings, options.destination ?? standardOutput());
}

/** Where a rule was broken, or the store is away, is no place in our code. */
function describeError(error: unknown): unknown {
  if (!(error instanceof DomainError)) return stdSerializers.err(error as Error);
  const { name: type, code, message } = error;
  return { type, code, message };
}
